/**
 * The monitor process: one container from its start to its settled end.
 *
 *   born with a channel ──▶ start order ──▶ started ──▶ listen for clients ──▶ exited ──▶ settled ──▶ exit to clients
 *            └─ channel closed: gone, without a trace  ▲     └─▶ rest ─▶ resumed ─┘                          │
 *                                                      └───────────────── pause, restart policy ◀────────────┘
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
import { HealthTimer } from "./health-timer.ts";
import { HeldPorts } from "./held-ports.ts";
import type {
  MonitorDependencies,
  ProcessExit,
  Settlement,
  StartedContainer,
} from "./monitor-dependencies.ts";
import { monitorChannelFd } from "./monitor-process.ts";
import { NameDoor } from "./name-door.ts";
import { showContainerInTitle } from "./process-title.ts";
import { decodeJson, encodeJson, FrameType, type StartOrder, toWireError } from "./protocol.ts";
import { type RestState, releaseHeldSignals } from "./rest.ts";
import { restWhenQuiet } from "./rest-when-quiet.ts";
import { RunDeadline, timedOutExitCode } from "./run-deadline.ts";
import { listenForShutdown } from "./shutdown-notice.ts";

const SIGKILL = 9;
const ignoredSignals = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGUSR1", "SIGUSR2", "SIGIO"] as const;

/** Ignores what the header says, and notes what says that the system goes down. */
function ignoreSignals(): void {
  for (const signal of ignoredSignals) process.on(signal, () => undefined);
  listenForShutdown();
}

/** Runs until everything is finished; main.ts then exits. Never rejects. */
export async function runMonitor(
  dependencies: MonitorDependencies,
  channelFd: number = monitorChannelFd,
): Promise<void> {
  ignoreSignals();
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
    const size = attach?.size === undefined ? {} : { size: attach.size };
    const attached = attach === undefined ? {} : { isAttached: true as const };
    return await dependencies.startContainer(id, { ...size, ...attached });
  } catch (error) {
    channel.send(FrameType.error, encodeJson(toWireError(error)));
    await channel.drained();
    channel.close();
    return undefined;
  }
}

/** The run whose log hears of what goes wrong here. */
let currentLife: ContainerLife | undefined;

/** Sees to it that one bug more does not take a container along. */
function surviveErrors(): void {
  const note = (error: unknown) => currentLife?.log.note(`monitor: ${messageOf(error)}`);
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
  surviveErrors();
  channel.send(FrameType.started);
  if (attach === undefined) channel.listen({ frame: () => undefined, closed: () => undefined });
  else life.attach(channel, attach);
  await attendAll(life, runOf(id, container), async () => dependencies);
}

/** What attending to a container needs once it has started. */
type Load = () => Promise<Omit<MonitorDependencies, "startContainer">>;

/**
 * Goes on with a container after a rest (rest.ts). `load` brings the engine, which is needed at the end only.
 * Never rejects.
 */
export async function resumeMonitor({ pidfd, command, ...state }: RestState, load: Load): Promise<void> {
  ignoreSignals();
  releaseHeldSignals();
  let hasEnded = false;
  const exited = waitForExit({ pidfd }).finally(() => {
    hasEnded = true;
  });
  const signal = (number: number): void => {
    if (!hasEnded) signalProcess({ pidfd }, number);
  };
  const { ports, ...others } = state;
  const container = { ...others, process: { exited, signal }, rest: { pidfd, command } };
  const life = new ContainerLife(container);
  surviveErrors();
  const held = await HeldPorts.resume(ports);
  await attendAll(life, { id: state.id, container, held, resumed: true }, load);
}

interface Run {
  readonly id: string;
  readonly container: StartedContainer;
  readonly held: HeldPorts;
  readonly resumed: boolean;
}

/** One that has just begun. */
function runOf(id: string, container: StartedContainer): Run {
  return { id, container, held: new HeldPorts(container.ports), resumed: false };
}

/** This run, and those that the restart policy makes follow. */
async function attendAll(life: ContainerLife, run: Run, load: Load): Promise<void> {
  let loaded: ReturnType<Load> | undefined;
  const loadOnce: Load = () => {
    loaded ??= load();
    return loaded;
  };
  let pauseMs = await attend(life, run, loadOnce);
  while (pauseMs !== undefined) {
    const container = await (await loadOnce()).restartContainer(run.id, pauseMs);
    if (container === undefined) return;
    // Nobody was there to give input from the first moment.
    const again = runOf(run.id, { ...container, stdinOnce: false });
    pauseMs = await attend(new ContainerLife(again.container), again, loadOnce);
  }
}

/** From started to settled; gives the pause before the next run, if there is to be one. */
async function attend(
  life: ContainerLife,
  { id, container, held, resumed }: Run,
  load: Load,
): Promise<number | undefined> {
  currentLife = life;
  const ended = life.run();
  const note = (text: string) => life.log.note(text);
  const names = new NameDoor(container.names, note);
  const listener = await listenForClients(container.socketPath, {
    attached: (client, request) => life.attach(client, request),
    replacePorts: (order) => held.replace(order),
    serveNames: ({ order, pid }) => names.open(order, pid),
  }).catch((error: unknown) => note(`attach is not possible: ${messageOf(error)}`));
  showContainerInTitle(id);
  const health = container.health && new HealthTimer(container.health, note);
  const deadline = watchDeadline(life, id, container, load);
  const wake = restWhenQuiet(life, id, container, resumed, { held, names, health });
  const exit = killedInTime(await ended, deadline);
  wake();
  health?.stop();
  names.stop();
  listener?.close();
  held[Symbol.dispose]();
  const { warning, restartInMs } = await settle(load, id, exit);
  await life.sayExit({ exitCode: exit.exitCode, ...(warning === undefined ? {} : { warning }) });
  return restartInMs;
}

/** `--timeout`: SIGKILL, which a frozen container gets only once it is let go. */
function watchDeadline(
  life: ContainerLife,
  id: string,
  { deadlineMs, process }: StartedContainer,
  load: Load,
): RunDeadline | undefined {
  if (deadlineMs === undefined) return undefined;
  return new RunDeadline(deadlineMs, () => {
    process.signal(SIGKILL);
    load()
      .then(({ thawContainer }) => thawContainer(id))
      .catch((error: unknown) => life.log.note(`cannot let it go on: ${messageOf(error)}`));
  });
}

function killedInTime(exit: ProcessExit, deadline: RunDeadline | undefined): ProcessExit {
  deadline?.stop();
  return deadline?.hasPassed === true && exit.signal === SIGKILL
    ? { ...exit, exitCode: timedOutExitCode }
    : exit;
}

/** What went wrong is told to whoever is attached; the next command that meets the container settles it. */
async function settle(load: Load, id: string, exit: ProcessExit): Promise<Settlement> {
  try {
    const { settleExit } = await load();
    return await settleExit(id, exit);
  } catch (error) {
    return { warning: messageOf(error) };
  }
}
