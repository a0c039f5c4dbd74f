/**
 * Opening, reading, writing and making files, relative to a directory descriptor.
 *
 * Thin wrappers, one a system call, named as the kernel names it; every descriptor opened here is close-on-exec.
 * Extended attributes and other metadata are in file-metadata.ts.
 */
import type { PathBytes } from "./file-metadata.ts";
import { atFlags, dirfdName, flagNames, openFlags, resolveFlags } from "./flags.ts";
import { syscall, syscallUninterrupted, trySyscall } from "./libc.ts";

/** struct open_how: u64 flags @0, u64 mode @8, u64 resolve @16; 24 bytes (OPEN_HOW_SIZE_VER0). */
export const openHowBytes = 24;

/** openat2(2), Linux 5.6. With RESOLVE_IN_ROOT no symlink under `dirfd` can lead outside. */
export function openat2(dirfd: number, path: PathBytes, flags: number, resolve: number, mode = 0): number {
  const how = new BigUint64Array([BigInt(flags | openFlags.O_CLOEXEC), BigInt(mode), BigInt(resolve)]);
  return syscallUninterrupted("openat2", [dirfd, path, new Uint8Array(how.buffer), openHowBytes], () => {
    const resolves = flagNames(resolveFlags, resolve);
    const name = typeof path === "string" ? path : Buffer.from(path.subarray(0, -1)).toString();
    return `${dirfdName(dirfd)}, ${JSON.stringify(name)}, {${openNames(flags)}, ${resolves}}`;
  });
}

/** openat(2). `dirfd` is ignored for an absolute path. */
export function openat(dirfd: number, path: string, flags: number, mode = 0): number {
  return syscallUninterrupted(
    "openat",
    [dirfd, path, flags | openFlags.O_CLOEXEC, mode],
    () => `${dirfdName(dirfd)}, ${JSON.stringify(path)}, ${openNames(flags)}`,
  );
}

/** close(2). Never repeated: Linux has freed the number even when it says EINTR. */
export function close(fd: number): void {
  const result = trySyscall("close", [fd]);
  if (result < 0 && result !== -4) syscall("close", [fd]);
}

/** close(2) for clean-up paths where the first error is the one to tell. */
export function closeQuietly(...fds: readonly (number | undefined)[]): void {
  for (const fd of fds) if (fd !== undefined && fd >= 0) trySyscall("close", [fd]);
}

/** read(2) into the whole buffer at most; 0 is the end. */
export function read(fd: number, buffer: Uint8Array): number {
  return syscallUninterrupted("read", [fd, buffer, buffer.byteLength]);
}

/** write(2); may write less than asked on pipes and sockets. */
export function write(fd: number, data: Uint8Array): number {
  return syscallUninterrupted("write", [fd, data, data.byteLength]);
}

/** write(2) until all is written. Blocks on a full pipe. */
export function writeAll(fd: number, data: Uint8Array): void {
  for (let done = 0; done < data.byteLength; ) done += write(fd, data.subarray(done));
}

/** pipe2(2) with O_CLOEXEC. The caller owns both ends. */
export function pipe2(flags = 0): readonly [readEnd: number, writeEnd: number] {
  const pair = new Int32Array(2);
  syscall("pipe2", [new Uint8Array(pair.buffer), flags | openFlags.O_CLOEXEC]);
  return [pair[0] ?? -1, pair[1] ?? -1];
}

/** dup3(2), close-on-exec. */
export function dup3(from: number, to: number): void {
  syscall("dup3", [from, to, openFlags.O_CLOEXEC]);
}

/** fcntl(2) F_GETFD: whether a descriptor ends with execve; undefined: it is not open. */
export function isCloseOnExec(fd: number): boolean | undefined {
  const F_GETFD = 1;
  const flags = trySyscall("fcntl", [fd, F_GETFD, 0]);
  return flags < 0 ? undefined : (flags & 1) !== 0;
}

/** close_range(2), Linux 5.9 (CLOSE_RANGE_CLOEXEC 5.11). Both ends inclusive. */
export function close_range(first: number, last: number, flags: number): void {
  syscall("close_range", [first, last, flags]);
}

/** mkdirat(2). */
export function mkdirat(dirfd: number, path: string, mode: number): void {
  syscall("mkdirat", [dirfd, path, mode]);
}

/** mknodat(2). `mode` holds the file type too (S_IFCHR …). */
export function mknodat(dirfd: number, path: string, mode: number, device: DeviceNumber): void {
  syscall("mknodat", [dirfd, path, mode, makedev(device)]);
}

/** symlinkat(2). */
export function symlinkat(target: string, dirfd: number, path: string): void {
  syscall("symlinkat", [target, dirfd, path]);
}

/** linkat(2). AT_EMPTY_PATH links the descriptor itself (needs CAP_DAC_READ_SEARCH). */
export function linkat(fromFd: number, from: string, toFd: number, to: string, flags = 0): void {
  syscall("linkat", [fromFd, from, toFd, to, flags]);
}

/** unlinkat(2); AT_REMOVEDIR for directories. */
export function unlinkat(dirfd: number, path: string, flags = 0): void {
  syscall("unlinkat", [dirfd, path, flags], () => {
    return `${dirfdName(dirfd)}, ${JSON.stringify(path)}, ${flagNames(atFlags, flags)}`;
  });
}

/** unlinkat(2) for who removes many files, of which some are directories: false where it fails. */
export function tryUnlinkat(dirfd: number, path: PathBytes, flags = 0): boolean {
  return trySyscall("unlinkat", [dirfd, path, flags]) >= 0;
}

/** renameat2(2). */
export function renameat2(fromFd: number, from: PathBytes, toFd: number, to: PathBytes, flags = 0): void {
  syscall("renameat2", [fromFd, from, toFd, to, flags]);
}

/** fchmodat(2). Follows symlinks: the kernel's call has no flags before 6.6. */
export function fchmodat(dirfd: number, path: string, mode: number): void {
  syscall("fchmodat", [dirfd, path, mode]);
}

/** fchownat(2). -1 leaves an id as it is. */
export function fchownat(dirfd: number, path: string, uid: number, gid: number, flags = 0): void {
  syscall("fchownat", [dirfd, path, uid, gid, flags]);
}

/** flock(2), `operation`: LOCK_SH 1, LOCK_EX 2, LOCK_UN 8, with LOCK_NB 4. */
export function flock(fd: number, operation: number): void {
  syscallUninterrupted("flock", [fd, operation]);
}

/** syncfs(2): all of the file system that `fd` is on. */
export function syncfs(fd: number): void {
  syscall("syncfs", [fd]);
}

/** umask(2): sets the process's mask and returns the old one. Never fails. */
export function umask(mask: number): number {
  return syscall("umask", [mask]);
}

/** fchdir(2): unlike process.chdir, also to where no path leads. process.cwd() does not notice; go back soon. */
export function fchdir(fd: number): void {
  syscall("fchdir", [fd]);
}

/** chroot(2) of this whole process. */
export function chroot(path: string): void {
  syscall("chroot", [path]);
}

export interface DeviceNumber {
  readonly major: number;
  readonly minor: number;
}

/** makedev(3) as the kernel's 32-bit device numbers have it: mmmM MMmm. */
export function makedev({ major, minor }: DeviceNumber): number {
  return ((minor & 0xff) | ((major & 0xfff) << 8) | ((minor & 0xfff00) << 12)) >>> 0;
}

/** ppoll(2) for one descriptor: the events that are there, 0 after `timeoutMs` (negative: for ever) or a signal. */
export function poll(fd: number, events: number, timeoutMs: number): number {
  const pollfd = new Uint8Array(pollfdBytes);
  const view = new DataView(pollfd.buffer);
  view.setInt32(0, fd, true);
  view.setInt16(4, events, true);
  const timeout = new BigInt64Array([
    BigInt(Math.floor(timeoutMs / 1000)),
    BigInt((timeoutMs % 1000) * 1_000_000),
  ]);
  const result = trySyscall("ppoll", [
    pollfd,
    1,
    timeoutMs < 0 ? null : new Uint8Array(timeout.buffer),
    null,
    8,
  ]);
  if (result === -4) return 0;
  if (result < 0) syscall("ppoll", [pollfd, 1, null, null, 8], () => `{fd=${fd}}`);
  return view.getInt16(6, true);
}

/** struct pollfd: int fd @0, short events @4, short revents @6; 8 bytes. */
export const pollfdBytes = 8;
export const POLLIN = 1;
export const POLLHUP = 16;

/** statfs.f_type of file systems that decide something here (linux/magic.h). */
export const fileSystemMagic = {
  DEVPTS_SUPER_MAGIC: 0x1cd1,
  TMPFS_MAGIC: 0x01021994,
  RAMFS_MAGIC: 0x858458f6,
  OVERLAYFS_SUPER_MAGIC: 0x794c7630,
  BTRFS_SUPER_MAGIC: 0x9123683e,
  CGROUP2_SUPER_MAGIC: 0x63677270,
  PROC_SUPER_MAGIC: 0x9fa0,
  NSFS_MAGIC: 0x6e736673,
} as const;

/** struct statfs: f_type is the first word; 120 bytes on both architectures. */
export const statfsBytes = 120;

/** statfs(2): the file system's magic. */
export function statfs(path: string): number {
  return fileSystemType("statfs", path);
}

/** fstatfs(2): as statfs(). */
export function fstatfs(fd: number): number {
  return fileSystemType("fstatfs", fd);
}

function fileSystemType(call: "statfs" | "fstatfs", which: string | number): number {
  const buffer = new Uint8Array(statfsBytes);
  syscallUninterrupted(call, [which, buffer]);
  return new DataView(buffer.buffer).getUint32(0, true);
}

function openNames(flags: number): string {
  const named = flagNames(openFlags, flags);
  return (flags & 3) === 0 && (flags & openFlags.O_PATH) === 0
    ? `O_RDONLY|${named}`.replace("|0", "")
    : named;
}
