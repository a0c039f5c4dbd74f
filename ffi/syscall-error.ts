/**
 * What a failed system call throws. Knows the call, the errno and the arguments as strace would print them;
 * what the caller was about to do, and to what, is added by the caller in an error of its own.
 */
import { errnoName, errnoText } from "./errno.ts";

export class SyscallError extends Error {
  /** The kernel's name of the call: `openat2`. */
  readonly syscall: string;
  /** The number: 2. */
  readonly errno: number;
  /** The name: `ENOENT`. Named as node's errors name it, so that one test serves both. */
  readonly code: string;
  /** Arguments decoded, flags by name: `AT_FDCWD, "/proc", O_PATH|O_CLOEXEC`. */
  readonly args: string;

  constructor(syscall: string, errno: number, args: string) {
    super(`${syscall}(${args}): ${errnoText(errno)}`);
    this.name = "SyscallError";
    this.syscall = syscall;
    this.errno = errno;
    this.code = errnoName(errno);
    this.args = args;
  }
}

/** True for a SyscallError with one of these errno names. */
export function isErrno(thrown: unknown, ...codes: readonly string[]): thrown is SyscallError {
  return thrown instanceof SyscallError && codes.includes(thrown.code);
}
