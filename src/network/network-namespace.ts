/**
 * Working inside another network namespace: the main thread steps in, does something synchronous, and steps back.
 *
 * Sockets opened and programs started meanwhile belong to that namespace; files do not: a container's own tree is never
 * entered. Nothing may be awaited inside, since other code of this process would run there.
 */
import { closeSync, constants, openSync } from "node:fs";
import { setns } from "../../ffi/process.ts";

const CLONE_NEWNET = 0x4000_0000;

/** A held namespace: it stays the same one whatever becomes of the process that it was opened through. */
export interface NetworkNamespace extends Disposable {
  /** Close-on-exec; closed with the object. */
  readonly fd: number;
  /** As `ip` takes it: this process's descriptor. */
  readonly path: string;
}

/** Opens the network namespace of a process. ENOENT: it is gone. */
export function openNetworkNamespace(pid: number): NetworkNamespace {
  const fd = openSync(`/proc/${pid}/ns/net`, constants.O_RDONLY);
  return { fd, path: `/proc/${process.pid}/fd/${fd}`, [Symbol.dispose]: () => closeSync(fd) };
}

/** Runs `action` in a namespace, and comes back whatever happens. */
export function insideNamespace<Result>(namespace: NetworkNamespace, action: () => Result): Result {
  const home = openSync("/proc/self/ns/net", constants.O_RDONLY);
  try {
    setns(namespace.fd, CLONE_NEWNET);
    try {
      return action();
    } finally {
      setns(home, CLONE_NEWNET);
    }
  } finally {
    closeSync(home);
  }
}
