/**
 * A container's root file system as a detached mount: owned by a descriptor, on no path of the host.
 *
 * Closing the descriptor undoes it; /proc/self/mounts stays clean and a crash leaves nothing. Files in it are looked
 * at with openat2(RESOLVE_IN_ROOT) on the descriptor (rootfs-file.ts).
 */
import { closeSync, openSync } from "node:fs";
import { AT_FDCWD, atFlags, mountFlags, openFlags, openTreeFlags } from "../../ffi/flags.ts";
import { mount_setattr, open_tree } from "../../ffi/mount.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import { type MappedIds, mountMapped, mountMappedOverlay } from "./mapped-mount.ts";
import { cannotMount, mountOverlay } from "./overlay-mount.ts";
import type { Rootfs } from "./storage-driver.ts";

/**
 * Mounts; gives the descriptor (close-on-exec, the caller's). Throws kind `host` with a hint for the usual causes, and
 * `unsupported` for ids that cannot be mapped here.
 */
export function mountRootfs(rootfs: Rootfs, ids?: MappedIds): number {
  if (ids === undefined) {
    return rootfs.kind === "overlay" ? mountOverlay(rootfs.lowerdirs, rootfs) : cloneDirectory(rootfs.path);
  }
  return rootfs.kind === "overlay"
    ? mountMappedOverlay(rootfs.lowerdirs, rootfs, ids)
    : mountMapped(rootfs.path, ids);
}

/** The layers alone, read-only, top first: for looking into an image. A descriptor as mountRootfs gives. */
export function mountLayers(lowerdirs: readonly string[]): number {
  const [only, second] = lowerdirs;
  if (only === undefined)
    throw new BockerError("cannot look into an image without layers", { kind: "unsupported" });
  return second === undefined
    ? openSync(only, openFlags.O_PATH | openFlags.O_DIRECTORY)
    : mountOverlay(lowerdirs);
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
