/**
 * The kernel's flag words by name, a table a family, and the way from names to numbers and back.
 *
 * Names and values are those of include/uapi/linux; a test compares every one with the headers. A few of open(2)'s
 * differ between architectures. Wrappers take numbers; plans carry names and stay printable.
 */

const arm = process.arch === "arm64";

/** open(2), openat(2). */
export const openFlags = {
  O_RDONLY: 0,
  O_WRONLY: 1,
  O_RDWR: 2,
  O_CREAT: 0o100,
  O_EXCL: 0o200,
  O_NOCTTY: 0o400,
  O_TRUNC: 0o1000,
  O_APPEND: 0o2000,
  O_NONBLOCK: 0o4000,
  O_DIRECTORY: arm ? 0o40000 : 0o200000,
  O_NOFOLLOW: arm ? 0o100000 : 0o400000,
  O_NOATIME: 0o1000000,
  O_CLOEXEC: 0o2000000,
  O_PATH: 0o10000000,
} as const;

/** The *at(2) family, and open_tree(2)'s AT_RECURSIVE. */
export const atFlags = {
  AT_SYMLINK_NOFOLLOW: 0x100,
  AT_REMOVEDIR: 0x200,
  AT_SYMLINK_FOLLOW: 0x400,
  AT_NO_AUTOMOUNT: 0x800,
  AT_EMPTY_PATH: 0x1000,
  AT_RECURSIVE: 0x8000,
} as const;

/** Stands for the current directory wherever a directory descriptor is asked for. */
export const AT_FDCWD = -100;

/** openat2(2), open_how.resolve. */
export const resolveFlags = {
  RESOLVE_NO_XDEV: 0x01,
  RESOLVE_NO_MAGICLINKS: 0x02,
  RESOLVE_NO_SYMLINKS: 0x04,
  RESOLVE_BENEATH: 0x08,
  RESOLVE_IN_ROOT: 0x10,
} as const;

/** mount(2). */
export const mountFlags = {
  MS_RDONLY: 1,
  MS_NOSUID: 2,
  MS_NODEV: 4,
  MS_NOEXEC: 8,
  MS_SYNCHRONOUS: 16,
  MS_REMOUNT: 32,
  MS_MANDLOCK: 64,
  MS_DIRSYNC: 128,
  MS_NOSYMFOLLOW: 256,
  MS_NOATIME: 1024,
  MS_NODIRATIME: 2048,
  MS_BIND: 4096,
  MS_MOVE: 8192,
  MS_REC: 16384,
  MS_SILENT: 32768,
  MS_UNBINDABLE: 1 << 17,
  MS_PRIVATE: 1 << 18,
  MS_SLAVE: 1 << 19,
  MS_SHARED: 1 << 20,
  MS_RELATIME: 1 << 21,
  MS_STRICTATIME: 1 << 24,
  MS_LAZYTIME: 1 << 25,
} as const;

/** umount2(2). */
export const umountFlags = { MNT_FORCE: 1, MNT_DETACH: 2, MNT_EXPIRE: 4, UMOUNT_NOFOLLOW: 8 } as const;

/** fsopen(2). */
export const fsopenFlags = { FSOPEN_CLOEXEC: 1 } as const;

/** fsmount(2). */
export const fsmountFlags = { FSMOUNT_CLOEXEC: 1 } as const;

/** fsconfig(2), commands. */
export const fsconfigCommands = {
  FSCONFIG_SET_FLAG: 0,
  FSCONFIG_SET_STRING: 1,
  FSCONFIG_SET_BINARY: 2,
  FSCONFIG_SET_PATH: 3,
  FSCONFIG_SET_PATH_EMPTY: 4,
  FSCONFIG_SET_FD: 5,
  FSCONFIG_CMD_CREATE: 6,
  FSCONFIG_CMD_RECONFIGURE: 7,
} as const;

/** open_tree(2); takes AT_RECURSIVE and AT_EMPTY_PATH too. */
export const openTreeFlags = { OPEN_TREE_CLONE: 1, OPEN_TREE_CLOEXEC: openFlags.O_CLOEXEC } as const;

/** move_mount(2). */
export const moveMountFlags = {
  MOVE_MOUNT_F_SYMLINKS: 0x01,
  MOVE_MOUNT_F_AUTOMOUNTS: 0x02,
  MOVE_MOUNT_F_EMPTY_PATH: 0x04,
  MOVE_MOUNT_T_SYMLINKS: 0x10,
  MOVE_MOUNT_T_AUTOMOUNTS: 0x20,
  MOVE_MOUNT_T_EMPTY_PATH: 0x40,
  MOVE_MOUNT_SET_GROUP: 0x100,
  MOVE_MOUNT_BENEATH: 0x200,
} as const;

/** mount_setattr(2) and fsmount(2). MOUNT_ATTR__ATIME is the mask of the three atime values, RELATIME is 0. */
export const mountAttributes = {
  MOUNT_ATTR_RDONLY: 0x01,
  MOUNT_ATTR_NOSUID: 0x02,
  MOUNT_ATTR_NODEV: 0x04,
  MOUNT_ATTR_NOEXEC: 0x08,
  MOUNT_ATTR_RELATIME: 0x00,
  MOUNT_ATTR_NOATIME: 0x10,
  MOUNT_ATTR_STRICTATIME: 0x20,
  MOUNT_ATTR__ATIME: 0x70,
  MOUNT_ATTR_NODIRATIME: 0x80,
  MOUNT_ATTR_IDMAP: 0x100000,
  MOUNT_ATTR_NOSYMFOLLOW: 0x200000,
} as const;

/** clone3(2), unshare(2), setns(2). Above 32 bits only for clone3. */
export const cloneFlags = {
  CLONE_NEWTIME: 0x80,
  CLONE_VM: 0x100,
  CLONE_FS: 0x200,
  CLONE_FILES: 0x400,
  CLONE_PIDFD: 0x1000,
  CLONE_VFORK: 0x4000,
  CLONE_PARENT: 0x8000,
  CLONE_NEWNS: 0x20000,
  CLONE_NEWCGROUP: 0x2000000,
  CLONE_NEWUTS: 0x4000000,
  CLONE_NEWIPC: 0x8000000,
  CLONE_NEWUSER: 0x10000000,
  CLONE_NEWPID: 0x20000000,
  CLONE_NEWNET: 0x40000000,
  CLONE_INTO_CGROUP: 0x200000000,
} as const;

/** memfd_create(2). MFD_EXEC and MFD_NOEXEC_SEAL are Linux 6.3. */
export const memfdFlags = {
  MFD_CLOEXEC: 1,
  MFD_ALLOW_SEALING: 2,
  MFD_NOEXEC_SEAL: 8,
  MFD_EXEC: 16,
} as const;

/** fcntl(2), F_ADD_SEALS. */
export const sealFlags = {
  F_SEAL_SEAL: 1,
  F_SEAL_SHRINK: 2,
  F_SEAL_GROW: 4,
  F_SEAL_WRITE: 8,
  F_SEAL_FUTURE_WRITE: 16,
} as const;

/** close_range(2). */
export const closeRangeFlags = { CLOSE_RANGE_UNSHARE: 2, CLOSE_RANGE_CLOEXEC: 4 } as const;

/** seccomp(2), SECCOMP_SET_MODE_FILTER. */
export const seccompFlags = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
  SECCOMP_FILTER_FLAG_NEW_LISTENER: 8,
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV: 32,
} as const;

/** sched(7), sched_setattr(2). */
export const schedulerPolicies = {
  SCHED_OTHER: 0,
  SCHED_FIFO: 1,
  SCHED_RR: 2,
  SCHED_BATCH: 3,
  SCHED_ISO: 4,
  SCHED_IDLE: 5,
  SCHED_DEADLINE: 6,
} as const;

/** sched_setattr(2), sched_flags. */
export const schedulerFlags = {
  SCHED_FLAG_RESET_ON_FORK: 0x01,
  SCHED_FLAG_RECLAIM: 0x02,
  SCHED_FLAG_DL_OVERRUN: 0x04,
  SCHED_FLAG_KEEP_POLICY: 0x08,
  SCHED_FLAG_KEEP_PARAMS: 0x10,
  SCHED_FLAG_UTIL_CLAMP_MIN: 0x20,
  SCHED_FLAG_UTIL_CLAMP_MAX: 0x40,
} as const;

/** ioprio_set(2), classes. */
export const ioClasses = {
  IOPRIO_CLASS_NONE: 0,
  IOPRIO_CLASS_RT: 1,
  IOPRIO_CLASS_BE: 2,
  IOPRIO_CLASS_IDLE: 3,
} as const;

/** set_mempolicy(2), modes. */
export const memoryPolicies = {
  MPOL_DEFAULT: 0,
  MPOL_PREFERRED: 1,
  MPOL_BIND: 2,
  MPOL_INTERLEAVE: 3,
  MPOL_LOCAL: 4,
  MPOL_PREFERRED_MANY: 5,
  MPOL_WEIGHTED_INTERLEAVE: 6,
} as const;

/** set_mempolicy(2), flags that go with a mode. */
export const memoryPolicyFlags = {
  MPOL_F_NUMA_BALANCING: 0x2000,
  MPOL_F_RELATIVE_NODES: 0x4000,
  MPOL_F_STATIC_NODES: 0x8000,
} as const;

/** personality(2), the runtime specification's names. */
export const personalities = { LINUX: 0, LINUX32: 8 } as const;

/** prctl(2), the options used here. */
export const prctlOptions = {
  PR_SET_PDEATHSIG: 1,
  PR_SET_DUMPABLE: 4,
  PR_SET_KEEPCAPS: 8,
  PR_SET_NAME: 15,
  PR_CAPBSET_READ: 23,
  PR_CAPBSET_DROP: 24,
  PR_GET_SECUREBITS: 27,
  PR_SET_SECUREBITS: 28,
  PR_SET_CHILD_SUBREAPER: 36,
  PR_SET_NO_NEW_PRIVS: 38,
  PR_CAP_AMBIENT: 47,
} as const;

/** netdevice(7), ifr_flags. */
export const interfaceFlags = {
  IFF_UP: 1,
  IFF_LOOPBACK: 8,
  IFF_RUNNING: 0x40,
  IFF_MULTICAST: 0x1000,
} as const;

/** fcntl(2), the commands used here. */
export const fcntlCommands = {
  F_GETFD: 1,
  F_SETFD: 2,
  F_GETFL: 3,
  F_SETFL: 4,
  F_SETOWN: 8,
  F_DUPFD_CLOEXEC: 1030,
  F_SETPIPE_SZ: 1031,
  F_ADD_SEALS: 1033,
  F_GET_SEALS: 1034,
} as const;

/** fcntl(2), F_SETFD. */
export const FD_CLOEXEC = 1;

/** address_families(7). */
export const addressFamilies = { AF_UNIX: 1, AF_INET: 2, AF_INET6: 10, AF_NETLINK: 16 } as const;

/** socket(2): the types, and what may be ORed to them. */
export const socketTypes = {
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_RAW: 3,
  SOCK_SEQPACKET: 5,
  SOCK_NONBLOCK: 0o4000,
  SOCK_CLOEXEC: 0o2000000,
} as const;

/** setsockopt(2), the level of options of every socket; of control messages too (cmsg(3)). */
export const SOL_SOCKET = 1;

export type FlagTable = Readonly<Record<string, number>>;

/** ORs flags together without the 32-bit limit of `|`. */
export function flagBits<Table extends FlagTable>(table: Table, names: readonly (keyof Table)[]): number {
  let high = 0;
  let low = 0;
  for (const name of names) {
    const value = table[name] ?? 0;
    low |= value;
    high |= Math.floor(value / 2 ** 32);
  }
  return high * 2 ** 32 + (low >>> 0);
}

/** `MS_BIND|MS_REC|0x40000000`: the names in table order, what is left over as a number, `0` for nothing. */
export function flagNames(table: FlagTable, value: number): string {
  const words: string[] = [];
  let rest = BigInt(value);
  for (const [name, bits] of Object.entries(table)) {
    const wanted = BigInt(bits);
    if (wanted === 0n || (rest & wanted) !== wanted) continue;
    words.push(name);
    rest &= ~wanted;
  }
  if (rest !== 0n) words.push(`0x${rest.toString(16)}`);
  return words.length === 0 ? "0" : words.join("|");
}

/** A directory descriptor as strace prints it. */
export function dirfdName(fd: number): string {
  return fd === AT_FDCWD ? "AT_FDCWD" : String(fd);
}
