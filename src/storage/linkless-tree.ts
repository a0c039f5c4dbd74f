/**
 * A directory to write in while somebody hostile may change it: a volume that a running container has too.
 *
 * A detached mount on which the kernel follows no symbolic link (MOUNT_ATTR_NOSYMFOLLOW): one put in place of a directory
 * that was just made there makes the writer fail (ELOOP) and leads nowhere. Linux 5.14; before that the directory itself.
 */
import { closeSync, openSync } from "node:fs";
import { AT_FDCWD, atFlags, mountAttributes, openFlags, openTreeFlags } from "../../ffi/flags.ts";
import { mount_setattr, open_tree } from "../../ffi/mount.ts";
import { isErrno } from "../../ffi/syscall-error.ts";

/** The view; the caller closes. */
export function openLinklessTree(path: string): number {
  const { OPEN_TREE_CLONE, OPEN_TREE_CLOEXEC } = openTreeFlags;
  const fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
  try {
    mount_setattr(fd, "", atFlags.AT_EMPTY_PATH, { set: mountAttributes.MOUNT_ATTR_NOSYMFOLLOW });
    return fd;
  } catch (error) {
    closeSync(fd);
    if (isErrno(error, "ENOSYS", "EINVAL")) return openSync(path, openFlags.O_PATH | openFlags.O_DIRECTORY);
    throw error;
  }
}
