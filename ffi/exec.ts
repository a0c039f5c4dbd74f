/**
 * Becoming another program while staying the same process: what a monitor does to get small.
 *
 * Children, pid, session and descriptors without close-on-exec stay; threads and memory go. See execve(2).
 */
import { FD_CLOEXEC, fcntlCommands } from "./flags.ts";
import { addressOf, cString, syscall } from "./libc.ts";

const { F_GETFD, F_SETFD } = fcntlCommands;
const SIG_BLOCK = 0;
const SIG_UNBLOCK = 1;
/** The kernel's sigset_t: 64 signals, signal N is bit N-1. */
export const sigsetBytes = 8;

/**
 * execve(2). Returns only by throwing. To be called on the main thread, which every JavaScript thread of a program
 * without workers is: the parent-death signals of its children then see no parent die.
 */
export function execve(
  path: string,
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): never {
  const settings = Object.entries(environment).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${value}`],
  );
  const strings = [argv.map(cString), settings.map(cString)] as const;
  const [words, variables] = strings.map((list) => pointerArray(list));
  syscall("execve", [path, words ?? null, variables ?? null], () => JSON.stringify([path, argv]));
  throw new Error(`execve returned, with ${strings.length} arrays still in use`);
}

/** char *[], ended by NULL. The strings must stay reachable while it is in use. */
function pointerArray(strings: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from([...strings.map(addressOf), 0n]).buffer);
}

/** fcntl(2) F_SETFD: whether a descriptor is closed by execve. */
export function setCloseOnExec(fd: number, on: boolean): void {
  const flags = syscall("fcntl", [fd, F_GETFD, 0], () => `${fd}, F_GETFD`);
  const wanted = on ? flags | FD_CLOEXEC : flags & ~FD_CLOEXEC;
  syscall("fcntl", [fd, F_SETFD, wanted], () => `${fd}, F_SETFD, ${wanted}`);
}

/**
 * rt_sigprocmask(2) of this thread: holds signals back, or lets them through. Unlike handlers, the mask stays
 * over execve: nothing is lost in between.
 */
export function maskSignals(signals: readonly number[], block: boolean): void {
  const set = signals.reduce((bits, signal) => bits | (1n << BigInt(signal - 1)), 0n);
  const mask = new Uint8Array(BigUint64Array.of(set).buffer);
  const how = block ? SIG_BLOCK : SIG_UNBLOCK;
  syscall("rt_sigprocmask", [how, mask, null, sigsetBytes], () => `${how}, ${signals.join("|")}`);
}
