/**
 * The monitor process: one container from its start to its settled end.
 *
 *   born with a channel ──▶ start order ──▶ started ──▶ listen for clients ──▶ exited ──▶ settled ──▶ exit to clients
 *            └─ channel closed: gone, without a trace
 *
 * It ignores the signals of terminals and of a system that shuts down (SIGHUP, SIGINT, SIGQUIT, SIGTERM): the container's
 * processes get their own, and somebody has to record how they ended. Whoever kills it with SIGKILL kills the
 * container with it. No error of one client, and no bug met on the way, may end a container.
 */
import { messageOf } from "../errors.ts";
import { listenForClients } from "./attach-listener.ts";
import { Channel } from "./channel.ts";
import { ContainerLife } from "./container-life.ts";
import type { MonitorDependencies, ProcessExit, StartedContainer } from "./monitor-dependencies.ts";
import { showContainerInTitle } from "./process-title.ts";
import { decodeJson, encodeJson, FrameType, type StartOrder, toWireError } from "./protocol.ts";
import { monitorChannelFd } from "./spawn-monitor.ts";

const ignoredSignals = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;

/** Runs until everything is finished; main.ts then exits. Never rejects. */
export async function runMonitor(
  dependencies: MonitorDependencies,
  channelFd: number = monitorChannelFd,
): Promise<void> {
  for (const signal of ignoredSignals) process.on(signal, () => undefined);
  const channel = await Channel.connect({ fd: channelFd }).catch(() => undefined);
  // Started by hand: there is nobody to say anything to.
  if (channel === undefined) return;
  const order = await firstOrder(channel);
  if (order === undefined) return;
  const container = await start(dependencies, channel, order);
  if (container === undefined) return;
  await live(dependencies, channel, order, container);
}

/** The start order, with the channel on hold; undefined when the other side left instead. */
function firstOrder(channel: Channel): Promise<StartOrder | undefined> {
  return new Promise((resolve) => {
    channel.listen({
      frame: ({ type, payload }) => {
        channel.hold();
        resolve(type === FrameType.start ? decodeJson<StartOrder>(payload) : undefined);
      },
      closed: () => resolve(undefined),
    });
  });
}

async function start(
  dependencies: MonitorDependencies,
  channel: Channel,
  { id, attach }: StartOrder,
): Promise<StartedContainer | undefined> {
  try {
    const options = attach?.size === undefined ? {} : { size: attach.size };
    return await dependencies.startContainer(id, options);
  } catch (error) {
    channel.send(FrameType.error, encodeJson(toWireError(error)));
    await channel.drained();
    channel.close();
    return undefined;
  }
}

async function live(
  dependencies: MonitorDependencies,
  channel: Channel,
  order: StartOrder,
  container: StartedContainer,
): Promise<void> {
  const life = new ContainerLife(container);
  const note = (error: unknown) => life.log.note(`monitor: ${messageOf(error)}`);
  process.on("uncaughtException", note).on("unhandledRejection", note);
  channel.send(FrameType.started);
  if (order.attach === undefined) channel.listen({ frame: () => undefined, closed: () => undefined });
  else life.attach(channel, order.attach);
  const ended = life.run();
  const listener = await listenForClients(container.socketPath, (client, request) => {
    life.attach(client, request);
  }).catch((error: unknown) => life.log.note(`attach is not possible: ${messageOf(error)}`));
  showContainerInTitle(order.id);
  const exit = await ended;
  listener?.close();
  const warning = await settle(dependencies, order.id, exit);
  await life.sayExit({ exitCode: exit.exitCode, ...(warning === undefined ? {} : { warning }) });
}

/** What went wrong is told to whoever is attached; the next command that meets the container settles it. */
async function settle(
  dependencies: MonitorDependencies,
  id: string,
  exit: ProcessExit,
): Promise<string | undefined> {
  try {
    await dependencies.settleExit(id, exit);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
