/**
 * clone3(2), through the small library of ffi/native/launch.c: the only way this engine makes processes by itself.
 *
 * The library is loaded once from a memfd; init sits in a sealed memfd that stays open for further launches. The
 * parent is suspended until init runs, which takes a fraction of a millisecond.
 */
import { dlopen, FFIType, type Pointer, ptr } from "bun:ffi";
import { close, writeAll } from "./file.ts";
import { cloneFlags, flagNames, memfdFlags } from "./flags.ts";
import { addressOf, cString } from "./libc.ts";
import { memfd_create, sealedMemfd } from "./memfd.ts";
import { readNativeFile } from "./native-file.ts";
import { waitid } from "./process.ts";
import { SyscallError } from "./syscall-error.ts";

export interface LaunchRequest {
  /** CLONE_NEW*. */
  readonly flags: number;
  /** argv of init, for `ps`. */
  readonly args: readonly string[];
  /** The child's descriptors by position; -1 leaves one closed. Stay the caller's. At most 512. */
  readonly fds: readonly number[];
  /** A cgroup v2 directory to be born in (Linux 5.7); stays the caller's. */
  readonly cgroupFd?: number | undefined;
}

export interface Launched {
  readonly pid: number;
  /** Close-on-exec; the caller's. */
  readonly pidfd: number;
}

/** struct launch of launch.c: flags @0, argv @8, fds @16, fd_count @24, init_fd @28, cgroup_fd @32, pid @36, pidfd @40, error @44. */
const launchBytes = 56;
let library: ((launch: Pointer) => number) | undefined;
let initFd: number | undefined;

/**
 * Makes a child that runs init with these descriptors. It is a child of this process and must be reaped.
 * @throws SyscallError of clone3, or of execveat where the child could not even run init (it is reaped then)
 */
export function launch(request: LaunchRequest): Launched {
  library ??= loadLibrary();
  initFd ??= sealedMemfd("bocker-init", readNativeFile("init"), true);
  const strings = request.args.map(cString);
  const argv = new BigUint64Array([...strings.map(addressOf), 0n]);
  const fds = new Int32Array(request.fds);
  const view = new DataView(new ArrayBuffer(launchBytes));
  const bits = request.flags + (request.cgroupFd === undefined ? 0 : cloneFlags.CLONE_INTO_CGROUP);
  view.setBigUint64(0, BigInt(bits), true);
  view.setBigUint64(8, addressOf(new Uint8Array(argv.buffer)), true);
  view.setBigUint64(16, addressOf(new Uint8Array(fds.buffer)), true);
  view.setInt32(24, fds.length, true);
  view.setInt32(28, initFd, true);
  view.setInt32(32, request.cgroupFd ?? 0, true);
  const struct = new Uint8Array(view.buffer);
  const result = library(ptr(struct));
  const launched = { pid: view.getInt32(36, true), pidfd: view.getInt32(40, true) };
  // Named here so that the buffers the struct points at outlive the call.
  const held = [strings, argv, fds].length;
  if (result === 0 && held === 3) return launched;
  if (launched.pid === 0) throw new SyscallError("clone3", -result, flagNames(cloneFlags, bits));
  waitid(launched.pidfd, { block: true });
  close(launched.pidfd);
  throw new SyscallError("execveat", -result, "init, AT_EMPTY_PATH");
}

function loadLibrary(): (launch: Pointer) => number {
  const fd = memfd_create("bocker-launch", memfdFlags.MFD_CLOEXEC);
  try {
    writeAll(fd, readNativeFile("launch"));
    const { symbols } = dlopen(`/proc/self/fd/${fd}`, {
      bocker_launch: { args: [FFIType.ptr], returns: FFIType.i32 },
    });
    return symbols.bocker_launch as unknown as (launch: Pointer) => number;
  } finally {
    close(fd);
  }
}
