/**
 * Signals to processes that are known by identity or pidfd; a bare pid is never signalled.
 */
import { closeQuietly } from "../../ffi/file.ts";
import { pidfd_open, pidfd_send_signal } from "../../ffi/process.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { isProcessAlive, type ProcessIdentity } from "../host/process-identity.ts";

/**
 * Sends a signal; false when the process is gone (or another one has its pid by now).
 * @throws SyscallError EPERM where it may not be signalled
 */
export function signalProcess(
  process: ProcessIdentity | { readonly pidfd: number },
  signal: number,
): boolean {
  if ("pidfd" in process) return sendTo(process.pidfd, signal);
  const pidfd = openProcess(process);
  if (pidfd === undefined) return false;
  try {
    return sendTo(pidfd, signal);
  } finally {
    closeQuietly(pidfd);
  }
}

/**
 * A pidfd of that very process; undefined when it is gone. The caller's.
 *
 * Opened first and compared after: from then on the descriptor holds whatever the comparison found.
 */
export function openProcess(identity: ProcessIdentity): number | undefined {
  let pidfd: number;
  try {
    pidfd = pidfd_open(identity.pid);
  } catch (error) {
    if (isErrno(error, "ESRCH", "EINVAL")) return undefined;
    throw error;
  }
  if (isProcessAlive(identity)) return pidfd;
  closeQuietly(pidfd);
  return undefined;
}

function sendTo(pidfd: number, signal: number): boolean {
  try {
    pidfd_send_signal(pidfd, signal);
    return true;
  } catch (error) {
    if (isErrno(error, "ESRCH")) return false;
    throw error;
  }
}
