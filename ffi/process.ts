/**
 * Processes and namespaces: pidfds, waiting, signals, limits.
 *
 * A pidfd names one process for ever; kill(2) with a bare pid is here only for callers that have just checked the
 * process's identity. Making processes is launch.ts.
 */
import { cloneFlags, flagNames } from "./flags.ts";
import { syscall, syscallUninterrupted, trySyscall } from "./libc.ts";

/** pidfd_open(2), Linux 5.3: close-on-exec by itself. ESRCH when there is no such process. */
export function pidfd_open(pid: number): number {
  return syscall("pidfd_open", [pid, 0]);
}

/** pidfd_send_signal(2), Linux 5.1. Signal 0 asks whether the process is there (a zombie is). */
export function pidfd_send_signal(pidfd: number, signal: number): void {
  syscall("pidfd_send_signal", [pidfd, signal, null, 0]);
}

/** pidfd_getfd(2), Linux 5.6: a copy of another process's descriptor, close-on-exec. Needs ptrace rights. */
export function pidfd_getfd(pidfd: number, targetFd: number): number {
  return syscall("pidfd_getfd", [pidfd, targetFd, 0]);
}

/** kill(2). Only for a pid whose identity was checked just now, or a process group of one's own. */
export function kill(pid: number, signal: number): void {
  syscall("kill", [pid, signal]);
}

/** How a child ended. */
export type ChildExit =
  | { readonly by: "exit"; readonly code: number }
  | { readonly by: "signal"; readonly signal: number; readonly coreDumped: boolean };

/**
 * siginfo_t of waitid(2): si_signo int @0, si_errno @4, si_code @8, si_pid @16, si_uid @20, si_status @24; 128 bytes.
 */
export const siginfoBytes = 128;
const P_PIDFD = 3;
const WNOHANG = 1;
const WEXITED = 4;
const CLD_EXITED = 1;
const CLD_DUMPED = 3;

/**
 * waitid(2) with P_PIDFD (Linux 5.4) and WEXITED: reaps the child and tells how it ended.
 *
 * `block: false`: undefined when it still runs. ECHILD: not a child of this process, or already reaped.
 */
export function waitid(pidfd: number, options: { readonly block: boolean }): ChildExit | undefined {
  const info = new Uint8Array(siginfoBytes);
  const flags = options.block ? WEXITED : WEXITED | WNOHANG;
  syscallUninterrupted("waitid", [P_PIDFD, pidfd, info, flags, null], () => `P_PIDFD, ${pidfd}`);
  const view = new DataView(info.buffer);
  if (view.getInt32(16, true) === 0) return undefined;
  const code = view.getInt32(8, true);
  const status = view.getInt32(24, true);
  if (code === CLD_EXITED) return { by: "exit", code: status };
  return { by: "signal", signal: status, coreDumped: code === CLD_DUMPED };
}

/** setns(2). `fd`: a namespace file (`types` 0 or its kind) or a pidfd (Linux 5.8, then `types` says which). */
export function setns(fd: number, types: number): void {
  syscall("setns", [fd, types], () => `${fd}, ${flagNames(cloneFlags, types)}`);
}

/** unshare(2). CLONE_NEWUSER fails in a process with threads, which Bun is. */
export function unshare(flags: number): void {
  syscall("unshare", [flags], () => flagNames(cloneFlags, flags));
}

/** prctl(2). Options: prctlOptions. */
export function prctl(option: number, argument: number | string, argument3 = 0): number {
  return syscall("prctl", [option, argument, argument3, 0, 0]);
}

export interface ResourceLimit {
  readonly soft: bigint;
  readonly hard: bigint;
}

/** struct rlimit64: u64 rlim_cur @0, u64 rlim_max @8; 16 bytes. */
export const rlimit64Bytes = 16;

/** prlimit64(2): a process's limit (pid 0: one's own). RLIM_INFINITY is 2^64-1. */
export function prlimit(pid: number, resource: number): ResourceLimit {
  const limit = new BigUint64Array(2);
  syscall("prlimit64", [pid, resource, null, new Uint8Array(limit.buffer)]);
  return { soft: limit[0] ?? 0n, hard: limit[1] ?? 0n };
}

/** capabilities(7), "The securebits flags": changes of the ids below leave the capabilities alone. */
export const SECBIT_NO_SETUID_FIXUP = 4;

/** setfsuid(2) and setfsgid(2): whose files this thread makes. Neither ever fails; of this thread alone. */
export function setFsIds(uid: number, gid: number): void {
  syscall("setfsgid", [gid]);
  syscall("setfsuid", [uid]);
}

/** setsid(2): a session of one's own; EPERM for a group leader. */
export function setsid(): number {
  return syscall("setsid", []);
}

/** sethostname(2), of this process's UTS namespace. */
export function sethostname(name: string): void {
  syscall("sethostname", [name, new TextEncoder().encode(name).byteLength]);
}

/** True when the kernel knows a call: made with arguments that cannot work, it must say something else than ENOSYS. */
export function kernelKnows(
  call: "mount_setattr" | "openat2" | "close_range" | "pidfd_open" | "fsopen",
): boolean {
  const ENOSYS = 38;
  return trySyscall(call, [-1, null, -1, null, 0]) !== -ENOSYS;
}

/** exit_group(2): the process ends here, without exit handlers and without closing anything in order. */
export function exit_group(exitCode: number): void {
  syscall("exit_group", [exitCode & 0xff]);
}
