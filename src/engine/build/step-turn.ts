/**
 * One at a time for the same step: who comes second, in this build or another, finds in the cache what the first has made.
 *
 * The lock's file is under tmp/, with a name that sweep-storage.ts knows; the kernel lets go for who dies. Nobody waits for
 * anything else while it has one.
 */
import { join } from "node:path";
import { digestHex, parseDigest } from "../../image/digest.ts";
import { type TransientLock, tryLockTransient } from "../../storage/transient-lock.ts";
import type { Engine } from "../engine.ts";

const firstWaitMs = 5;
const longestWaitMs = 100;

/** Waits until nobody does the step of this key. Throws the signal's reason. */
export async function takeTurn({ paths }: Engine, key: string, signal: AbortSignal): Promise<TransientLock> {
  const path = join(paths.tmp, `layer-step-${digestHex(parseDigest(key))}.lock`);
  for (let waitMs = firstWaitMs; ; waitMs = Math.min(waitMs * 2, longestWaitMs)) {
    signal.throwIfAborted();
    const lock = tryLockTransient(path, { removeFile: true });
    if (lock !== undefined) return lock;
    await Bun.sleep(waitMs);
  }
}
