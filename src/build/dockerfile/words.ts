/**
 * A logical line to its keyword, flags and words. Pure; quotes stay in words, for expand-word.ts, but not in flags.
 */
import { DockerfileProblem } from "./dockerfile-error.ts";
import type { EscapeToken, Location, Variable } from "./syntax.ts";

export interface SplitCommand {
  readonly keyword: string;
  /** `--name=value`, quotes taken away. */
  readonly flags: readonly string[];
  readonly rest: string;
}

/** `RUN --mount=type=tmpfs,target=/x make all` to its three parts. */
export function splitCommand(line: string, escapeToken: EscapeToken): SplitCommand {
  const [keyword = ""] = line.trim().split(/\s/, 1);
  let rest = line.trim().slice(keyword.length).trim();
  const flags: string[] = [];
  while (rest.startsWith("--")) {
    const { word, length } = readFlag(rest, escapeToken);
    rest = rest.slice(length).trim();
    if (word === "--") break;
    flags.push(word);
  }
  return { keyword, flags, rest };
}

function readFlag(text: string, escapeToken: EscapeToken): { word: string; length: number } {
  let word = "";
  let quote = "";
  for (let at = 0; at < text.length; at++) {
    const char = text[at] ?? "";
    if (quote === "" && /\s/.test(char)) return { word, length: at };
    if (char === escapeToken && at + 1 < text.length) {
      at += 1;
      word += text[at];
    } else if (char === escapeToken) continue;
    else if (quote === char) quote = "";
    else if (quote === "" && (char === '"' || char === "'")) quote = char;
    else word += char;
  }
  return { word, length: text.length };
}

/** A blank outside of quotes; or a piece of a word: an escaped character, a quoted part, a plain character. */
const pieces: Readonly<Record<EscapeToken, RegExp>> = {
  "\\": /(\s+)|\\[\s\S]|"(?:\\[\s\S]|[^"\\])*(?:"|\\$|$)|'[^']*'?|\\$|[\s\S]/g,
  "`": /(\s+)|`[\s\S]|"(?:`[\s\S]|[^"`])*(?:"|`$|$)|'[^']*'?|`$|[\s\S]/g,
};

/** Parts at blanks outside of quotes; quotes and escapes stay, but not an escape at the end of the line. */
export function splitWords(text: string, escapeToken: EscapeToken): readonly string[] {
  const words: string[] = [];
  let word = "";
  for (const [piece, blank] of text.matchAll(pieces[escapeToken])) {
    if (blank === undefined) word += piece === escapeToken ? "" : piece;
    else {
      if (word !== "") words.push(word);
      word = "";
    }
  }
  return word === "" ? words : [...words, word];
}

/** `a=1 b="x y"`, or the old form `a all the rest`. Throws docker's phrases. */
export function splitVariables(
  keyword: string,
  text: string,
  escapeToken: EscapeToken,
  location: Location,
): readonly Variable[] {
  const words = splitWords(text, escapeToken);
  const [first] = words;
  if (first === undefined) throw new DockerfileProblem(`${keyword} requires at least one argument`, location);
  if (!first.includes("=")) {
    const [, name = "", value] = /^(\S+)\s+([\s\S]*)$/.exec(text) ?? [];
    if (value === undefined) {
      throw new DockerfileProblem(`${keyword} must have two arguments`, location, {
        word: first,
        hint: `write ${keyword} ${first}=VALUE`,
      });
    }
    return [{ name, value, isLegacy: true }];
  }
  return words.map((word) => {
    const equals = word.indexOf("=");
    if (equals < 0) {
      throw new DockerfileProblem(
        `Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`,
        location,
        { word, hint: "a value with blanks needs quotes" },
      );
    }
    if (equals === 0) throw new DockerfileProblem(`${keyword} names can not be blank`, location, { word });
    return { name: word.slice(0, equals), value: word.slice(equals + 1), isLegacy: false };
  });
}

/**
 * The words of a JSON list; undefined where the text is none: then it is meant for a shell, or for splitting at blanks.
 * Throws where it is a list of something other than strings.
 */
export function parseJsonList(text: string, location: Location): readonly string[] | undefined {
  if (!text.startsWith("[")) return undefined;
  let list: unknown;
  try {
    list = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (!Array.isArray(list)) return undefined;
  if (list.every((word) => typeof word === "string")) return list;
  throw new DockerfileProblem(
    "when using JSON array syntax, arrays must be comprised of strings only",
    location,
    {
      word: "[",
    },
  );
}
