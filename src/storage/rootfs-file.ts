/**
 * Reading files of a container's root file system from the host, without ever leaving it.
 *
 * The descriptor is the root's (a detached mount, or /proc/PID/root). Links are followed as the container itself would
 * follow them (RESOLVE_IN_ROOT), magic links not at all; anything but a regular file counts as missing. What a name is gets
 * asked before it is opened: opening alone can do something, when a hostile image has a watchdog or a tape there.
 */
import { closeSync, fstatSync, openSync, readSync } from "node:fs";
import { openat2 } from "../../ffi/file.ts";
import { openFlags, resolveFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";

/** No passwd or group file is larger; more is hostile and is cut. */
const defaultMaxBytes = 1 << 20;

/** The file's text; undefined where there is no regular file of that name inside. */
export function readRootfsText(rootFd: number, path: string, maxBytes = defaultMaxBytes): string | undefined {
  const fd = openInRoot(rootFd, path);
  if (fd === undefined) return undefined;
  try {
    if (!fstatSync(fd).isFile()) return undefined;
    return readOpened(fd, maxBytes).toString("utf8");
  } finally {
    closeSync(fd);
  }
}

/** O_PATH: whatever it is, it is not opened yet. */
function openInRoot(rootFd: number, path: string): number | undefined {
  const flags = openFlags.O_PATH | openFlags.O_CLOEXEC;
  const resolve = resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS;
  try {
    return openat2(rootFd, path, flags, resolve);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "EACCES")) return undefined;
    throw error;
  }
}

/** The very file that was looked at: a descriptor's link in /proc leads nowhere else. */
function readOpened(pathFd: number, maxBytes: number): Buffer {
  const fd = openSync(`/proc/self/fd/${pathFd}`, openFlags.O_RDONLY);
  try {
    return readUpTo(fd, maxBytes);
  } finally {
    closeSync(fd);
  }
}

function readUpTo(fd: number, maxBytes: number): Buffer {
  const buffer = Buffer.alloc(Math.min(maxBytes, fstatSync(fd).size));
  let done = 0;
  while (done < buffer.length) {
    const count = readSync(fd, buffer, done, buffer.length - done, null);
    if (count === 0) break;
    done += count;
  }
  return buffer.subarray(0, done);
}
