/**
 * A foreground process with a terminal: its pty is connected with ours until it ends. There are no keys to leave it by.
 */
import { BockerError } from "../errors.ts";
import { LocalSession } from "../monitor/local-session.ts";
import { waitForExit } from "../runtime/wait-for-exit.ts";
import { currentWindowSize, runAttached } from "../terminal/run-attached.ts";
import type { HeldSignals } from "./foreground.ts";

/** Owns `master` from now on. */
export async function waitWithTerminal(
  process: { readonly pidfd: number },
  master: number,
  { send, held }: { readonly send: (signal: number) => void; readonly held: HeldSignals },
): Promise<number> {
  const exited = waitForExit(process);
  const session = new LocalSession({ kind: "pty", master }, { exited, signal: send });
  const size = currentWindowSize();
  if (size !== undefined) session.resize(size);
  // From here on they are the session's, which takes them in the same turn of the loop.
  held.passTo(send);
  held[Symbol.dispose]();
  const result = await runAttached(session, {
    stdin: true,
    tty: true,
    sigProxy: "always",
    detachKeys: false,
    brokenOutput: "close",
  });
  if (result.kind === "exited") return result.exitCode;
  throw new BockerError("the terminal was left");
}
