/**
 * Trees that are only read, as descriptors: a container's merged root, or one folder, each a detached mount of its own.
 *
 * Nothing in such a mount can be written, and no device in it can be opened, so a file that a running container
 * swaps for a device node while we read does nothing. Links are the reader's concern: see tree-walk.ts.
 */
import { closeSync } from "node:fs";
import { AT_FDCWD, atFlags, mountAttributes, openTreeFlags } from "../../ffi/flags.ts";
import { mount_setattr, open_tree } from "../../ffi/mount.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { type MappedIds, mountMapped, mountMappedOverlay } from "./mapped-mount.ts";
import { mountLayers } from "./mount-rootfs.ts";
import type { Rootfs } from "./storage-driver.ts";

/**
 * What a container sees as `/`, without what is mounted in it, whether it runs or not. The overlay is mounted anew with
 * the container's own layer as one more lower directory: the work directory is not touched. The caller closes.
 */
export function openMergedTree(rootfs: Rootfs): number {
  if (rootfs.kind === "directory") return openFolderTree(rootfs.path);
  const fd = mountLayers([rootfs.upperdir, ...rootfs.lowerdirs]);
  return guarded(fd);
}

/** The layers of an image alone, top first, at least one, with other ids where asked. The caller closes. */
export function openLayerTree(lowerdirs: readonly string[], ids?: MappedIds): number {
  const [only = "", second] = lowerdirs;
  if (ids !== undefined) {
    return guarded(
      second === undefined ? mountMapped(only, ids) : mountMappedOverlay(lowerdirs, undefined, ids),
    );
  }
  return second === undefined ? openFolderTree(only) : guarded(mountLayers(lowerdirs));
}

/** A private, read-only view of the mount that `path` is on. The caller closes. */
export function openFolderTree(path: string): number {
  const { OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC } = openTreeFlags;
  return guarded(open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC));
}

function guarded(fd: number): number {
  const { MOUNT_ATTR_RDONLY, MOUNT_ATTR_NODEV, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOATIME } = mountAttributes;
  try {
    mount_setattr(fd, "", atFlags.AT_EMPTY_PATH, {
      set: MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOATIME,
      clear: mountAttributes.MOUNT_ATTR__ATIME,
    });
  } catch (error) {
    // Linux before 5.12: the walk still opens nothing but what was a regular file a moment before.
    if (!isErrno(error, "ENOSYS")) {
      closeSync(fd);
      throw error;
    }
  }
  return fd;
}
