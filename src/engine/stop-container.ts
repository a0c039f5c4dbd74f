/**
 * Ending a container's process: `stop` (a signal, patience, SIGKILL) and `kill` (one signal).
 *
 * The monitor records the exit; these wait until it has, so that the next command sees what this one did.
 */
import { readFileSync } from "node:fs";
import { BockerError } from "../errors.ts";
import { monotonicMs } from "../host/clock.ts";
import { isProcessAlive } from "../host/process-identity.ts";
import { trace } from "../host/trace.ts";
import { parseSignal, signalNameOf } from "../runtime/signal-name.ts";
import { signalProcess } from "../runtime/signal-process.ts";
import { getContainer } from "../state/container.ts";
import { markStopIntent } from "../state/container-life.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { ContainerRecord, ProcessIdentity, StopIntent } from "../state/record.ts";
import { loadContainerImage } from "./container-image.ts";
import { isLive } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { settleContainer } from "./settle-container.ts";
import { thawContainer } from "./thaw-container.ts";

const SIGKILL = 9;
const SIGUSR1 = 10;
const SIGTERM = 15;
const lastSignal = 64;
const defaultStopTimeoutSeconds = 10;
/** A monitor needs milliseconds to record an exit, seconds on a starving machine; one that takes longer than this is stuck. */
const recordPatienceMs = 30_000;
/** Looks a millisecond apart, before they leave the processor to whom they wait for. */
const closeLooks = 25;

export interface StopOptions {
  /** Seconds; negative: for ever. Absent: the container's, or 10. */
  readonly timeoutSeconds?: number;
  /** A name or a number; absent: the container's, its image's, or SIGTERM. */
  readonly signal?: string;
}

/**
 * Stops a container; one that does not run is left as it is. `intent`: what follows, see ContainerRecord.stopIntent.
 * Gives a warning for the user when it had to be killed because its first process is deaf to the signal.
 */
export async function stopContainer(
  engine: Engine,
  nameOrId: string,
  options: StopOptions,
  intent: StopIntent = "stop",
): Promise<string | undefined> {
  const asked = options.signal === undefined ? undefined : parseSignal(options.signal);
  const record = await disarm(engine, await loadContainer(engine, nameOrId), intent);
  if (record?.init === undefined) return undefined;
  const seconds = options.timeoutSeconds ?? record.config.stopTimeout ?? defaultStopTimeoutSeconds;
  const signal = asked ?? stopSignalOf(engine, record) ?? SIGTERM;
  sendSignal(engine, record, record.init, signal);
  await thawContainer(engine, record);
  let warning: string | undefined;
  const patienceMs = seconds < 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
  if (!(await waitUntilGone(record.init, patienceMs))) {
    if (seconds > 0 && !handlesSignal(record.init, signal)) warning = deafness(record, signal, seconds);
    sendSignal(engine, record, record.init, SIGKILL);
    await waitUntilGone(record.init, recordPatienceMs);
  }
  await waitUntilRecorded(engine, record);
  appendContainerEvent(engine.state, record.id, "stop");
  return warning;
}

/**
 * Sends one signal; SIGKILL also waits for the end. As with docker, a signal that means the end (SIGKILL, the container's
 * stop signal, any where it has none) disarms the restart policy and lets a paused container go on.
 * Throws docker's error when the container does not run.
 */
export async function killContainer(engine: Engine, nameOrId: string, signalName: string): Promise<void> {
  try {
    await kill(engine, nameOrId, signalName);
  } catch (error) {
    if (!(error instanceof BockerError)) throw error;
    const { kind, hint, cause } = error;
    const message = `cannot kill container: ${nameOrId}: ${error.message}`;
    throw new BockerError(message, { kind, cause, ...(hint === undefined ? {} : { hint }) });
  }
}

async function kill(engine: Engine, nameOrId: string, signalName: string): Promise<void> {
  const signal = parseSignal(signalName);
  const found = await loadContainer(engine, nameOrId);
  if (!isLive(found)) {
    throw new BockerError(`container ${found.id} is not running`, { kind: "not-running" });
  }
  const isFinal = signal === SIGKILL || (stopSignalOf(engine, found) ?? signal) === signal;
  const record = isFinal ? await disarm(engine, found, "stop") : found;
  if (record?.init === undefined) return;
  sendSignal(engine, record, record.init, signal);
  if (isFinal) await thawContainer(engine, record);
  if (signal !== SIGKILL) return;
  await waitUntilGone(record.init, recordPatienceMs);
  await waitUntilRecorded(engine, record);
}

/** Kills what runs, as `rm -f` does. */
export async function forceStop(engine: Engine, found: ContainerRecord): Promise<void> {
  const record = await disarm(engine, found, "stop");
  if (record?.init === undefined) return;
  sendSignal(engine, record, record.init, SIGKILL);
  await thawContainer(engine, record);
  await waitUntilGone(record.init, recordPatienceMs);
  await waitUntilRecorded(engine, record);
}

/** The event first: what the signal does must not be told before it. */
function sendSignal(engine: Engine, { id }: ContainerRecord, init: ProcessIdentity, signal: number): void {
  appendContainerEvent(engine.state, id, "kill", { signal: String(signal) });
  trace(() => `sent ${signalNameOf(signal)} to process ${init.pid}`);
  signalProcess(init, signal);
}

/**
 * Takes a live container's restart policy away until it is started again, and ends the pause of one that is about to be
 * restarted. The record as it is then; undefined: gone.
 */
async function disarm(
  engine: Engine,
  record: ContainerRecord,
  intent: StopIntent,
): Promise<ContainerRecord | undefined> {
  if (!isLive(record) || !markStopIntent(engine.state, record.id, intent)) return record;
  for (const deadline = monotonicMs() + recordPatienceMs; ; ) {
    const current = getContainer(engine.state, record.id);
    if (current?.status !== "restarting") return current;
    if (current.monitor === undefined || !signalProcess(current.monitor, SIGUSR1)) {
      return settleContainer(engine, current);
    }
    if (monotonicMs() >= deadline) throw monitorIsStuck(current, current.monitor);
    await Bun.sleep(2);
  }
}

/** The container's own or its image's; undefined: neither names one. */
function stopSignalOf(engine: Engine, record: ContainerRecord): number | undefined {
  const name = record.config.stopSignal ?? loadContainerImage(engine, record).config.StopSignal;
  if (name === undefined || name === "") return undefined;
  // docker takes any number, cannot send it, and kills.
  return Number(name) > lastSignal ? SIGKILL : parseSignal(name);
}

/**
 * Whether a process has a handler, or blocks the signal to fetch it with sigwait: the first of a pid namespace gets no
 * other signals (pid_namespaces(7)).
 */
function handlesSignal({ pid }: ProcessIdentity, signal: number): boolean {
  const masks = [...readStatus(pid).matchAll(/^Sig(?:Cgt|Blk):\s*([0-9a-f]+)$/gm)];
  return (
    masks.length === 0 || masks.some(([, mask]) => ((BigInt(`0x${mask}`) >> BigInt(signal - 1)) & 1n) === 1n)
  );
}

function readStatus(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

function deafness(record: ContainerRecord, signal: number, seconds: number): string {
  const time = seconds === 1 ? "1 second" : `${seconds} seconds`;
  return (
    `container "${record.name}" was killed after ${time}: its process 1 (${record.args[0]}) has no handler for ` +
    `${signalNameOf(signal)}, and process 1 gets no signal without one; run it with --init`
  );
}

/** Waits for a process's end, first closely, then every 10 ms; false after `patienceMs`. */
async function waitUntilGone(process: ProcessIdentity, patienceMs: number): Promise<boolean> {
  const deadline = monotonicMs() + patienceMs;
  for (let pauseMs = 1; isProcessAlive(process); pauseMs = Math.min(pauseMs * 2, 10)) {
    if (monotonicMs() >= deadline) return false;
    await Bun.sleep(Math.min(pauseMs, Math.max(deadline - monotonicMs(), 0)));
  }
  return true;
}

/** Until the monitor has said how it ended, or is gone itself and the record has been settled for it. */
async function waitUntilRecorded(engine: Engine, record: ContainerRecord): Promise<void> {
  const deadline = monotonicMs() + recordPatienceMs;
  const { monitor } = record;
  for (let looks = 0; ; looks++) {
    const current = getContainer(engine.state, record.id);
    if (current === undefined || current.init === undefined || monitor === undefined) return;
    if (current.init.startTicks !== record.init?.startTicks) return;
    if (!isProcessAlive(monitor)) {
      await settleContainer(engine, current);
      return;
    }
    if (monotonicMs() >= deadline) {
      throw monitorIsStuck(record, monitor);
    }
    await Bun.sleep(looks < closeLooks ? 1 : 10);
  }
}

function monitorIsStuck(record: ContainerRecord, { pid }: ProcessIdentity): BockerError {
  return new BockerError(`cannot stop "${record.name}": its monitor (pid ${pid}) does not answer`, {
    kind: "timeout",
    hint: `look at what process ${pid} waits for; killing it settles the container`,
  });
}
