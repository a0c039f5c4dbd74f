/**
 * What a container wrote: its log, as far as it goes or as it grows.
 */
import { BockerError } from "../errors.ts";
import type { LogEntry } from "../monitor/log-entry.ts";
import { readLog } from "../monitor/log-reader.ts";
import type { ContainerRecord } from "../state/record.ts";
import { attachSocketOf, logPathOf } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";

export type { LogEntry };

export interface LogRequest {
  /** The last so many entries; absent: all. */
  readonly tail?: number;
  /** Milliseconds after the epoch. */
  readonly since?: number;
  readonly until?: number;
  /** Goes on until the container ends. */
  readonly follow: boolean;
}

/** The entries, in batches. Throws docker's refusal for a container that keeps no log. */
export async function containerLog(
  engine: Engine,
  nameOrId: string,
  { follow, ...options }: LogRequest,
): Promise<AsyncIterable<readonly LogEntry[]>> {
  const record = await loadContainer(engine, nameOrId);
  if (record.config.log.driver === "none") {
    throw new BockerError("configured logging driver does not support reading", { kind: "unsupported" });
  }
  return readLog(logPathOf(engine.paths, record.id), {
    ...options,
    ...(follow ? { followUntil: endOf(engine, record) } : {}),
  });
}

/** Kept when the container has ended: its monitor closes the connection. One that does not run has ended. */
async function endOf(engine: Engine, record: ContainerRecord): Promise<void> {
  if (record.init === undefined) return;
  const { connectAttach } = await import("../monitor/connect-attach.ts");
  const session = await connectAttach(attachSocketOf(engine.paths, record.id), {
    stdin: false,
    stdout: false,
    stderr: false,
  });
  await session.run(() => undefined);
}
