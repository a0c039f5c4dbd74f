/**
 * A container's root file system as a detached mount: owned by a descriptor, on no path of the host.
 *
 * Closing the descriptor undoes it; /proc/self/mounts stays clean and a crash leaves nothing. Files in it are looked
 * at with openat2(RESOLVE_IN_ROOT) on the descriptor (rootfs-file.ts). Linux 6.5 takes an overlay's layers one by one
 * (`lowerdir+`). Older kernels want them in one string of at most 255 bytes: there each layer is named by one letter,
 * a symbolic link in a tmpfs that is detached too. Follows docs.kernel.org/filesystems/overlayfs.html.
 */
import { closeSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import { fchdir, symlinkat } from "../../ffi/file.ts";
import {
  AT_FDCWD,
  atFlags,
  mountAttributes,
  mountFlags,
  openFlags,
  openTreeFlags,
  prctlOptions,
} from "../../ffi/flags.ts";
import { fsconfig, fsmount, fsopen, mount_setattr, open_tree } from "../../ffi/mount.ts";
import { prctl, SECBIT_NO_SETUID_FIXUP, setFsIds } from "../../ffi/process.ts";
import { isErrno, SyscallError } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import type { OverlayRootfs, Rootfs } from "./storage-driver.ts";

const O_PATH_DIRECTORY = openFlags.O_PATH | openFlags.O_DIRECTORY;

/** Ids that files get without being changed: those of a user namespace (src/runtime/user-namespace.ts), and its root's. */
export interface MappedIds {
  /** Its descriptor. */
  readonly userNamespace: number;
  /** What 0 is outside of it. */
  readonly rootUid: number;
  readonly rootGid: number;
}

/**
 * Mounts; gives the descriptor (close-on-exec, the caller's). Throws kind `host` with a hint for the usual causes.
 *
 * With mapped ids what is root's on the disk is the namespace's root's in the mount, and what that writes is root's on
 * the disk. Overlay layers need Linux 6.15 for it, a directory 5.12 and a file system that can; kind `unsupported` else.
 */
export function mountRootfs(rootfs: Rootfs, ids?: MappedIds): number {
  if (ids !== undefined) return mountMapped(rootfs, ids);
  return rootfs.kind === "overlay" ? mountOverlay(rootfs.lowerdirs, rootfs) : cloneDirectory(rootfs.path);
}

/** Each layer is a mount of its own with other ids; upper and work directory have to be on one. */
function mountMapped(rootfs: Rootfs, ids: MappedIds): number {
  const held: number[] = [];
  const mapped = (path: string): string => {
    const fd = openClone(path);
    held.push(fd);
    mount_setattr(fd, "", atFlags.AT_EMPTY_PATH, {
      set: mountAttributes.MOUNT_ATTR_IDMAP,
      propagation: mountFlags.MS_PRIVATE,
      userNamespaceFd: ids.userNamespace,
    });
    return `/proc/self/fd/${fd}`;
  };
  try {
    if (rootfs.kind === "directory") {
      mapped(rootfs.path);
      return held.pop() ?? -1;
    }
    const writable = mapped(dirname(rootfs.upperdir));
    const upperdir = `${writable}/${basename(rootfs.upperdir)}`;
    const workdir = `${writable}/${basename(rootfs.workdir)}`;
    const lowerdirs = rootfs.lowerdirs.map(mapped);
    return asOwner(ids, () => mountWith(addLayersOneByOne, lowerdirs, { upperdir, workdir }));
  } catch (error) {
    throw cannotMap(error);
  } finally {
    for (const fd of held) closeSync(fd);
  }
}

/**
 * overlayfs makes its own files as who mounts it, and in an id-mapped mount the host's root has no id. So this thread's
 * files are the mapped root's meanwhile, with all capabilities kept.
 */
function asOwner<Result>({ rootUid, rootGid }: MappedIds, act: () => Result): Result {
  const bits = prctl(prctlOptions.PR_GET_SECUREBITS, 0);
  prctl(prctlOptions.PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP);
  setFsIds(rootUid, rootGid);
  try {
    return act();
  } finally {
    setFsIds(0, 0);
    prctl(prctlOptions.PR_SET_SECUREBITS, bits);
  }
}

/** The layers alone, read-only, top first: for looking into an image. A descriptor as mountRootfs gives. */
export function mountLayers(lowerdirs: readonly string[]): number {
  const [only, second] = lowerdirs;
  if (only === undefined)
    throw new BockerError("cannot look into an image without layers", { kind: "unsupported" });
  return second === undefined ? openSync(only, O_PATH_DIRECTORY) : mountOverlay(lowerdirs);
}

/** A private copy of the mount that the directory is on: nothing done to it gets to the host. */
function cloneDirectory(path: string): number {
  const fd = openClone(path);
  try {
    mount_setattr(fd, "", atFlags.AT_EMPTY_PATH, { propagation: mountFlags.MS_PRIVATE });
  } catch (error) {
    // Linux before 5.12; the launch makes the tree private once more.
    if (!isErrno(error, "ENOSYS")) {
      closeSync(fd);
      throw error;
    }
  }
  return fd;
}

function openClone(path: string): number {
  try {
    return open_tree(AT_FDCWD, path, openTreeFlags.OPEN_TREE_CLONE | openTreeFlags.OPEN_TREE_CLOEXEC);
  } catch (error) {
    throw cannotMount(error);
  }
}

type AddLayers = (context: number, lowerdirs: readonly string[], create: () => void) => void;
type Writable = Pick<OverlayRootfs, "upperdir" | "workdir">;

function mountOverlay(lowerdirs: readonly string[], writable?: Writable): number {
  try {
    return mountWith(addLayersOneByOne, lowerdirs, writable);
  } catch (error) {
    if (!isErrno(error, "EINVAL")) throw cannotMount(error);
  }
  try {
    return mountWith(addLayersTogether, lowerdirs, writable);
  } catch (error) {
    throw cannotMount(error);
  }
}

function mountWith(addLayers: AddLayers, lowerdirs: readonly string[], writable?: Writable): number {
  const context = fsopen("overlay");
  try {
    set(context, "source", "overlay");
    if (writable !== undefined) {
      set(context, "upperdir", writable.upperdir);
      set(context, "workdir", writable.workdir);
      // Where a kernel has these on, an upper directory is no layer by itself: it points into the ones below.
      set(context, "redirect_dir", "off");
      set(context, "metacopy", "off");
    }
    addLayers(context, lowerdirs, () => fsconfig(context, { set: "create" }));
    return fsmount(context);
  } finally {
    closeSync(context);
  }
}

function addLayersOneByOne(context: number, lowerdirs: readonly string[], create: () => void): void {
  for (const lowerdir of lowerdirs) set(context, "lowerdir+", lowerdir);
  create();
}

/** The kernel looks the names up when the superblock is created, relative to the working directory. */
export function addLayersTogether(context: number, lowerdirs: readonly string[], create: () => void): void {
  if (lowerdirs.length > letters.length) {
    throw new BockerError(`cannot stack ${lowerdirs.length} layers: this kernel takes ${letters.length}`, {
      kind: "unsupported",
      hint: "Linux 6.5 and later take 500",
    });
  }
  const cwd = openSync(".", O_PATH_DIRECTORY);
  const links = mountLinks(lowerdirs);
  try {
    fchdir(links);
    set(context, "lowerdir", letters.slice(0, lowerdirs.length).join(":"));
    create();
  } finally {
    fchdir(cwd);
    closeSync(cwd);
    closeSync(links);
  }
}

/** All single bytes that mean nothing to overlayfs, to a path or to UTF-8. */
const letters = Array.from({ length: 127 }, (_, index) => String.fromCharCode(index + 1)).filter(
  (letter) => !":,./\\".includes(letter),
);

function mountLinks(targets: readonly string[]): number {
  const context = fsopen("tmpfs");
  try {
    fsconfig(context, { set: "create" });
    const fd = fsmount(context);
    for (const [index, target] of targets.entries()) symlinkat(target, fd, letters[index] ?? "");
    return fd;
  } finally {
    closeSync(context);
  }
}

function set(context: number, key: string, value: string): void {
  fsconfig(context, { set: "string", key, value });
}

/** The error for a mount that could not be made, with what its errno means. */
export function cannotMount(error: unknown): unknown {
  if (!(error instanceof SyscallError)) return error;
  const hint = hints[error.code];
  return new BockerError(`cannot mount the root file system: ${error.code}`, {
    kind: "host",
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

function cannotMap(error: unknown): unknown {
  if (!isErrno(error, "EINVAL", "ENOSYS", "EOPNOTSUPP")) return cannotMount(error);
  return new BockerError("cannot map the ids of the root file system: this kernel or file system cannot", {
    kind: "unsupported",
    cause: error,
    hint: "id-mapped layers need Linux 6.15, and a file system that can be id-mapped (ext4, xfs, btrfs)",
  });
}

const hints: Readonly<Record<string, string>> = {
  ENODEV: "this kernel has no overlayfs: load the module (modprobe overlay)",
  EPERM: "mounting needs CAP_SYS_ADMIN: run as root with it",
  EINVAL:
    "the state root's file system may not carry an overlay (an overlay itself, NFS, or one without d_type); move it with root = … in /etc/bocker/config.toml",
  ENOSPC: "too many mounts: raise /proc/sys/fs/mount-max",
  ESTALE: "the upper folder was made on other layers",
};
