/**
 * Go template text to tokens. Pure. Grammar: https://pkg.go.dev/text/template, text/template/parse/lex.go.
 */
import { TemplateError } from "./template-error.ts";

export type TokenKind =
  | "text"
  | "open"
  | "close"
  | "field"
  | "variable"
  | "dot"
  | "word"
  | "string"
  | "number"
  | "("
  | ")"
  | "|"
  | ","
  | ":="
  | "=";

export interface Token {
  readonly kind: TokenKind;
  /** As written; of a field or variable without its sign; of a string, its value. */
  readonly text: string;
  /** Offset into the template. */
  readonly at: number;
  /** Whether it follows the one before without a space: `.A.B` is one operand, `.A .B` two. */
  readonly isGlued: boolean;
}

/** Throws TemplateError. */
export function lexTemplate(source: string): readonly Token[] {
  const tokens: Token[] = [];
  let at = 0;
  let trimNext = false;
  while (at < source.length) {
    const open = source.indexOf("{{", at);
    const end = open < 0 ? source.length : open;
    const trimsBefore = /^\{\{-\s/.test(source.slice(open < 0 ? end : open, end + 4));
    pushText(tokens, source.slice(at, end), at, trimNext, trimsBefore);
    if (open < 0) break;
    const action = lexAction(source, open, trimsBefore ? open + 3 : open + 2, tokens);
    at = action.end;
    trimNext = action.trimsAfter;
  }
  return tokens;
}

function pushText(tokens: Token[], raw: string, at: number, trimStart: boolean, trimEnd: boolean): void {
  let text = trimStart ? raw.trimStart() : raw;
  if (trimEnd) text = text.trimEnd();
  if (text !== "") tokens.push({ kind: "text", text, at, isGlued: false });
}

function lexAction(source: string, open: number, start: number, tokens: Token[]) {
  const comment = /^\s*\/\*[\s\S]*?\*\/\s*(-)?\}\}/.exec(source.slice(start));
  if (comment) return { end: start + comment[0].length, trimsAfter: comment[1] === "-" };
  tokens.push({ kind: "open", text: "{{", at: open, isGlued: false });
  let at = start;
  let isGlued = false;
  for (;;) {
    const rest = source.slice(at);
    const close = /^(?:\s-)?\}\}/.exec(rest);
    if (close) {
      tokens.push({ kind: "close", text: "}}", at, isGlued });
      return { end: at + close[0].length, trimsAfter: close[0].length > 2 };
    }
    if (rest === "") throw new TemplateError(source, at, "unclosed action");
    const space = /^\s+/.exec(rest)?.[0].length ?? 0;
    // ` -}}` needs its space: leave one for the pattern above.
    if (space > 0) {
      const isTrim = rest.startsWith("-}}", space);
      at += isTrim ? space - 1 : space;
      isGlued = false;
      if (isTrim && space === 1) continue;
      if (!isTrim) continue;
    } else {
      const token = lexToken(source, at, isGlued);
      tokens.push(token.token);
      at += token.length;
      isGlued = true;
    }
  }
}

const patterns: readonly (readonly [TokenKind, RegExp])[] = [
  ["string", /"(?:[^"\\\n]|\\[^\n])*"|`[^`]*`/y],
  ["number", /'(?:[^'\\\n]|\\.)+'/y],
  [
    "number",
    /[+-]?(?:0[xX][0-9a-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:[0-9][0-9_]*\.?[0-9_]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)/y,
  ],
  ["field", /\.[\p{L}_][\p{L}\p{N}_]*/uy],
  ["variable", /\$[\p{L}\p{N}_]*/uy],
  ["word", /[\p{L}_][\p{L}\p{N}_]*/uy],
  ["dot", /\./y],
  [":=", /:=/y],
  ["=", /=/y],
  ["(", /\(/y],
  [")", /\)/y],
  ["|", /\|/y],
  [",", /,/y],
];

function lexToken(source: string, at: number, isGlued: boolean): { token: Token; length: number } {
  for (const [kind, pattern] of patterns) {
    pattern.lastIndex = at;
    const text = pattern.exec(source)?.[0];
    if (text === undefined) continue;
    return { token: { kind, text: meaning(kind, text), at, isGlued }, length: text.length };
  }
  const char = source[at] ?? "";
  if (char === '"') throw new TemplateError(source, at, "unterminated quoted string");
  if (char === "`") throw new TemplateError(source, at, "unterminated raw quoted string");
  if (char === "'") throw new TemplateError(source, at, "unterminated character constant");
  if (char === "}") throw new TemplateError(source, at, 'unexpected "}" in operand');
  const code = (source.codePointAt(at) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  throw new TemplateError(source, at, `unrecognized character in action: U+${code} '${char}'`);
}

function meaning(kind: TokenKind, text: string): string {
  if (kind === "field" || kind === "variable") return text.slice(1);
  if (kind === "string") return text.startsWith("`") ? text.slice(1, -1) : unquoteGo(text.slice(1, -1));
  if (kind !== "number") return text;
  if (text.startsWith("'")) return String(unquoteGo(text.slice(1, -1)).codePointAt(0) ?? 0);
  return text.replaceAll("_", "");
}

const escapes: Readonly<Record<string, string>> = {
  a: "\u0007",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/** The inside of a Go string literal, its escapes resolved. */
export function unquoteGo(text: string): string {
  return text.replace(
    /\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3})|(.))/g,
    (...groups) => {
      const [, hex, short, long, octal, char] = groups
        .slice(0, 6)
        .map((group) => (group === undefined ? undefined : String(group)));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      const code = hex ?? short ?? long;
      return code === undefined
        ? (escapes[char ?? ""] ?? char ?? "")
        : String.fromCodePoint(Number.parseInt(code, 16));
    },
  );
}
