/**
 * Hands the listener of a seccomp filter that notifies (SCMP_ACT_NOTIFY) to the agent at `linux.seccomp.listenerPath`:
 * one message with the process's state, and the descriptor with it. Follows the runtime specification's "container
 * process state" (config-linux.md#containerprocessstate).
 */
import { close } from "../../ffi/file.ts";
import { connectUnix, sendDescriptors } from "../../ffi/unix-socket.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { SpecSeccomp } from "../spec/oci.ts";

export interface ListenedProcess {
  readonly ociVersion: string;
  /** As this engine sees it. */
  readonly pid: number;
  /** The container's state, as hooks get it. */
  readonly state: unknown;
}

/** Sends a copy of the listener, for startProcess's `onListener`. @throws BockerError where nobody takes it */
export function sendListener(
  { listenerPath = "", listenerMetadata }: SpecSeccomp,
  listener: number,
  { ociVersion, pid, state }: ListenedProcess,
): void {
  const metadata = listenerMetadata === undefined ? {} : { metadata: listenerMetadata };
  const text = JSON.stringify({ ociVersion, fds: ["seccompFd"], pid, ...metadata, state });
  try {
    const socket = connectUnix(listenerPath);
    try {
      sendDescriptors(socket, new TextEncoder().encode(text), [listener]);
    } finally {
      close(socket);
    }
  } catch (cause) {
    throw new BockerError(`cannot hand the seccomp listener to "${listenerPath}": ${messageOf(cause)}`, {
      kind: "host",
      cause,
    });
  }
}
