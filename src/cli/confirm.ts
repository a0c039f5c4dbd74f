/**
 * "Are you sure?" before something is removed: docker's text, answered on standard input. No answer means no.
 */
import { readSync } from "node:fs";
import { BockerError } from "../errors.ts";
import type { CommandContext } from "./command-spec.ts";

/** Asks; throws kind `cancelled`, which ends the command in silence, unless the answer is y. */
export function confirm(context: CommandContext, what: string, warning: string): void {
  context.out.write(`WARNING! ${warning}\nAre you sure you want to continue? [y/N] `);
  if (readLine().trim().toLowerCase() === "y") return;
  throw new BockerError(`${what} has been cancelled`, { kind: "cancelled" });
}

/** One line, byte by byte: what follows it is not ours to take. */
function readLine(): string {
  const byte = new Uint8Array(1);
  const bytes: number[] = [];
  while (readSync(0, byte) === 1 && byte[0] !== 10) bytes.push(byte[0] ?? 0);
  return Buffer.from(bytes).toString();
}
