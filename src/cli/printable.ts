/**
 * Names of files, images and processes are others' to choose: on a terminal they must not move the cursor, colour it or
 * answer for its user. Pure.
 */
import type { Output } from "./command-spec.ts";

/** Control characters escaped: `\x1b`. Newlines and tabs stay. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => (char === "\n" || char === "\t" ? char : escaped(char)));
}

/** The text as `out` may have it: printable for a terminal, and as it is for a file or a program, as docker has it. */
export function shownOn(out: Pick<Output, "isTerminal">, text: string): string {
  const shown = printable(text);
  return shown === text || !out.isTerminal ? text : shown;
}

/** The same for what is to stay within its line. */
export function shownInLine(out: Pick<Output, "isTerminal">, text: string): string {
  const shown = text.replace(/\p{Cc}/gu, escaped);
  return shown === text || !out.isTerminal ? text : shown;
}

function escaped(char: string): string {
  return `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`;
}
