/**
 * Mounts: the descriptor-based calls of Linux 5.2 (fsopen … move_mount), mount_setattr of 5.12, and the old pair.
 *
 * A mount made with fsmount or a cloning open_tree belongs to its descriptor: closing it undoes it, nothing shows in
 * /proc/self/mounts. All descriptors are close-on-exec and the caller's.
 */
import {
  atFlags,
  dirfdName,
  flagNames,
  fsconfigCommands,
  fsmountFlags,
  fsopenFlags,
  mountAttributes,
  mountFlags,
  moveMountFlags,
  openTreeFlags,
  umountFlags,
} from "./flags.ts";
import { syscall } from "./libc.ts";

/** fsopen(2): a context for a new superblock of this file system type. */
export function fsopen(fsType: string): number {
  return syscall("fsopen", [fsType, fsopenFlags.FSOPEN_CLOEXEC]);
}

/** What fsconfig(2) can be told here. */
export type FsconfigSetting =
  | { readonly set: "flag"; readonly key: string }
  | { readonly set: "string"; readonly key: string; readonly value: string }
  | { readonly set: "fd"; readonly key: string; readonly fd: number }
  | { readonly set: "create" }
  | { readonly set: "reconfigure" };

/** fsconfig(2). `string` values are limited to 255 bytes by the kernel (lowerdir+ takes a path of that length). */
export function fsconfig(fd: number, setting: FsconfigSetting): void {
  const describe = () => `${fd}, ${JSON.stringify(setting)}`;
  switch (setting.set) {
    case "flag":
      syscall("fsconfig", [fd, fsconfigCommands.FSCONFIG_SET_FLAG, setting.key, null, 0], describe);
      return;
    case "string":
      syscall(
        "fsconfig",
        [fd, fsconfigCommands.FSCONFIG_SET_STRING, setting.key, setting.value, 0],
        describe,
      );
      return;
    case "fd":
      syscall("fsconfig", [fd, fsconfigCommands.FSCONFIG_SET_FD, setting.key, null, setting.fd], describe);
      return;
    case "create":
      syscall("fsconfig", [fd, fsconfigCommands.FSCONFIG_CMD_CREATE, null, null, 0], describe);
      return;
    case "reconfigure":
      syscall("fsconfig", [fd, fsconfigCommands.FSCONFIG_CMD_RECONFIGURE, null, null, 0], describe);
  }
}

/** fsmount(2): a detached mount of the context's superblock. `attributes`: MOUNT_ATTR_*. */
export function fsmount(fd: number, attributes = 0): number {
  return syscall(
    "fsmount",
    [fd, fsmountFlags.FSMOUNT_CLOEXEC, attributes],
    () => `${fd}, FSMOUNT_CLOEXEC, ${flagNames(mountAttributes, attributes)}`,
  );
}

/** open_tree(2). With OPEN_TREE_CLONE: a detached copy of the mount at the path (AT_RECURSIVE: with what is under it). */
export function open_tree(dirfd: number, path: string, flags: number): number {
  const names = () => flagNames({ ...openTreeFlags, ...atFlags }, flags);
  return syscall(
    "open_tree",
    [dirfd, path, flags | openTreeFlags.OPEN_TREE_CLOEXEC],
    () => `${dirfdName(dirfd)}, ${JSON.stringify(path)}, ${names()}`,
  );
}

/** move_mount(2): attaches a detached mount, or moves an attached one. */
export function move_mount(fromFd: number, from: string, toFd: number, to: string, flags: number): void {
  syscall("move_mount", [fromFd, from, toFd, to, flags], () => {
    const ends = `${dirfdName(fromFd)}, ${JSON.stringify(from)}, ${dirfdName(toFd)}, ${JSON.stringify(to)}`;
    return `${ends}, ${flagNames(moveMountFlags, flags)}`;
  });
}

export interface MountAttributeChange {
  /** MOUNT_ATTR_* bits to set. */
  readonly set?: number;
  /** MOUNT_ATTR_* bits to clear; MOUNT_ATTR__ATIME must be here when an atime value is set. */
  readonly clear?: number;
  /** One of MS_PRIVATE, MS_SLAVE, MS_SHARED, MS_UNBINDABLE. */
  readonly propagation?: number;
  /** With MOUNT_ATTR_IDMAP: the user namespace whose maps to use. */
  readonly userNamespaceFd?: number;
}

/** struct mount_attr: u64 attr_set @0, attr_clr @8, propagation @16, userns_fd @24; 32 bytes (MOUNT_ATTR_SIZE_VER0). */
export const mountAttrBytes = 32;

/** mount_setattr(2), Linux 5.12. `flags`: AT_EMPTY_PATH, AT_RECURSIVE. */
export function mount_setattr(
  dirfd: number,
  path: string,
  flags: number,
  change: MountAttributeChange,
): void {
  const { set = 0, clear = 0, propagation = 0, userNamespaceFd = 0 } = change;
  const attr = new BigUint64Array([BigInt(set), BigInt(clear), BigInt(propagation), BigInt(userNamespaceFd)]);
  syscall("mount_setattr", [dirfd, path, flags, new Uint8Array(attr.buffer), mountAttrBytes], () => {
    const bits = `set=${flagNames(mountAttributes, set)}, clr=${flagNames(mountAttributes, clear)}`;
    const where = `${dirfdName(dirfd)}, ${JSON.stringify(path)}, ${flagNames(atFlags, flags)}`;
    return `${where}, {${bits}, propagation=${flagNames(mountFlags, propagation)}}`;
  });
}

/** mount(2). The data page is cut by the kernel after 4095 bytes: longer option strings are refused here. */
export function mount(
  source: string | null,
  target: string,
  fsType: string | null,
  flags: number,
  data = "",
): void {
  if (data.length > 4095) throw new RangeError(`mount options for ${target} exceed 4095 bytes`);
  syscall("mount", [source, target, fsType, flags, data === "" ? null : data], () => {
    return `${JSON.stringify(source)}, ${JSON.stringify(target)}, ${fsType}, ${flagNames(mountFlags, flags)}, ${data}`;
  });
}

/** umount2(2). */
export function umount2(target: string, flags = 0): void {
  syscall("umount2", [target, flags], () => `${JSON.stringify(target)}, ${flagNames(umountFlags, flags)}`);
}
