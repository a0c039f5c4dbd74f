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
import type {
  atFlags,
  cloneFlags,
  closeRangeFlags,
  fsconfigCommands,
  interfaceFlags,
  mountAttributes,
  mountFlags,
  moveMountFlags,
  openFlags,
  openTreeFlags,
  prctlOptions,
  resolveFlags,
  seccompFlags,
  umountFlags,
} from "../../ffi/flags.ts";

export interface LaunchPlan {
  /** What failed to start, in the error's words: a container or a process in one. */
  readonly purpose: "create" | "exec";
  /** Namespaces that clone3 makes. */
  readonly cloneFlags: readonly CloneFlag[];
  /**
   * Descriptors the child starts with, behind 0, 1 and 2: the n-th is number 3 + n there, whatever its number is
   * here. `tape`, `status` and `go` are always the first three; startProcess fills in the rest by name.
   */
  readonly inherits: readonly string[];
  /** argv of init itself, for `ps`. */
  readonly initArgs: readonly string[];
  readonly operations: readonly LaunchOperation[];
}

/** A name from `inherits` or from an earlier `keep`; a standard descriptor; or the current directory. */
export type Fd = string | 0 | 1 | 2;

export type CloneFlag = keyof typeof cloneFlags;
export type OpenFlag = keyof typeof openFlags;
export type AtFlag = keyof typeof atFlags;
export type ResolveFlag = keyof typeof resolveFlags;
export type MountFlag = keyof typeof mountFlags;
export type UmountFlag = keyof typeof umountFlags;
export type MountAttribute = keyof typeof mountAttributes;
export type OpenTreeFlag = keyof typeof openTreeFlags | "AT_RECURSIVE" | "AT_EMPTY_PATH";
export type MoveMountFlag = keyof typeof moveMountFlags;
export type SeccompFlag = keyof typeof seccompFlags;
export type CloseRangeFlag = keyof typeof closeRangeFlags;
export type PrctlOption = keyof typeof prctlOptions;
export type InterfaceFlag = keyof typeof interfaceFlags;
export type FsconfigCommand = keyof typeof fsconfigCommands;

interface Common {
  /** What it is for, as the subject of an error: `mounting "proc" to rootfs at "/proc"`. */
  readonly step: string;
  /** Errno names that count as done. */
  readonly ignore?: readonly string[];
}

/**
 * Gives the call's result a name for later operations. Where the call was skipped or failed with an ignored errno,
 * everything that uses the name is skipped as well: so "if it exists" needs no branches.
 */
interface Keeps extends Common {
  readonly keep: string;
}

/** Joins a namespace. Before any file of the container is looked at, and never with its processes able to trace us (PR_SET_DUMPABLE 0). */
export interface Setns extends Common {
  readonly call: "setns";
  readonly fd: Fd;
  readonly types: readonly CloneFlag[];
}

/** New namespaces for this process alone; used for the cgroup namespace, whose root is the cgroup one is in by then. */
export interface Unshare extends Common {
  readonly call: "unshare";
  readonly flags: readonly CloneFlag[];
}

/** A session of its own: no controlling terminal of the host is left to inject input into (TIOCSTI). */
export interface Setsid extends Common {
  readonly call: "setsid";
}

/** Touches this process's own settings only. */
export interface Prctl extends Common {
  readonly call: "prctl";
  readonly option: PrctlOption;
  /** A string for PR_SET_NAME. */
  readonly argument: number | string;
  readonly argument3?: number;
  /** The argument for people: a capability's or a signal's name. */
  readonly argumentName?: string;
}

/** This process's own limits; before privileges go, since raising needs them. */
export interface Prlimit extends Common {
  readonly call: "prlimit64";
  /** Number of the resource, with its name for people. */
  readonly resource: number;
  readonly resourceName: string;
  readonly soft: bigint;
  readonly hard: bigint;
}

/** This process's own mask. */
export interface Umask extends Common {
  readonly call: "umask";
  readonly mask: number;
}

/** Name of the UTS namespace; planned only where that namespace is new. */
export interface Sethostname extends Common {
  readonly call: "sethostname" | "setdomainname";
  readonly name: string;
}

/** Opens by path. Before the pivot: host paths from the configuration only; after it every path is the container's own. */
export interface Openat extends Keeps {
  readonly call: "openat";
  readonly dirfd: Fd;
  readonly path: string;
  readonly flags: readonly OpenFlag[];
  readonly mode?: number;
}

/** Opens a mount's target. The kernel resolves it inside the container's root and refuses magic links. */
export interface Openat2 extends Keeps {
  readonly call: "openat2";
  readonly dirfd: Fd;
  readonly path: string;
  readonly flags: readonly OpenFlag[];
  readonly resolve: readonly ResolveFlag[];
}

/** Lets a descriptor go early; execve would close it in any case. */
export interface Close extends Common {
  readonly call: "close";
  readonly fd: Fd;
}

/** Makes a missing mount target or working directory; after the pivot, so inside the container's root file system. */
export interface Mkdirat extends Common {
  readonly call: "mkdirat";
  readonly dirfd: Fd;
  readonly path: string;
  readonly mode: number;
}

/** A device node in the container's own /dev; what may be done with it the device cgroup decides. */
export interface Mknodat extends Common {
  readonly call: "mknodat";
  readonly dirfd: Fd;
  readonly path: string;
  /** Type and permission bits. */
  readonly mode: number;
  readonly major: number;
  readonly minor: number;
}

/** A link in the container's own /dev or cgroup directory; the target is never followed here. */
export interface Symlinkat extends Common {
  readonly call: "symlinkat";
  readonly target: string;
  readonly dirfd: Fd;
  readonly path: string;
}

/** Owner of a standard stream (AT_EMPTY_PATH: no path is resolved) or of a device node made just before. */
export interface Fchownat extends Common {
  readonly call: "fchownat";
  readonly dirfd: Fd;
  readonly path: string;
  readonly uid: number;
  readonly gid: number;
  readonly flags: readonly AtFlag[];
}

/** Text into a /proc file of this process or a sysctl of its own namespaces. */
export interface Write extends Common {
  readonly call: "write";
  readonly fd: Fd;
  readonly text: string;
}

/** The old call, for propagation, masking and kernels without the new ones; always in the child's own mount namespace. */
export interface Mount extends Common {
  readonly call: "mount";
  readonly source: string | null;
  readonly target: string;
  readonly fsType: string | null;
  readonly flags: readonly MountFlag[];
  readonly data: string;
  readonly keep?: string;
  /** Skipped where the operation of this name succeeded. */
  readonly unless?: string;
}

/** Takes the host's tree out of sight; the child's own namespace, so the host keeps it. */
export interface Umount2 extends Common {
  readonly call: "umount2";
  readonly target: string;
  readonly flags: readonly UmountFlag[];
}

/** A new superblock of a file system type named by the configuration, not by the container. */
export interface Fsopen extends Keeps {
  readonly call: "fsopen";
  readonly fsType: string;
}

/** One setting of a superblock in the making. */
export interface Fsconfig extends Common {
  readonly call: "fsconfig";
  readonly fd: Fd;
  readonly command: FsconfigCommand;
  readonly key: string | null;
  readonly value: string | null;
}

/** A detached mount: no path can reach it before it is attached. */
export interface Fsmount extends Keeps {
  readonly call: "fsmount";
  readonly fd: Fd;
  readonly attributes: readonly MountAttribute[];
}

/** A detached copy of a host tree, made before the pivot from a path of the configuration. */
export interface OpenTree extends Keeps {
  readonly call: "open_tree";
  readonly dirfd: Fd;
  readonly path: string;
  readonly flags: readonly OpenTreeFlag[];
}

/** Attaches a detached mount: to a descriptor opened with RESOLVE_IN_ROOT, or to a path of the child's namespace. */
export interface MoveMount extends Common {
  readonly call: "move_mount";
  readonly fromFd: Fd;
  readonly from: string;
  readonly toFd: Fd;
  readonly to: string;
  readonly flags: readonly MoveMountFlag[];
}

/** Read-only, nosuid … and propagation of a mount that is still detached: never visible without them. */
export interface MountSetattr extends Common {
  readonly call: "mount_setattr";
  readonly dirfd: Fd;
  readonly path: string;
  readonly flags: readonly AtFlag[];
  readonly set: readonly MountAttribute[];
  readonly clear: readonly MountAttribute[];
  readonly propagation: readonly MountFlag[];
}

/** Swaps the root; both paths are ".", which is the new root's own descriptor, so no path is resolved. */
export interface PivotRoot extends Common {
  readonly call: "pivot_root";
  readonly newRoot: string;
  readonly putOld: string;
}

/** Where the host's root is a ramfs that cannot be pivoted away: the new root lies on top of it, ".." ends there. */
export interface Chroot extends Common {
  readonly call: "chroot";
  readonly path: string;
}

/** Into the new root by its descriptor. */
export interface Fchdir extends Common {
  readonly call: "fchdir";
  readonly fd: Fd;
}

/** The working directory, resolved inside the container; verify-cwd follows (CVE-2024-21626). */
export interface Chdir extends Common {
  readonly call: "chdir";
  readonly path: string;
  readonly keep?: string;
  /** Skipped where the operation of this name succeeded. */
  readonly unless?: string;
}

/** A socket for the interface ioctls, in the child's network namespace. */
export interface Socket extends Keeps {
  readonly call: "socket";
  readonly family: "AF_INET" | "AF_INET6";
}

/** Interfaces and routes of the child's own network namespace (netdevice(7)). */
export type NetworkIoctl = Common & { readonly call: "ioctl"; readonly fd: Fd } & (
    | {
        readonly request: "SIOCSIFFLAGS";
        readonly interface: string;
        readonly flags: readonly InterfaceFlag[];
      }
    | {
        readonly request: "SIOCSIFADDR" | "SIOCSIFNETMASK";
        readonly interface: string;
        readonly address: string;
      }
    | { readonly request: "SIOCSIFMTU"; readonly interface: string; readonly mtu: number }
    | { readonly request: "SIOCSIFHWADDR"; readonly interface: string; readonly mac: string }
    | { readonly request: "SIOCADDRT"; readonly gateway: string }
    | {
        readonly request: "SIOCSIFADDR6";
        readonly interface: string;
        readonly address: string;
        readonly prefix: number;
      }
    | { readonly request: "SIOCADDRT6"; readonly interface: string; readonly gateway: string }
  );

/** Makes standard input, the slave of a pty made for this process, the session's terminal. */
export interface TtyIoctl extends Common {
  readonly call: "ioctl";
  readonly fd: Fd;
  readonly request: "TIOCSCTTY";
}

/** Supplementary groups; before the uid change that takes the right to set them. */
export interface Setgroups extends Common {
  readonly call: "setgroups";
  readonly gids: readonly number[];
}

/** Real, effective and saved id at once: no way back. */
export interface Setresid extends Common {
  readonly call: "setresgid" | "setresuid";
  readonly id: number;
}

/** Only ever takes capabilities away from what this process has. */
export interface Capset extends Common {
  readonly call: "capset";
  /** Bit n is capability n. */
  readonly effective: bigint;
  readonly permitted: bigint;
  readonly inheritable: bigint;
}

/** From here on the filter holds for everything, this plan's own rest included. */
export interface Seccomp extends Common {
  readonly call: "seccomp";
  readonly flags: readonly SeccompFlag[];
  /** struct sock_filter[], 8 bytes each. */
  readonly filter: Uint8Array;
}

/** A session keyring of its own: the caller's keys stay out of reach. */
export interface Keyctl extends Common {
  readonly call: "keyctl";
  readonly operation: "KEYCTL_JOIN_SESSION_KEYRING";
  readonly name: string;
}

/** Marks whatever is still open as close-on-exec: no host descriptor survives into the container. */
export interface CloseRange extends Common {
  readonly call: "close_range";
  readonly first: number;
  readonly flags: readonly CloseRangeFlag[];
}

/** Init's own: a child that is the engine's child too (CLONE_PARENT), because a joined pid namespace begins with one's children. */
export interface Fork extends Common {
  readonly call: "fork";
}

/** Init's own: reads one byte of the `go` pipe; end of file (the engine died) ends the process. */
export interface Wait extends Common {
  readonly call: "wait";
  /** Which of startProcess's hooks runs before the byte is written. */
  readonly for: "id-maps" | "go";
}

/** Init's own: prctl(PR_CAPBSET_DROP) of each capability in the mask; only ever takes away. */
export interface DropBounding extends Common {
  readonly call: "drop-bounding";
  /** Bit n is capability n. */
  readonly capabilities: bigint;
}

/** Init's own: ends the process unless getcwd(2) says it is inside the root. */
export interface VerifyCwd extends Common {
  readonly call: "verify-cwd";
}

/** Init's own: tells the engine that execve is next; kills the process (SIGPIPE) where nobody listens any more. */
export interface Report extends Common {
  readonly call: "report";
}

/**
 * Init's own: tries the candidates in order. With `init` it stays behind as PID 1, reaps and forwards signals, and
 * the command is its child.
 */
export interface Execve extends Common {
  readonly call: "execve";
  /** Absolute paths, or as written where the word has a slash. Empty: not found. */
  readonly candidates: readonly string[];
  readonly args: readonly string[];
  readonly env: readonly string[];
  readonly init: boolean;
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
  | CloseRange
  | DropBounding
  | Fork
  | Wait
  | VerifyCwd
  | Report
  | Execve;

/** Inherited by every child, in this order. */
export const alwaysInherited = ["tape", "status", "go"] as const;
