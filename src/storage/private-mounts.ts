/**
 * The tree of a container that does not run, with its volumes, where only this process sees it.
 *
 * This thread (the one that runs JavaScript) gets a mount namespace of its own: what is mounted in it, nobody else sees,
 * and the kernel drops it when the process ends, whatever way that is. Targets are opened below the container's root
 * without ever leaving it.
 */
import { fstatSync, openSync } from "node:fs";
import { closeQuietly, mkdirat, openat2 } from "../../ffi/file.ts";
import {
  AT_FDCWD,
  atFlags,
  cloneFlags,
  mountAttributes,
  mountFlags,
  moveMountFlags,
  openFlags,
  openTreeFlags,
  resolveFlags,
} from "../../ffi/flags.ts";
import { mount, mount_setattr, move_mount, open_tree } from "../../ffi/mount.ts";
import { unshare } from "../../ffi/process.ts";
import { isErrno } from "../../ffi/syscall-error.ts";

export interface PrivateMount {
  /** On the host; what is not there is not mounted. */
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
  readonly recursive: boolean;
  /** What of the source is mounted, resolved inside of it; absent: all. */
  readonly subpath?: string;
}

const { RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS } = resolveFlags;
const inRoot = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;

/**
 * Attaches the detached tree `rootFd` over the directory `place` and the mounts inside it. `rootFd` is then the root of
 * all that. For a process that ends after its one task: there is no way back out of the namespace.
 */
export function mountPrivately(rootFd: number, place: string, mounts: readonly PrivateMount[]): void {
  unshare(cloneFlags.CLONE_NEWNS);
  mount(null, "/", null, mountFlags.MS_REC | mountFlags.MS_PRIVATE);
  move_mount(rootFd, "", AT_FDCWD, place, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH);
  for (const each of mounts) attach(rootFd, each);
}

function attach(rootFd: number, mount: PrivateMount): void {
  const { target, readOnly, recursive } = mount;
  const source = openSource(mount);
  if (source === undefined) return;
  if (fstatSync(source).isDirectory()) makeFolders(rootFd, target);
  const place = tryOpen(rootFd, target);
  if (place === undefined) {
    closeQuietly(source);
    return;
  }
  const below = recursive ? atFlags.AT_RECURSIVE : 0;
  const tree = open_tree(source, "", openTreeFlags.OPEN_TREE_CLONE | atFlags.AT_EMPTY_PATH | below);
  try {
    if (readOnly) mount_setattr(tree, "", atFlags.AT_EMPTY_PATH, { set: mountAttributes.MOUNT_ATTR_RDONLY });
    const { MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH } = moveMountFlags;
    move_mount(tree, "", place, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  } finally {
    closeQuietly(tree, place, source);
  }
}

/** Opened in this namespace, so that what is cloned is what was found. Undefined: not there. */
function openSource({ source, subpath }: PrivateMount): number | undefined {
  const whole = tryOpenHost(source);
  if (whole === undefined || subpath === undefined) return whole;
  try {
    return tryOpen(whole, subpath);
  } finally {
    closeQuietly(whole);
  }
}

function tryOpenHost(path: string): number | undefined {
  try {
    return openSync(path, openFlags.O_PATH);
  } catch {
    return undefined;
  }
}

/** As create does at the first start: a target that the image lacks. */
function makeFolders(rootFd: number, target: string): void {
  const parts = target.split("/").filter((part) => part !== "");
  for (const [index, name] of parts.entries()) {
    const parent = tryOpen(rootFd, `/${parts.slice(0, index).join("/")}`);
    if (parent === undefined) return;
    try {
      mkdirat(parent, name, 0o755);
    } catch (error) {
      if (!isErrno(error, "EEXIST", "EROFS", "ENOTDIR")) throw error;
    } finally {
      closeQuietly(parent);
    }
  }
}

function tryOpen(rootFd: number, path: string): number | undefined {
  try {
    return openat2(rootFd, path, openFlags.O_PATH, inRoot);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}
