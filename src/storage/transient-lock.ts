/**
 * Locks for work under tmp/, by flock(2): whoever dies lets go, and nothing stays behind.
 *
 * Unlike src/host/lock-file.ts, waiting polls asynchronously, so that the progress of other downloads goes on, and
 * the file may be renamed or removed by its holder: a waiter that then gets the lock of a file without its
 * name notices and starts over. A download holds the lock on the partial file itself.
 */
import { fstatSync, openSync, statSync, unlinkSync } from "node:fs";
import { closeQuietly, flock } from "../../ffi/file.ts";
import { openFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";

const LOCK_EX_NB = 2 | 4;
const firstWaitMs = 5;
const longestWaitMs = 100;

/** Held until disposed; disposing removes the file where `removeFile` was asked for. */
export interface TransientLock extends Disposable {
  readonly fd: number;
}

/** Takes the lock at `path` (made when missing, mode 0600), waiting for whoever has it. */
export async function lockTransient(path: string, options: LockOptions = {}): Promise<TransientLock> {
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    const lock = tryLockTransient(path, options);
    if (lock !== undefined) return lock;
    await Bun.sleep(waitMs);
  }
}

export interface LockOptions {
  /** The file means nothing without the lock: remove it when letting go. */
  readonly removeFile?: boolean;
}

/** As lockTransient, but undefined when somebody else has it. */
export function tryLockTransient(path: string, options: LockOptions = {}): TransientLock | undefined {
  for (;;) {
    const fd = openSync(path, openFlags.O_RDWR | openFlags.O_CREAT | openFlags.O_CLOEXEC, 0o600);
    if (!tryFlock(fd)) {
      closeQuietly(fd);
      return undefined;
    }
    if (isFileAt(fd, path)) return heldLock(fd, path, options.removeFile === true);
    closeQuietly(fd);
  }
}

function tryFlock(fd: number): boolean {
  try {
    flock(fd, LOCK_EX_NB);
    return true;
  } catch (error) {
    if (isErrno(error, "EAGAIN")) return false;
    closeQuietly(fd);
    throw error;
  }
}

/** Whether `path` still names the open file. */
function isFileAt(fd: number, path: string): boolean {
  const open = fstatSync(fd);
  const named = statSync(path, { throwIfNoEntry: false });
  return named !== undefined && named.ino === open.ino && named.dev === open.dev;
}

function heldLock(fd: number, path: string, removeFile: boolean): TransientLock {
  return {
    fd,
    [Symbol.dispose]() {
      if (removeFile && isFileAt(fd, path)) unlinkSync(path);
      closeQuietly(fd);
    },
  };
}
