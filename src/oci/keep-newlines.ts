/**
 * Line ends of a container's terminal whose output goes into a file or a pipe: kept as they are written.
 */
import { getTerminalModes, isTerminal, setTerminalModes, verbatimModes } from "../../ffi/terminal.ts";

const standardOutput = 1;

/**
 * Before anything is written to the pty: no carriage returns, which only a terminal needs. Where ours is one they stay, since
 * it passes on what it gets. runc's manner.
 */
export function keepNewlines(master: number): void {
  if (isTerminal(standardOutput)) return;
  setTerminalModes(master, verbatimModes(getTerminalModes(master)));
}
