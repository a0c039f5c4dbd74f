/**
 * A lock between processes that the kernel takes back when its holder dies: flock(2) on a file that stays.
 *
 * The lock belongs to the open file, which is close-on-exec. Never unlink the file: two processes could then each hold
 * the lock on a different one.
 */
import { closeSync, constants, mkdirSync, openSync } from "node:fs";
import { dirname } from "node:path";
import { flock } from "../../ffi/file.ts";
import { BockerError } from "../errors.ts";
import { monotonicMs } from "./clock.ts";

const exclusive = 2;
const nonBlocking = 4;

/**
 * Takes the exclusive lock, waiting for other holders; made to be held with `using`. Throws a BockerError of kind
 * "timeout" after `timeoutMs` (30 000). Not reentrant: a second lock on the same path waits for the first.
 */
export function lockFile(path: string, timeoutMs = 30_000): Disposable {
  return takeLock(openLock(path), path, timeoutMs);
}

/** As lockFile, of a folder that is there: the lock is no file in it, and goes with it. */
export function lockFolder(path: string, timeoutMs = 30_000): Disposable {
  return takeLock(openSync(path, constants.O_RDONLY | constants.O_DIRECTORY), path, timeoutMs);
}

function takeLock(lock: number, path: string, timeoutMs: number): Disposable {
  try {
    const deadline = monotonicMs() + timeoutMs;
    while (!tryLock(lock)) {
      if (monotonicMs() >= deadline) throw lockTimeout(path, timeoutMs);
      Bun.sleepSync(2);
    }
  } catch (error) {
    closeSync(lock);
    throw error;
  }
  return { [Symbol.dispose]: () => closeSync(lock) };
}

/** The lock if nobody holds it, else undefined. */
export function tryLockFile(path: string): Disposable | undefined {
  const lock = openLock(path);
  if (tryLock(lock)) return { [Symbol.dispose]: () => closeSync(lock) };
  closeSync(lock);
  return undefined;
}

function openLock(path: string): number {
  try {
    return openSync(path, "a", 0o600);
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
  }
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  return openSync(path, "a", 0o600);
}

function tryLock(fd: number): boolean {
  try {
    flock(fd, exclusive | nonBlocking);
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return false;
    throw error;
  }
}

function lockTimeout(path: string, timeoutMs: number): BockerError {
  return new BockerError(`cannot lock "${path}": another process has held it for ${timeoutMs} ms`, {
    kind: "timeout",
    hint: `see who with: fuser ${path}`,
  });
}
