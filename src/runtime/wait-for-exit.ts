/**
 * Waiting for children: SIGCHLD wakes, waitid with WNOHANG tells.
 *
 * Signals coalesce, so every wake looks at every child that is waited for; a child that ended before anybody waited is
 * found by the first look. A pidfd cannot be polled from Bun's loop.
 */
import { type ChildExit, waitid } from "../../ffi/process.ts";

export interface ProcessExit {
  /** Docker's: the command's own, or 128 + the signal's number. */
  readonly exitCode: number;
  readonly signal?: number;
  readonly coreDumped: boolean;
}

interface Waiter {
  readonly pidfd: number;
  readonly resolve: (exit: ProcessExit) => void;
  readonly reject: (error: unknown) => void;
}

const waiters = new Set<Waiter>();
let keepAlive: ReturnType<typeof setInterval> | undefined;
/** A signal handler alone does not keep the loop alive; the interval does, and looks again while it is there. */
const secondLookMs = 30_000;

/**
 * Resolves when the child has ended, and reaps it. The pidfd stays the caller's and must stay open until then.
 * Rejects with SyscallError ECHILD for a process that is not this one's child.
 */
export function waitForExit(process: { readonly pidfd: number }): Promise<ProcessExit> {
  return new Promise((resolve, reject) => {
    const waiter = { pidfd: process.pidfd, resolve, reject };
    if (waiters.size === 0) startListening();
    waiters.add(waiter);
    look(waiter);
  });
}

function startListening(): void {
  process.on("SIGCHLD", lookAtAll);
  keepAlive = setInterval(lookAtAll, secondLookMs);
}

function stopListening(): void {
  process.off("SIGCHLD", lookAtAll);
  clearInterval(keepAlive);
}

function lookAtAll(): void {
  for (const waiter of [...waiters]) look(waiter);
}

function look(waiter: Waiter): void {
  try {
    const exit = waitid(waiter.pidfd, { block: false });
    if (exit === undefined) return;
    waiter.resolve(exitOf(exit));
  } catch (error) {
    waiter.reject(error);
  }
  waiters.delete(waiter);
  if (waiters.size === 0) stopListening();
}

/** Docker's exit status of a child. */
export function exitOf(exit: ChildExit): ProcessExit {
  if (exit.by === "exit") return { exitCode: exit.code, coreDumped: false };
  return { exitCode: 128 + exit.signal, signal: exit.signal, coreDumped: exit.coreDumped };
}
