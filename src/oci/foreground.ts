/**
 * A process of a container in the foreground: its exit code is ours, our signals are its. Without a terminal of its own
 * its streams are ours already, and nothing is copied.
 */
import { signalProcess } from "../runtime/signal-process.ts";
import { waitForExit } from "../runtime/wait-for-exit.ts";
import { proxySignals } from "../terminal/signal-proxy.ts";

/**
 * Resolves with the exit code when the process has ended, 128 plus the signal's number where one ended it. Takes over
 * `master`; the pidfd stays the caller's.
 */
export async function waitForeground(
  process: { readonly pidfd: number },
  master: number | undefined,
): Promise<number> {
  const send = (signal: number): void => {
    signalProcess(process, signal);
  };
  if (master !== undefined) {
    const { waitWithTerminal } = await import("./foreground-terminal.ts");
    return waitWithTerminal(process, master, send);
  }
  // However often somebody asks: who ends it is the container's own business.
  const restore = proxySignals({ send, leave: () => undefined });
  const { exitCode } = await waitForExit(process).finally(restore);
  return exitCode;
}
