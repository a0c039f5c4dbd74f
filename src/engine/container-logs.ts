/**
 * What a container wrote: its log, as far as it goes or as it grows.
 */
import { BockerError } from "../errors.ts";
import { nowMs } from "../host/clock.ts";
import type { LogEntry } from "../monitor/log-entry.ts";
import { readLog } from "../monitor/log-reader.ts";
import type { ContainerRecord } from "../state/record.ts";
import { attachSocketOf } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { logFileOf } from "./log-target.ts";

export { padLogTime } from "../monitor/cri-entry.ts";
export type { LogEntry };

export interface LogRequest {
  /** The last so many entries; absent: all. */
  readonly tail?: number;
  /** Milliseconds after the epoch. */
  readonly since?: number;
  readonly until?: number;
  /** Goes on until the container has ended and is not started again, or until `until` has come. */
  readonly follow: boolean;
}

export interface ContainerLog {
  readonly id: string;
  readonly name: string;
  readonly batches: AsyncIterable<readonly LogEntry[]>;
}

/** How long a monitor is awaited before the record is looked at again. The log is read all the while. */
const betweenLooksMs = 100;
const dayMs = 86_400_000;

/** The entries, in batches. Throws docker's refusal for a container that keeps no log. */
export async function containerLog(
  engine: Engine,
  nameOrId: string,
  { follow, ...options }: LogRequest,
): Promise<ContainerLog> {
  const record = await loadContainer(engine, nameOrId);
  const { driver } = record.config.log;
  const path = logFileOf(engine, record);
  if (driver === "none" || path === undefined) {
    throw new BockerError("configured logging driver does not support reading", { kind: "unsupported" });
  }
  const { until } = options;
  const end = (): Promise<void> =>
    until === undefined ? endOf(engine, record) : Promise.race([endOf(engine, record), moment(until)]);
  const followUntil = follow ? { followUntil: end() } : {};
  return { id: record.id, name: record.name, batches: readLog(path, { driver, ...options, ...followUntil }) };
}

/** Kept at that time, in milliseconds after the epoch; a timer cannot be set for more than 24 days. */
async function moment(timeMs: number): Promise<void> {
  for (let now = nowMs(); now < timeMs; now = nowMs()) await Bun.sleep(Math.min(timeMs - now, dayMs));
}

/**
 * Kept when the container has ended for good: a restart policy's pauses and further runs are part of its life. Each run's
 * monitor closes the connection once it has settled the run.
 */
async function endOf(engine: Engine, { id }: ContainerRecord): Promise<void> {
  const { connectAttach } = await import("../monitor/connect-attach.ts");
  const nothing = { stdin: false, stdout: false, stderr: false };
  for (;;) {
    const record = await loadContainer(engine, id);
    if (record.init === undefined && record.status !== "restarting") return;
    try {
      const session = await connectAttach(attachSocketOf(engine.paths, id), nothing, betweenLooksMs);
      await session.run(() => undefined);
    } catch {
      // Nobody listens between two runs, and at the very end of one.
    }
  }
}
