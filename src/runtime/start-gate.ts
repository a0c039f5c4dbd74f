/**
 * The gate between `create` and `start` of an OCI runtime: two fifos in the container's state directory, held open
 * by the init that waits.
 *
 *   create ── plan with `gate`, descriptors start and result ──▶ init: reads start
 *   start  ── unlinks exec.fifo, writes a byte ─────────────────▶ init: execve
 *          ◀─ end of file (close-on-exec): it runs; a record: why it does not ── result.fifo
 *
 * Who unlinks exec.fifo is the one who starts: a second start finds none. Init's descriptors are opened for reading
 * and writing, so that it never sees an end of file, and opening for writing fails once it is gone.
 */
import { unlinkSync } from "node:fs";
import { join } from "node:path";
import { errnoName, errnoText } from "../../ffi/errno.ts";
import { closeQuietly, mknodat, openat, writeAll } from "../../ffi/file.ts";
import { AT_FDCWD, openFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import { executableCandidates } from "../launch/executable.ts";
import { explainFailure } from "../launch/explain-failure.ts";
import type { SpecProcess } from "../spec/oci.ts";
import { StatusReader, type StatusRecord } from "./status-reader.ts";

const startFifo = "exec.fifo";
const resultFifo = "result.fifo";
const S_IFIFO = 0o010000;

export interface StartGate extends Disposable {
  /** For startProcess, among its `fds`. */
  readonly fds: { readonly start: number; readonly result: number };
}

/** Makes the gate in a directory that only the engine can write to. Dispose after the start; the fifos stay. */
export function makeGate(directory: string): StartGate {
  const opened: number[] = [];
  const make = (name: string): number => {
    const path = join(directory, name);
    mknodat(AT_FDCWD, path, S_IFIFO | 0o600, { major: 0, minor: 0 });
    const fd = openat(AT_FDCWD, path, openFlags.O_RDWR | openFlags.O_NOFOLLOW);
    opened.push(fd);
    return fd;
  };
  const dispose = () => closeQuietly(...opened);
  try {
    return { fds: { start: make(startFifo), result: make(resultFifo) }, [Symbol.dispose]: dispose };
  } catch (error) {
    dispose();
    throw error;
  }
}

/**
 * Lets the init behind the gate go and returns when it runs its command. `process` is what it was created for.
 *
 * @throws BockerError kind `conflict` where it was started before, `not-running` where it is gone; docker's words for
 * a command that cannot be executed
 */
export async function openGate(directory: string, process: SpecProcess): Promise<void> {
  const result = openFifo(join(directory, resultFifo), openFlags.O_RDONLY);
  const reader = new StatusReader(result);
  try {
    knock(join(directory, startFifo));
    const record = await reader.next();
    if (record !== undefined) throw explained(process, record);
  } finally {
    reader.close();
  }
  unlinkSync(join(directory, resultFifo));
}

function knock(path: string): void {
  const start = openFifo(path, openFlags.O_WRONLY);
  try {
    unlinkSync(path);
    writeAll(start, new Uint8Array(1));
  } catch (error) {
    throw isErrno(error, "ENOENT") || isMissing(error) ? alreadyStarted() : error;
  } finally {
    closeQuietly(start);
  }
}

function openFifo(path: string, mode: number): number {
  try {
    return openat(AT_FDCWD, path, mode | openFlags.O_NONBLOCK | openFlags.O_NOFOLLOW);
  } catch (error) {
    if (isErrno(error, "ENOENT")) throw alreadyStarted();
    if (isErrno(error, "ENXIO"))
      throw new BockerError("cannot start a container that has stopped", { kind: "not-running" });
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

function alreadyStarted(): BockerError {
  return new BockerError("cannot start a container that is already running", { kind: "conflict" });
}

/** After the gate there is nothing left but execve. */
function explained({ args = [], env = [] }: SpecProcess, { errno, detail }: StatusRecord): BockerError {
  const candidates = executableCandidates(args[0] ?? "", env);
  const execve = { call: "execve", step: "exec", candidates, args, env, init: false } as const;
  return explainFailure(
    { purpose: "create", cloneFlags: [], inherits: [], initArgs: [], operations: [execve] },
    { index: 0, code: errnoName(errno), text: errnoText(errno), detail },
  );
}
