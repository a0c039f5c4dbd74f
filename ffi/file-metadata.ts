/**
 * System calls about what a file is besides its bytes: owner, times to the nanosecond, extended attributes, device
 * nodes, and where it has holes.
 *
 * node:fs has no xattrs and no nodes and rounds times. None of these follows a symbolic link in the last component.
 * A path is text or, for names that are not UTF-8, its bytes with a NUL at the end (see bytePath).
 */
import { AT_FDCWD, atFlags } from "./flags.ts";
import { syscall, trySyscall } from "./libc.ts";
import { SyscallError } from "./syscall-error.ts";

export type PathBytes = string | Uint8Array;

/** Seconds since the epoch, negative before it, and 0 … 999,999,999 nanoseconds upwards from there. */
export interface Timespec {
  readonly seconds: number;
  readonly nanoseconds: number;
}

const { AT_SYMLINK_NOFOLLOW } = atFlags;
/** _IOW(0x94, 9, int), linux/fs.h. */
/** _IOR('f', 1, long) and _IOW('f', 2, long), linux/fs.h; the word they move is an int all the same. */
const FS_IOC_GETFLAGS = 0x80086601;
const FS_IOC_SETFLAGS = 0x40086602;
const FS_IMMUTABLE_FL = 0x10;
const FS_APPEND_FL = 0x20;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const errnoNumber = { ENXIO: 6, EOPNOTSUPP: 95, ENODATA: 61, ERANGE: 34 } as const;

/** Bytes kept one a character ("latin1") to what these wrappers take. Throws on an embedded NUL. */
export function bytePath(latin1: string): Uint8Array {
  if (latin1.includes("\0")) throw new RangeError("NUL byte in a path");
  return Buffer.from(`${latin1}\0`, "latin1");
}

/** Sets an extended attribute on the file itself; lsetxattr(2). */
export function lsetxattr(path: PathBytes, name: PathBytes, value: Uint8Array): void {
  syscall("lsetxattr", [path, name, value, value.byteLength, 0]);
}

/** The value of an extended attribute, or undefined when the file or its file system has none; lgetxattr(2). */
export function lgetxattr(path: PathBytes, name: PathBytes): Uint8Array | undefined {
  return readGrowing("lgetxattr", (buffer) =>
    trySyscall("lgetxattr", [path, name, buffer, buffer.byteLength]),
  );
}

/** Names of all extended attributes, empty where the file system has none; llistxattr(2). */
export function llistxattr(path: PathBytes): readonly string[] {
  const bytes = readGrowing("llistxattr", (buffer) =>
    trySyscall("llistxattr", [path, buffer, buffer.byteLength]),
  );
  return bytes === undefined ? [] : Buffer.from(bytes).toString("latin1").split("\0").slice(0, -1);
}

/** Both calls answer ERANGE until the buffer is large enough; a value may grow in between. */
function readGrowing(
  name: "lgetxattr" | "llistxattr",
  read: (buffer: Uint8Array) => number,
): Uint8Array | undefined {
  for (let size = 256; ; size *= 4) {
    const buffer = new Uint8Array(size);
    const result = read(buffer);
    if (result >= 0) return buffer.subarray(0, result);
    if (result === -errnoNumber.ENODATA || result === -errnoNumber.EOPNOTSUPP) return undefined;
    if (result !== -errnoNumber.ERANGE || size > 1 << 20) throw new SyscallError(name, -result, "…");
  }
}

/** Sets access and modification time of the file itself; utimensat(2) with AT_SYMLINK_NOFOLLOW. */
export function utimensat(path: PathBytes, accessed: Timespec, modified: Timespec): void {
  syscall("utimensat", [AT_FDCWD, path, timespecPair(accessed, modified), AT_SYMLINK_NOFOLLOW]);
}

/** As utimensat, on an open file: utimensat(fd, NULL, …), which is what libc's futimens makes. */
export function futimens(fd: number, accessed: Timespec, modified: Timespec): void {
  syscall("utimensat", [fd, null, timespecPair(accessed, modified), 0]);
}

/** struct timespec[2]: 64-bit seconds at 0 and 16, nanoseconds at 8 and 24. */
function timespecPair(accessed: Timespec, modified: Timespec): Uint8Array {
  const words = BigInt64Array.of(
    BigInt(accessed.seconds),
    BigInt(accessed.nanoseconds),
    BigInt(modified.seconds),
    BigInt(modified.nanoseconds),
  );
  return new Uint8Array(words.buffer);
}

/** Changes the owner of the file itself; fchownat(2) with AT_SYMLINK_NOFOLLOW. Clears setuid and setgid. */
export function lchown(path: PathBytes, uid: number, gid: number): void {
  syscall("fchownat", [AT_FDCWD, path, uid, gid, AT_SYMLINK_NOFOLLOW]);
}

/** Makes a device node, FIFO or socket; `mode` holds its S_IF bits, `device` comes from makedev; mknodat(2). */
export function mknod(path: PathBytes, mode: number, device: number): void {
  syscall("mknodat", [AT_FDCWD, path, mode, device]);
}

/** Start of the next data at or after `offset`, undefined when only a hole is left; lseek(2). */
export function seekData(fd: number, offset: number): number | undefined {
  const result = trySyscall("lseek", [fd, offset, SEEK_DATA]);
  if (result === -errnoNumber.ENXIO) return undefined;
  if (result < 0) throw new SyscallError("lseek", -result, `${fd}, ${offset}, SEEK_DATA`);
  return result;
}

/** Start of the next hole at or after `offset` (the end of the file counts as one); lseek(2). */
export function seekHole(fd: number, offset: number): number {
  return syscall("lseek", [fd, offset, SEEK_HOLE]);
}

/**
 * Takes the immutable and append-only attributes (chattr +i, +a) off an open file. False where it had none or the
 * file system knows none; ioctl_iflags(2).
 */
export function clearProtection(fd: number): boolean {
  const word = new BigInt64Array(1);
  const memory = new Uint8Array(word.buffer);
  if (trySyscall("ioctl", [fd, FS_IOC_GETFLAGS, memory]) < 0) return false;
  const attributes = Number(word[0]);
  const cleared = attributes & ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
  if (cleared === attributes) return false;
  word[0] = BigInt(cleared);
  return trySyscall("ioctl", [fd, FS_IOC_SETFLAGS, memory]) >= 0;
}
