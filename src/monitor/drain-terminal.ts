/**
 * Keeping the terminal of a command whose user has detached: what it says is read and dropped, so that it neither blocks nor
 * is hung up on.
 */
import { pumpOutput } from "./output-pump.ts";

/** Where whoever starts this process puts the terminal's master. */
const masterFd = 3;

/** Until nobody has the terminal open any more. */
export async function drainTerminal(): Promise<void> {
  await pumpOutput(masterFd, () => undefined).done.catch(() => undefined);
}
