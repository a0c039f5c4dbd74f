/**
 * The door to the kernel: libc's syscall(2), bound with bun:ffi on first use, and errno read right behind it.
 *
 * One bound symbol serves every wrapper in this folder: new calls (openat2, fsopen, clone3) have no function in
 * older glibc or in musl, and binding a single symbol keeps start-up at a fraction of a millisecond. Strings are
 * copied into one static arena that the garbage collector never moves or frees; it is reused by the next call, so
 * nothing here may be called from two threads (Bun has one JavaScript thread).
 */
import { dlopen, FFIType, type Pointer, ptr, read } from "bun:ffi";
import { SyscallError } from "./syscall-error.ts";
import { type SyscallName, syscallNumber } from "./syscall-number.ts";

/** What a call takes: an integer, a C string, memory (stays the caller's), or NULL. */
export type Argument = number | bigint | string | Uint8Array | null;

type RawSyscall = (...args: readonly (number | bigint)[]) => number;

interface Libc {
  readonly syscall: RawSyscall;
  readonly errnoLocation: () => Pointer;
}

const arenaBytes = 64 * 1024;
let libc: Libc | undefined;
let arena: Uint8Array | undefined;
let arenaPointer = 0;
let arenaUsed = 0;
/** Keeps the buffers of the running call reachable, whatever the optimizer thinks of the caller's variables. */
const held: { args: readonly Argument[] } = { args: [] };
const encoder = new TextEncoder();

/**
 * Makes a system call by its kernel name and returns what it returned (never negative).
 *
 * `describe` renders the arguments for the error and is called only when there is one.
 * @throws SyscallError
 */
export function syscall(name: SyscallName, args: readonly Argument[], describe?: () => string): number {
  const result = trySyscall(name, args);
  if (result < 0) throw new SyscallError(name, -result, describe?.() ?? describeArguments(args));
  return result;
}

/** As syscall(), but a failure is the negative errno: for callers that expect one and must stay cheap. */
export function trySyscall(name: SyscallName, args: readonly Argument[]): number {
  libc ??= openLibc();
  held.args = args;
  arenaUsed = 0;
  const result = libc.syscall(
    syscallNumber[name],
    word(args[0]),
    word(args[1]),
    word(args[2]),
    word(args[3]),
    word(args[4]),
    word(args[5]),
  );
  const outcome = result === -1 ? -read.i32(libc.errnoLocation(), 0) : result;
  held.args = [];
  return outcome;
}

/**
 * Repeats a call that a signal interrupted. Not for close(2): Linux has closed the descriptor even then.
 * @throws SyscallError
 */
export function syscallUninterrupted(
  name: SyscallName,
  args: readonly Argument[],
  describe?: () => string,
): number {
  for (;;) {
    const result = trySyscall(name, args);
    if (result >= 0) return result;
    if (result !== -4) throw new SyscallError(name, -result, describe?.() ?? describeArguments(args));
  }
}

/** A C string of its own, for structs that point at one. The caller keeps it alive while the kernel reads it. */
export function cString(text: string): Uint8Array {
  return encoder.encode(`${checkedPath(text)}\0`);
}

/** The address of a buffer, valid while the buffer is reachable and is not resized. */
export function addressOf(buffer: Uint8Array): bigint {
  return BigInt(ptr(buffer));
}

function openLibc(): Libc {
  const candidates = [
    "libc.so.6",
    process.arch === "arm64" ? "libc.musl-aarch64.so.1" : "libc.musl-x86_64.so.1",
  ];
  let failure: unknown;
  for (const path of candidates) {
    try {
      return bindLibc(path);
    } catch (error) {
      failure = error;
    }
  }
  throw new Error(`cannot load the C library (tried ${candidates.join(", ")})`, { cause: failure });
}

function bindLibc(path: string): Libc {
  const long = FFIType.i64_fast;
  const { symbols } = dlopen(path, {
    syscall: { args: [long, long, long, long, long, long, long], returns: long },
    __errno_location: { args: [], returns: FFIType.ptr },
  });
  return {
    syscall: symbols.syscall as unknown as RawSyscall,
    errnoLocation: symbols.__errno_location as unknown as () => Pointer,
  };
}

function word(argument: Argument | undefined): number | bigint {
  if (typeof argument === "number" || typeof argument === "bigint") return argument;
  if (argument === null || argument === undefined) return 0;
  if (typeof argument === "string") return intoArena(argument);
  return argument.byteLength === 0 ? 0 : ptr(argument);
}

/** Copies a C string behind the others of this call and returns its address. */
function intoArena(text: string): number {
  if (arena === undefined) {
    arena = new Uint8Array(arenaBytes);
    arenaPointer = ptr(arena);
  }
  const start = arenaUsed;
  const room = arena.subarray(start, arenaBytes - 1);
  const { read: taken, written } = encoder.encodeInto(checkedPath(text), room);
  if (taken !== text.length) throw new RangeError("arguments of one system call exceed 64 KiB");
  arena[start + written] = 0;
  arenaUsed = start + written + 1;
  return arenaPointer + start;
}

/** The kernel would cut a string at its first NUL and act on another path than the one that was checked. */
function checkedPath(text: string): string {
  if (text.includes("\0")) throw new RangeError(`NUL byte in ${JSON.stringify(text)}`);
  return text;
}

function describeArguments(args: readonly Argument[]): string {
  return args.map((value) => describeArgument(value)).join(", ");
}

function describeArgument(value: Argument): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" ? `[${value.byteLength} bytes]` : String(value);
}
