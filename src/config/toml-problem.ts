/**
 * What is wrong with a TOML file, as people want to read it: file, line and column, the line with a caret, and what
 * would have been right; several at once. Pure.
 */
import { BockerError, type ErrorOptions } from "../errors.ts";

export interface TomlProblem {
  /** Offset into the text. */
  readonly offset: number;
  /** What is wrong, without a full stop. */
  readonly message: string;
  /** What would be right: the nearest key, the expected form. */
  readonly hint?: string;
}

/** Shown in full; the rest are counted. */
export const shownProblems = 10;

/** A line is shown this far to either side of what is wrong in it. */
const shownColumns = 80;

/** One error for all problems of one file, in the order of its lines. */
export function tomlError(
  path: string,
  text: string,
  problems: readonly TomlProblem[],
  options: ErrorOptions = {},
): BockerError {
  const sorted = problems.toSorted((a, b) => a.offset - b.offset);
  const blocks = sorted.slice(0, shownProblems).map((problem) => renderProblem(path, text, problem));
  if (sorted.length > shownProblems) blocks.push(`and ${sorted.length - shownProblems} more`);
  const count = sorted.length === 1 ? "" : `: ${sorted.length} problems`;
  return new BockerError(`cannot use ${JSON.stringify(path)}${count}\n${blocks.join("\n")}`, {
    kind: "invalid-config",
    ...options,
    details: {
      problems: sorted
        .slice(0, shownProblems)
        .map(({ offset, message }) => ({ ...lineAndColumn(text, offset), message })),
    },
  });
}

function renderProblem(path: string, text: string, { offset, message, hint }: TomlProblem): string {
  const { line, column } = lineAndColumn(text, offset);
  const start = Math.max(offset - column + 1, offset - shownColumns);
  const source = text.slice(start, offset + shownColumns).split(/\r?\n/)[0] ?? "";
  const gutter = String(line).padStart(4);
  // Tabs before the caret stay tabs, so that it stands under its column at any tab width.
  const indent = source.slice(0, offset - start).replace(/[^\t]/gu, " ");
  const lines = [
    `${path}:${line}:${column}: ${message}`,
    `${gutter} | ${source}`,
    `${" ".repeat(gutter.length)} | ${indent}^`,
  ];
  if (hint !== undefined) lines.push(`${" ".repeat(gutter.length)} = ${hint}`);
  return lines.join("\n");
}

/** Both from 1; columns count UTF-16 units, as editors do. */
export function lineAndColumn(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset);
  return { line: before.split("\n").length, column: offset - (before.lastIndexOf("\n") + 1) + 1 };
}

/** The offset of a line and column, both from 1. */
export function offsetOf(text: string, line: number, column: number): number {
  const lines = text.split("\n");
  return lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
}
