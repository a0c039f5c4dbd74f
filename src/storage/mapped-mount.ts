/**
 * Files with other ids than on the disk, which stay as they are: what is root's there is a user namespace's root's in the
 * mount, and what that writes is root's on the disk (mount_setattr(2), MOUNT_ATTR_IDMAP).
 *
 * An overlay is not mapped itself; each of its layers is, as a mount of its own. Linux 6.15 takes such layers as they are;
 * 5.19 wants them in the mount namespace of who mounts the overlay, so this thread enters one of its own for that.
 */
import { closeSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fchdir, mkdirat } from "../../ffi/file.ts";
import {
  AT_FDCWD,
  atFlags,
  cloneFlags,
  mountAttributes,
  mountFlags,
  moveMountFlags,
  openFlags,
  openTreeFlags,
  prctlOptions,
} from "../../ffi/flags.ts";
import { fsconfig, fsmount, fsopen, mount, mount_setattr, move_mount, open_tree } from "../../ffi/mount.ts";
import { prctl, SECBIT_NO_SETUID_FIXUP, setFsIds, setns, unshare } from "../../ffi/process.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import { cannotMount, tryOverlay, type Writable } from "./overlay-mount.ts";

/** Ids that files get without being changed: those of a user namespace (src/runtime/user-namespace.ts), and its root's. */
export interface MappedIds {
  /** Its descriptor. */
  readonly userNamespace: number;
  /** What 0 is outside of it. */
  readonly rootUid: number;
  readonly rootGid: number;
}

/**
 * A copy of the mount that the directory or file is on, with these ids. The descriptor is the caller's. Needs Linux 5.12
 * and a file system that can; throws kind `unsupported` else.
 */
export function mountMapped(path: string, ids: MappedIds): number {
  const fd = openClone(path);
  try {
    mapMount(fd, ids);
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

/** Gives a detached mount these ids. Throws as mountMapped. */
export function mapMount(fd: number, { userNamespace }: MappedIds): void {
  try {
    mount_setattr(fd, "", atFlags.AT_EMPTY_PATH, {
      set: mountAttributes.MOUNT_ATTR_IDMAP,
      propagation: mountFlags.MS_PRIVATE,
      userNamespaceFd: userNamespace,
    });
  } catch (error) {
    throw cannotMap(error);
  }
}

/** An overlay of layers with these ids; `writable`'s directories lie beside each other. Throws as mountMapped. */
export function mountMappedOverlay(
  lowerdirs: readonly string[],
  writable: Writable | undefined,
  ids: MappedIds,
): number {
  const held: number[] = [];
  const mapped = (path: string): number => {
    const fd = mountMapped(path, ids);
    held.push(fd);
    return fd;
  };
  try {
    const upper = writable === undefined ? undefined : mapped(dirname(writable.upperdir));
    const layers = lowerdirs.map(mapped);
    return asOwner(ids, () => {
      try {
        const at = (fd: number) => `/proc/self/fd/${fd}`;
        return tryOverlay(layers.map(at), upper === undefined ? undefined : below(at(upper), writable));
      } catch (error) {
        if (!isErrno(error, "EINVAL")) throw error;
        return mountAttached(layers, upper, writable);
      }
    });
  } catch (error) {
    throw cannotMap(error);
  } finally {
    for (const fd of held) closeSync(fd);
  }
}

function below(folder: string, writable: Writable | undefined): Writable | undefined {
  if (writable === undefined) return undefined;
  const { upperdir, workdir } = writable;
  return { upperdir: `${folder}/${basename(upperdir)}`, workdir: `${folder}/${basename(workdir)}` };
}

/**
 * The overlay of detached mounts, attached meanwhile in a mount namespace that only this thread is in. The kernel keeps
 * copies of its own of an overlay's layers, so the namespace may go.
 */
export function mountAttached(
  layers: readonly number[],
  upper: number | undefined,
  writable: Writable | undefined,
): number {
  const cwd = openSync(".", openFlags.O_PATH | openFlags.O_DIRECTORY);
  const home = openSync("/proc/thread-self/ns/mnt", "r");
  unshare(cloneFlags.CLONE_NEWNS);
  try {
    mount(null, "/", null, mountFlags.MS_REC | mountFlags.MS_PRIVATE);
    const folder = makePlaces(["u", ...layers.keys()].map(String));
    const attach = (fd: number, name: string) =>
      move_mount(fd, "", AT_FDCWD, `${folder}/${name}`, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH);
    for (const [index, fd] of layers.entries()) attach(fd, String(index));
    if (upper !== undefined) attach(upper, "u");
    const lowerdirs = layers.map((_, index) => `${folder}/${index}`);
    return tryOverlay(lowerdirs, upper === undefined ? undefined : below(`${folder}/u`, writable));
  } finally {
    setns(home, cloneFlags.CLONE_NEWNS);
    fchdir(cwd);
    closeSync(home);
    closeSync(cwd);
  }
}

/** Directories in a tmpfs that hides some directory of this namespace's; the path of that. */
function makePlaces(names: readonly string[]): string {
  const context = fsopen("tmpfs");
  try {
    fsconfig(context, { set: "create" });
    const fd = fsmount(context);
    const folder = "/dev";
    move_mount(fd, "", AT_FDCWD, folder, moveMountFlags.MOVE_MOUNT_F_EMPTY_PATH);
    for (const name of names) mkdirat(fd, name, 0o700);
    closeSync(fd);
    return folder;
  } finally {
    closeSync(context);
  }
}

/**
 * In an id-mapped mount the host's root has no id and can make no file; overlayfs makes its own as who mounts it. So
 * this thread's files are the mapped root's meanwhile, with all capabilities kept. Must not await. No ids: as they are.
 */
export function asOwner<Result>(ids: MappedIds | undefined, act: () => Result): Result {
  if (ids === undefined) return act();
  const bits = prctl(prctlOptions.PR_GET_SECUREBITS, 0);
  prctl(prctlOptions.PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP);
  setFsIds(ids.rootUid, ids.rootGid);
  try {
    return act();
  } finally {
    setFsIds(0, 0);
    prctl(prctlOptions.PR_SET_SECUREBITS, bits);
  }
}

function openClone(path: string): number {
  try {
    return open_tree(AT_FDCWD, path, openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC);
  } catch (error) {
    throw cannotMount(error);
  }
}

function cannotMap(error: unknown): unknown {
  if (!isErrno(error, "EINVAL", "ENOSYS", "EOPNOTSUPP")) return cannotMount(error);
  return new BockerError("cannot map the ids of the root file system: this kernel or file system cannot", {
    kind: "unsupported",
    cause: error,
    hint: "id-mapped layers need Linux 5.19, and a file system that can be id-mapped (ext4, xfs, btrfs)",
  });
}
