/**
 * The monitor process: one container from its start to its settled end.
 *
 *   born with a channel ──▶ start order ──▶ started ──▶ listen for clients ──▶ exited ──▶ settled ──▶ exit to clients
 *            └─ channel closed: gone, without a trace        └─▶ rest ─▶ resumed ─┘
 *
 * It ignores the signals of terminals and of a system that shuts down (SIGHUP, SIGINT, SIGQUIT, SIGTERM): the container's
 * processes get their own, and somebody has to record how they ended. Whoever kills it with SIGKILL kills the
 * container with it. No error of one client, and no bug met on the way, may end a container.
 */
import { messageOf } from "../errors.ts";
import { signalProcess } from "../runtime/signal-process.ts";
import { waitForExit } from "../runtime/wait-for-exit.ts";
import { listenForClients } from "./attach-listener.ts";
import { Channel } from "./channel.ts";
import { ContainerLife } from "./container-life.ts";
import type { MonitorDependencies, ProcessExit, StartedContainer } from "./monitor-dependencies.ts";
import { showContainerInTitle } from "./process-title.ts";
import { decodeJson, encodeJson, FrameType, type StartOrder, toWireError } from "./protocol.ts";
import { type RestState, releaseHeldSignals } from "./rest.ts";
import { restWhenQuiet } from "./rest-when-quiet.ts";
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

/** Handles that one bug more must not take a container along. */
function surviveErrors(life: ContainerLife): void {
  const note = (error: unknown) => life.log.note(`monitor: ${messageOf(error)}`);
  process.on("uncaughtException", note).on("unhandledRejection", note);
}

async function live(
  dependencies: MonitorDependencies,
  channel: Channel,
  { id, attach }: StartOrder,
  started: StartedContainer,
): Promise<void> {
  const container = { ...started, stdinOnce: started.stdinOnce && attach?.stdin === true };
  const life = new ContainerLife(container);
  surviveErrors(life);
  channel.send(FrameType.started);
  if (attach === undefined) channel.listen({ frame: () => undefined, closed: () => undefined });
  else life.attach(channel, attach);
  await attend(life, { id, container, resumed: false }, async () => dependencies);
}

/**
 * Goes on with a container after a rest (rest.ts). `load` brings the engine, which is needed at the end only.
 * Never rejects.
 */
export async function resumeMonitor(
  { pidfd, command, ...state }: RestState,
  load: () => Promise<Pick<MonitorDependencies, "settleExit">>,
): Promise<void> {
  for (const signal of ignoredSignals) process.on(signal, () => undefined);
  releaseHeldSignals();
  let hasEnded = false;
  const exited = waitForExit({ pidfd }).finally(() => {
    hasEnded = true;
  });
  const signal = (number: number): void => {
    if (!hasEnded) signalProcess({ pidfd }, number);
  };
  const container = { ...state, process: { exited, signal }, rest: { pidfd, command } };
  const life = new ContainerLife(container);
  surviveErrors(life);
  await attend(life, { id: state.id, container, resumed: true }, load);
}

/** From started to settled. */
async function attend(
  life: ContainerLife,
  {
    id,
    container,
    resumed,
  }: { readonly id: string; readonly container: StartedContainer; readonly resumed: boolean },
  load: () => Promise<Pick<MonitorDependencies, "settleExit">>,
): Promise<void> {
  const ended = life.run();
  const listener = await listenForClients(container.socketPath, (client, request) => {
    life.attach(client, request);
  }).catch((error: unknown) => life.log.note(`attach is not possible: ${messageOf(error)}`));
  showContainerInTitle(id);
  const wake = restWhenQuiet(life, id, container, resumed);
  const exit = await ended;
  wake();
  listener?.close();
  const warning = await settle(load, id, exit);
  await life.sayExit({ exitCode: exit.exitCode, ...(warning === undefined ? {} : { warning }) });
}

/** What went wrong is told to whoever is attached; the next command that meets the container settles it. */
async function settle(
  load: () => Promise<Pick<MonitorDependencies, "settleExit">>,
  id: string,
  exit: ProcessExit,
): Promise<string | undefined> {
  try {
    const { settleExit } = await load();
    await settleExit(id, exit);
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
