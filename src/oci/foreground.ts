/**
 * A process of a container in the foreground: its exit code is ours, our signals are its. Without a terminal of its own
 * its streams are ours already, and nothing is copied.
 */
import { signalProcess } from "../runtime/signal-process.ts";
import { waitForExit } from "../runtime/wait-for-exit.ts";
import { proxySignals } from "../terminal/signal-proxy.ts";

/** The signals of a runtime in the foreground. Disposing gives them back. */
export interface HeldSignals extends Disposable {
  /** To whom those go that came until now, and all later ones. */
  passTo(send: (signal: number) => void): void;
}

/**
 * Takes signals before there is a process to have them: whoever reads the container's first output may signal us before we
 * know that it runs, and none of them may end us alone.
 */
export function holdSignals(): HeldSignals {
  const kept: number[] = [];
  let send = (signal: number): void => void kept.push(signal);
  // However often somebody asks: who ends it is the container's own business.
  const restore = proxySignals({ send: (signal) => send(signal), leave: () => undefined });
  return {
    passTo: (next) => {
      send = next;
      for (const signal of kept.splice(0)) next(signal);
    },
    [Symbol.dispose]: restore,
  };
}

/**
 * Resolves with the exit code when the process has ended, 128 plus the signal's number where one ended it. Takes over
 * `master`; the pidfd stays the caller's.
 */
export async function waitForeground(
  process: { readonly pidfd: number },
  master: number | undefined,
  signals: HeldSignals,
): Promise<number> {
  const send = (signal: number): void => {
    signalProcess(process, signal);
  };
  if (master !== undefined) {
    const { waitWithTerminal } = await import("./foreground-terminal.ts");
    return waitWithTerminal(process, master, { send, held: signals });
  }
  signals.passTo(send);
  return (await waitForExit(process)).exitCode;
}
