/**
 * Ending a container's process: `stop` (a signal, patience, SIGKILL) and `kill` (one signal).
 *
 * The monitor records the exit; these wait until it has, so that the next command sees what this one did.
 */
import { BockerError } from "../errors.ts";
import { monotonicMs } from "../host/clock.ts";
import { isProcessAlive } from "../host/process-identity.ts";
import { signalProcess } from "../runtime/signal-process.ts";
import { getContainer } from "../state/container.ts";
import type { ContainerRecord, ProcessIdentity } from "../state/record.ts";
import { loadContainerImage } from "./container-image.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { settleContainer } from "./settle-container.ts";
import { parseSignal } from "./signal-name.ts";

const SIGKILL = 9;
const defaultStopTimeoutSeconds = 10;
/** A monitor needs milliseconds to record an exit; one that takes longer than this is stuck. */
const recordPatienceMs = 10_000;

export interface StopOptions {
  /** Seconds; negative: for ever. Absent: the container's, or 10. */
  readonly timeoutSeconds?: number;
  /** A name or a number; absent: the container's, its image's, or SIGTERM. */
  readonly signal?: string;
}

/** Stops a container; one that does not run is left as it is. */
export async function stopContainer(engine: Engine, nameOrId: string, options: StopOptions): Promise<void> {
  const record = await loadContainer(engine, nameOrId);
  if (record.init === undefined) return;
  const seconds = options.timeoutSeconds ?? record.config.stopTimeout ?? defaultStopTimeoutSeconds;
  signalProcess(record.init, stopSignalOf(engine, record, options.signal));
  const patienceMs = seconds < 0 ? Number.POSITIVE_INFINITY : seconds * 1000;
  if (!(await waitUntilGone(record.init, patienceMs))) {
    signalProcess(record.init, SIGKILL);
    await waitUntilGone(record.init, recordPatienceMs);
  }
  await waitUntilRecorded(engine, record);
}

/** Sends one signal; SIGKILL also waits for the end. Throws docker's error when the container does not run. */
export async function killContainer(engine: Engine, nameOrId: string, signalName: string): Promise<void> {
  const signal = parseSignal(signalName);
  const record = await loadContainer(engine, nameOrId);
  if (record.init === undefined) {
    throw new BockerError(`cannot kill container: ${nameOrId}: container ${record.id} is not running`, {
      kind: "not-running",
    });
  }
  signalProcess(record.init, signal);
  if (signal !== SIGKILL) return;
  await waitUntilGone(record.init, recordPatienceMs);
  await waitUntilRecorded(engine, record);
}

/** Kills what runs, as `rm -f` does. */
export async function forceStop(engine: Engine, record: ContainerRecord): Promise<void> {
  if (record.init === undefined) return;
  signalProcess(record.init, SIGKILL);
  await waitUntilGone(record.init, recordPatienceMs);
  await waitUntilRecorded(engine, record);
}

function stopSignalOf(engine: Engine, record: ContainerRecord, asked: string | undefined): number {
  const image = loadContainerImage(engine, record);
  return parseSignal(asked ?? record.config.stopSignal ?? image.config.StopSignal ?? "SIGTERM");
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
  for (;;) {
    const current = getContainer(engine.state, record.id);
    if (current === undefined || current.init === undefined || monitor === undefined) return;
    if (current.init.startTicks !== record.init?.startTicks) return;
    if (!isProcessAlive(monitor)) {
      await settleContainer(engine, current);
      return;
    }
    if (monotonicMs() >= deadline) {
      throw new BockerError(
        `cannot stop "${record.name}": its monitor (pid ${monitor.pid}) does not answer`,
        {
          kind: "timeout",
          hint: `look at what process ${monitor.pid} waits for; killing it settles the container`,
        },
      );
    }
    await Bun.sleep(1);
  }
}
