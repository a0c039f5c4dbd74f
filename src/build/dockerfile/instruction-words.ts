/** A logical line taken apart, for the parser of its keyword. Pure. */
import { parseFlags } from "./instruction-flags.ts";
import type { LogicalLine } from "./logical-line.ts";
import type { EscapeToken, Location } from "./syntax.ts";
import { splitCommand } from "./words.ts";

export interface Words {
  readonly line: LogicalLine;
  /** In upper case. */
  readonly keyword: string;
  readonly flags: readonly string[];
  readonly rest: string;
  readonly escapeToken: EscapeToken;
}

export function takeApart(line: LogicalLine, escapeToken: EscapeToken): Words {
  const { keyword, flags, rest } = splitCommand(line.text, escapeToken);
  return { line, keyword: keyword.toUpperCase(), flags, rest, escapeToken };
}

/** Where an instruction stands and what it says. */
export interface InstructionSource extends Location {
  readonly source: string;
}

/** Where it stands and what it says; every instruction begins with it. */
export function sourceOf({ line }: Words): InstructionSource {
  return { line: line.line, endLine: line.endLine, source: line.text };
}

/** The same, for an instruction that has no flags. */
export function plainly(words: Words): InstructionSource {
  parseFlags(words.flags, {}, words.line);
  return sourceOf(words);
}

/** Parted at blanks, quotes meaning nothing: as docker does for ports and paths. */
export function blanksOf(text: string): readonly string[] {
  return text === "" ? [] : text.split(/\s+/);
}
