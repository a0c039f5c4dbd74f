/**
 * Who adds to the store and who cleans it: adders share a lock, the garbage collector wants it alone.
 *
 * A pull finds a layer present, and only minutes later writes the image row that makes it reachable. While anybody
 * holds the store, nothing unreachable may be removed.
 */
import { openSync } from "node:fs";
import { join } from "node:path";
import { closeQuietly, flock } from "../../ffi/file.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import type { Paths } from "../host/paths.ts";
import { prepareLayout } from "./oci-layout.ts";

const LOCK_SH = 1;
const LOCK_EX = 2;
const LOCK_NB = 4;
const waitMs = 20;

/** Keeps the garbage collector away until disposed; take it before looking what is there already. */
export async function holdStore(paths: Paths): Promise<Disposable> {
  for (;;) {
    const hold = tryFlockStore(paths, LOCK_SH);
    if (hold !== undefined) return hold;
    await Bun.sleep(waitMs);
  }
}

/** The store for the garbage collector alone; undefined while somebody adds to it. */
export function tryOwnStore(paths: Paths): Disposable | undefined {
  return tryFlockStore(paths, LOCK_EX);
}

function tryFlockStore(paths: Paths, operation: number): Disposable | undefined {
  prepareLayout(paths);
  const fd = openSync(join(paths.tmp, "store.lock"), "a", 0o600);
  try {
    flock(fd, operation | LOCK_NB);
  } catch (error) {
    closeQuietly(fd);
    if (isErrno(error, "EAGAIN")) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => closeQuietly(fd) };
}
