/**
 * Asks the user for one line on the terminal that is standard input, shown or, for a password, not.
 */
import { read } from "node:fs";
import { promisify } from "node:util";
import { isTerminal, silentModes } from "../../ffi/terminal.ts";
import { BockerError } from "../errors.ts";
import { enterRawMode } from "./raw-mode.ts";

const readAsync = promisify(read);
const maxLineBytes = 64 * 1024;

/** Whether standard input is a terminal. */
export function canAsk(): boolean {
  return isTerminal(0);
}

/** The line without its end. Throws when the input ends before it. */
export async function askLine(
  prompt: string,
  isSecret: boolean,
  write: (text: string) => void,
): Promise<string> {
  const modes = isSecret ? enterRawMode(0, () => write(prompt), silentModes) : undefined;
  try {
    write(prompt);
    return await readLine();
  } finally {
    modes?.restore();
    if (isSecret) write("\n");
  }
}

async function readLine(): Promise<string> {
  const bytes: number[] = [];
  const one = Buffer.alloc(1);
  while (bytes.length < maxLineBytes) {
    const { bytesRead } = await readAsync(0, one, 0, 1, null);
    if (bytesRead === 0 && bytes.length === 0) throw new BockerError("EOF", { kind: "usage" });
    if (bytesRead === 0 || one[0] === 0x0a) break;
    bytes.push(one[0] ?? 0);
  }
  return Buffer.from(bytes).toString("utf8").replace(/\r$/, "");
}
