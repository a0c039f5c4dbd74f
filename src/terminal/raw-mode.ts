/**
 * Raw mode of the user's terminal, given back whatever happens.
 *
 * "Whatever" is: the end of the session, an error nobody caught, process exit, a signal that ends this process, and
 * being stopped and continued. (SIGKILL cannot be helped; shells set their own modes before the next prompt.)
 */
import { getTerminalModes, rawModes, setTerminalModes, type TerminalModes } from "../../ffi/terminal.ts";

export interface RawMode {
  /** Gives the terminal back. May be called more than once. */
  restore(): void;
}

const endingSignals = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGTERM", "SIGALRM", "SIGUSR1", "SIGUSR2"] as const;

/**
 * Makes the terminal on `fd` raw, or what `change` makes of its modes. `continued` is called when this process was
 * stopped and goes on: the window may have another size by then. `endings`: the signals this process dies of.
 */
export function enterRawMode(
  fd: number,
  continued: () => void,
  change = rawModes,
  endings: readonly NodeJS.Signals[] = endingSignals,
): RawMode {
  const original = getTerminalModes(fd);
  const handlers: (readonly [string, (signal: NodeJS.Signals) => void])[] = [
    ...endings.map((signal) => [signal, dieOf] as const),
    ["SIGTSTP", stop],
    ["SIGCONT", resume],
    ["exit", giveBack],
    ["uncaughtExceptionMonitor", giveBack],
  ];
  for (const [event, handler] of handlers) process.on(event, handler);
  setTerminalModes(fd, change(original));
  return { restore };

  function giveBack(): void {
    tryModes(fd, original);
  }
  function restore(): void {
    for (const [event, handler] of handlers) process.off(event, handler);
    giveBack();
  }
  /** Ends as if there had been no handler, so that the parent sees the signal. */
  function dieOf(signal: NodeJS.Signals): void {
    restore();
    process.kill(process.pid, signal);
  }
  function stop(): void {
    giveBack();
    process.kill(process.pid, "SIGSTOP");
  }
  function resume(): void {
    tryModes(fd, change(original));
    continued();
  }
}

/** A terminal that hung up is nothing to give back to. */
function tryModes(fd: number, modes: TerminalModes): void {
  try {
    setTerminalModes(fd, modes);
  } catch {
    // EIO: gone.
  }
}
