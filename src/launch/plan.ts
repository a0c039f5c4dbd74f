/**
 * LaunchPlan: everything a container's process does between clone3 and execve, as plain printable data.
 *
 * A closed list of operations. Each is one system call named as the kernel names it (a few, at the end, belong to
 * the engine's own init), with the argument why it is safe where it stands. Flags are names, descriptors are names:
 * the numbers are made in src/runtime when the plan is put on tape. Plans come from plan-start.ts and plan-exec.ts;
 * nothing here has an effect.
 *
 *   clone3 ─▶ init: namespaces ─▶ detached mounts ─▶ pivot ─▶ attach ─▶ wait "go" ─▶ network, limits, user ─▶ execve
 *   parent:                     cgroups, veth pair ······················▲
 */

import type { IdMaps } from "../security/id-map.ts";
import type {
  Chdir,
  Chroot,
  Close,
  Dup3,
  Fchdir,
  Fchownat,
  Fcntl,
  Mkdirat,
  Mknodat,
  Openat,
  Openat2,
  Symlinkat,
  Write,
} from "./file-operation.ts";
import type {
  Fsconfig,
  Fsmount,
  Fsopen,
  Mount,
  MountSetattr,
  MoveMount,
  OpenTree,
  PivotRoot,
  Umount2,
} from "./mount-operation.ts";
import type { NetworkIoctl, Socket, TtyIoctl } from "./network-operation.ts";
import type { CloneFlag, MountAttribute } from "./operation.ts";
import type {
  Capset,
  CloseRange,
  DropBounding,
  Execve,
  Find,
  Fork,
  IoprioSet,
  Keyctl,
  Personality,
  Prctl,
  Prlimit,
  Report,
  Rewire,
  SchedSetaffinity,
  SchedSetattr,
  Seccomp,
  Setgroups,
  Sethostname,
  SetMempolicy,
  Setns,
  Setresid,
  Setsid,
  Umask,
  Unshare,
  VerifyCwd,
  VerifyFd,
  Wait,
} from "./process-operation.ts";

export interface LaunchPlan {
  /** What failed to start, in the error's words: a container, a process in one, or a hook. */
  readonly purpose: "create" | "exec" | "hook";
  /** Namespaces that clone3 makes. */
  readonly cloneFlags: readonly CloneFlag[];
  /**
   * Descriptors the child starts with, behind 0, 1 and 2: the n-th is number 3 + n there, whatever its number is
   * here. `tape`, `status` and `go` are always the first three; startProcess fills in the rest by name.
   */
  readonly inherits: readonly string[];
  /** Namespaces among `inherits` whose ids mounts or the process get. startProcess opens them, unless it is handed them. */
  readonly userNamespaces?: readonly UserNamespace[];
  /** File systems among `inherits` that startProcess makes and fills. */
  readonly copyUps?: readonly CopyUp[];
  /** argv of init itself, for `ps`. */
  readonly initArgs: readonly string[];
  readonly operations: readonly LaunchOperation[];
}

/** A user namespace with these maps, made for its descriptor alone; or the one that a file stands for. */
export type UserNamespace = { readonly name: string } & (IdMaps | { readonly path: string });

/** A tmpfs that starts with what the root file system has at the destination. */
export interface CopyUp {
  readonly name: string;
  readonly destination: string;
  /** The root file system's directory; absent: the descriptor `rootfs`. */
  readonly rootfs?: string;
  readonly data: readonly { readonly key: string; readonly value: string | null }[];
  readonly attributes: readonly MountAttribute[];
}

export type LaunchOperation =
  | Setns
  | Unshare
  | Setsid
  | Prctl
  | Prlimit
  | Umask
  | Sethostname
  | Openat
  | Openat2
  | Close
  | Fcntl
  | Dup3
  | Mkdirat
  | Mknodat
  | Symlinkat
  | Fchownat
  | Write
  | Mount
  | Umount2
  | Fsopen
  | Fsconfig
  | Fsmount
  | OpenTree
  | MoveMount
  | MountSetattr
  | PivotRoot
  | Chroot
  | Fchdir
  | Chdir
  | Socket
  | NetworkIoctl
  | TtyIoctl
  | Setgroups
  | Setresid
  | Capset
  | Seccomp
  | Keyctl
  | Personality
  | SchedSetattr
  | SchedSetaffinity
  | SetMempolicy
  | IoprioSet
  | CloseRange
  | DropBounding
  | Fork
  | Wait
  | VerifyCwd
  | VerifyFd
  | Report
  | Rewire
  | Find
  | Execve;

/** Inherited by every child, in this order. */
export const alwaysInherited = ["tape", "status", "go"] as const;
