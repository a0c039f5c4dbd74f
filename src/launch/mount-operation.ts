/**
 * Operations on mounts, old and new.
 *
 * Types only, one a call, each with the argument why it is safe. The union of all is in plan.ts.
 */
import type {
  AtFlag,
  Common,
  Fd,
  FsconfigCommand,
  Keeps,
  MountAttribute,
  MountFlag,
  MoveMountFlag,
  OpenTreeFlag,
  UmountFlag,
} from "./operation.ts";

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

/**
 * A detached copy of a tree: before the pivot of a path of the configuration; after it of a path in a /proc that is the
 * container's, or of what a verified descriptor holds.
 */
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
  readonly keep?: string;
}

/** Read-only, nosuid, ids … and propagation of a mount that is still detached: never visible without them. */
export interface MountSetattr extends Common {
  readonly call: "mount_setattr";
  readonly dirfd: Fd;
  readonly path: string;
  readonly flags: readonly AtFlag[];
  readonly set: readonly MountAttribute[];
  readonly clear: readonly MountAttribute[];
  readonly propagation: readonly MountFlag[];
  /** With MOUNT_ATTR_IDMAP: an inherited descriptor. */
  readonly userNamespace?: string;
}

/** Swaps the root; both paths are ".", which is the new root's own descriptor, so no path is resolved. */
export interface PivotRoot extends Common {
  readonly call: "pivot_root";
  readonly newRoot: string;
  readonly putOld: string;
}
