/**
 * Where a text stops being JSON (RFC 8259): JSON.parse says what is wrong and not where.
 */

export interface TextPosition {
  /** Both from 1; the column in UTF-16 code units. */
  readonly line: number;
  readonly column: number;
}

const token =
  /\s*(?:([[\]{},:])|("(?:[ !#-[\]-\uffff]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-]))/y;

const space = /\s*/y;

/** What may come next: a value; a value or the end of an array; a name or the end of an object; a name; after a value. */
type Expected = "value" | "value-or-end" | "name-or-end" | "name" | "colon" | "separator";

/** The first character that JSON does not allow, or the end of a text that is cut short; undefined for JSON. */
export function findJsonError(text: string): TextPosition | undefined {
  const open: ("[" | "{")[] = [];
  let expected: Expected = "value";
  let at = 0;
  for (;;) {
    space.lastIndex = at;
    const start = at + (space.exec(text)?.[0].length ?? 0);
    if (start === text.length)
      return expected === "separator" && open.length === 0 ? undefined : positionOf(text, start);
    token.lastIndex = at;
    const match = token.exec(text);
    const next: Expected | undefined =
      match === null ? undefined : follow(expected, match[1] ?? (match[2] ? '"' : "0"), open);
    if (next === undefined) return positionOf(text, start);
    expected = next;
    at = token.lastIndex;
  }
}

/** What is expected behind a token; undefined: it must not be there. Keeps `open`, the brackets that are. */
function follow(expected: Expected, kind: string, open: ("[" | "{")[]): Expected | undefined {
  const inside = open.at(-1);
  if (kind === ":") return expected === "colon" ? "value" : undefined;
  if (kind === ",") {
    if (expected !== "separator" || inside === undefined) return undefined;
    return inside === "[" ? "value" : "name";
  }
  if (kind === "]") return closes(expected, inside === "[", "value-or-end", open);
  if (kind === "}") return closes(expected, inside === "{", "name-or-end", open);
  if (expected === "name" || expected === "name-or-end") return kind === '"' ? "colon" : undefined;
  if (expected !== "value" && expected !== "value-or-end") return undefined;
  if (kind !== "[" && kind !== "{") return "separator";
  open.push(kind);
  return kind === "[" ? "value-or-end" : "name-or-end";
}

/** A bracket may close what is empty, or what has just had a value. */
function closes(
  expected: Expected,
  fits: boolean,
  empty: Expected,
  open: ("[" | "{")[],
): Expected | undefined {
  if (!fits || (expected !== empty && expected !== "separator")) return undefined;
  open.pop();
  return "separator";
}

function positionOf(text: string, at: number): TextPosition {
  const lines = text.slice(0, at).split("\n");
  return { line: lines.length, column: (lines.at(-1)?.length ?? 0) + 1 };
}
