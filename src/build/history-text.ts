/** How an image's history tells of instructions, as docker's builder writes it: `CMD ["sh" "-c"]`. Pure. */

import { renderDuration } from "../image/duration.ts";
import type { ImageHealthcheck } from "../image/image-config.ts";

/** `["a" "b c"]`: a list as Go prints it with %q. */
export function quotedList(words: readonly string[]): string {
  return `[${words.map(quoteGo).join(" ")}]`;
}

/** A string as Go writes it in its source. */
export function quoteGo(text: string): string {
  let quoted = '"';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (char === '"' || char === "\\") quoted += `\\${char}`;
    else if (escapes.has(char)) quoted += escapes.get(char);
    else if (code < 0x20 || code === 0x7f) quoted += `\\x${code.toString(16).padStart(2, "0")}`;
    else if (/[\p{C}\p{Zl}\p{Zp}]/u.test(char) || (/\p{Zs}/u.test(char) && char !== " ")) {
      quoted +=
        code > 0xffff
          ? `\\U${code.toString(16).padStart(8, "0")}`
          : `\\u${code.toString(16).padStart(4, "0")}`;
    } else quoted += char;
  }
  return `${quoted}"`;
}

const escapes: ReadonlyMap<string, string> = new Map([
  ["\u0007", "\\a"],
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ["\v", "\\v"],
]);

/** `{Test:[CMD-SHELL x] Interval:5s Timeout:0s StartPeriod:0s StartInterval:0s Retries:0}`. */
export function renderHealthcheck(check: ImageHealthcheck): string {
  const duration = (ns: number | undefined) => renderDuration(ns ?? 0);
  const fields = [
    `Test:[${(check.Test ?? []).join(" ")}]`,
    `Interval:${duration(check.Interval)}`,
    `Timeout:${duration(check.Timeout)}`,
    `StartPeriod:${duration(check.StartPeriod)}`,
    `StartInterval:${duration(check.StartInterval)}`,
    `Retries:${check.Retries ?? 0}`,
  ];
  return `{${fields.join(" ")}}`;
}
