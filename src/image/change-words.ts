/**
 * The arguments of a Dockerfile instruction to words: quotes, backslashes, JSON lists, `NAME=VALUE` pairs.
 *
 * Pure; for `--change` of commit and import, where there is nothing to expand `$x` from: it is kept as it is.
 * https://docs.docker.com/reference/dockerfile/#format
 */
import { BockerError } from "../errors.ts";

/** A blank outside of quotes, or a piece of a word: a quoted part, a protected character, a plain one. */
const piece = /(\s+)|"(?:\\[\s\S]|[^"\\])*"?|'[^']*'?|\\[\s\S]|[\s\S]/g;

/** Words parted by blanks; quotes and backslashes stay in them, blanks inside quotes part nothing. */
export function splitRawWords(text: string): readonly string[] {
  const words: string[] = [];
  let word = "";
  for (const [part, blank] of text.matchAll(piece)) {
    if (blank === undefined) word += part;
    else {
      if (word !== "") words.push(word);
      word = "";
    }
  }
  return word === "" ? words : [...words, word];
}

/** Takes quotes and backslashes away, as a shell would. */
export function unquote(word: string): string {
  let plain = "";
  let quote = "";
  for (let at = 0; at < word.length; at++) {
    const char = word[at] ?? "";
    const next = word[at + 1];
    if (char === "\\" && quote !== "'" && next !== undefined) {
      // Between double quotes a backslash only protects what would mean something there.
      plain += quote === '"' && !'"\\$'.includes(next) ? char + next : next;
      at += 1;
    } else if (quote === char) quote = "";
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
    else plain += char;
  }
  return plain;
}

/** `a=1 b="x y"`, or the old form `a all the rest`. Throws docker's phrases. */
export function parsePairs(instruction: string, text: string): readonly (readonly [string, string])[] {
  const words = splitRawWords(text);
  const [first = ""] = words;
  if (!first.includes("=")) {
    const rest = text.trim().slice(first.length).trim();
    if (words.length < 2) throw malformed(`${instruction} must have two arguments`);
    return [[unquote(first), unquote(rest)]];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 0)
      throw malformed(
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
      );
    const name = unquote(word.slice(0, equals));
    if (name === "") throw malformed(`${instruction} names can not be blank`);
    return [name, unquote(word.slice(equals + 1))];
  });
}

/** The words of a JSON list, or undefined where the text is none: then it is meant for a shell. */
export function parseJsonWords(text: string): readonly string[] | undefined {
  if (!text.trim().startsWith("[")) return undefined;
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) && list.every((word) => typeof word === "string") ? list : undefined;
  } catch {
    return undefined;
  }
}

export function malformed(reason: string): BockerError {
  return new BockerError(reason, { kind: "invalid-config" });
}
