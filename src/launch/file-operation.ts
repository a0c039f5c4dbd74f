/**
 * Operations on files and directories: opening, making, owning, and where the process stands.
 *
 * Types only, one a call, each with the argument why it is safe. The union of all is in plan.ts.
 */
import type { AtFlag, Common, Fd, Keeps, OpenFlag, ResolveFlag } from "./operation.ts";

/** Opens by path. Before the pivot: host paths from the configuration only; after it every path is the container's own. */
export interface Openat extends Keeps {
  readonly call: "openat";
  readonly dirfd: Fd;
  readonly path: string;
  readonly flags: readonly OpenFlag[];
  readonly mode?: number;
  /** Skipped where the operation of this name succeeded. */
  readonly unless?: string;
}

/** Opens a mount's target. The kernel resolves it inside the container's root and refuses magic links. */
export interface Openat2 extends Keeps {
  readonly call: "openat2";
  readonly dirfd: Fd;
  readonly path: string;
  readonly flags: readonly OpenFlag[];
  readonly resolve: readonly ResolveFlag[];
}

/** A copy of a descriptor out of the way of the ones that execve passes on, or into their place. */
export interface Fcntl extends Common {
  readonly call: "fcntl";
  readonly fd: Fd;
  readonly command: "F_DUPFD_CLOEXEC" | "F_SETFD";
  /** The lowest number of the copy, or FD_CLOEXEC. */
  readonly argument: number | "FD_CLOEXEC";
  readonly keep?: string;
}

/** Puts a descriptor that the caller wants passed on where the command looks for it; stays open over execve. */
export interface Dup3 extends Common {
  readonly call: "dup3";
  readonly fd: Fd;
  readonly to: number;
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
