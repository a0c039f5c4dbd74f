/**
 * What is wrong with a Dockerfile, as people want to read it: docker's phrase, file, line and column, the line with
 * a caret, and the fix. Pure.
 */
import { BockerError } from "../../errors.ts";
import type { Location } from "./syntax.ts";

/** A line is shown this far to either side of what is wrong in it. */
const shownColumns = 80;

export interface ProblemOptions {
  /** What the caret points at, where it can be found in the instruction; else it is the instruction's first word. */
  readonly word?: string | undefined;
  /** The fix, on one line. */
  readonly hint?: string | undefined;
}

/** Thrown by everything that reads instructions; whoever knows the file makes it a BockerError with renderProblem. */
export class DockerfileProblem extends Error {
  readonly location: Location;
  readonly options: ProblemOptions;

  constructor(message: string, location: Location, options: ProblemOptions = {}) {
    super(message);
    this.name = "DockerfileProblem";
    this.location = location;
    this.options = options;
  }
}

/** The error that users see: `dockerfile parse error on line 3: unknown instruction: FRMO`, and where. */
export function syntaxError(path: string, text: string, problem: DockerfileProblem): BockerError {
  const where = renderExcerpt(path, text, problem.location, problem.options);
  return new BockerError(
    `dockerfile parse error on line ${problem.location.line}: ${problem.message}\n${where}`,
    {
      kind: "invalid-config",
      ...(problem.options.hint === undefined ? {} : { hint: problem.options.hint }),
      details: { path, ...placeOf(text, problem.location, problem.options.word) },
    },
  );
}

/** `Dockerfile:3:1`, the line, and a caret under the place. */
export function renderExcerpt(
  path: string,
  text: string,
  location: Location,
  options: ProblemOptions = {},
): string {
  const { line, column } = placeOf(text, location, options.word);
  const source = linesOf(text)[line - 1] ?? "";
  const start = Math.max(0, column - 1 - shownColumns);
  const gutter = String(line).padStart(4);
  const indent = source.slice(start, column - 1).replace(/[^\t]/gu, " ");
  return [
    `${path}:${line}:${column}`,
    `${gutter} | ${printable(source.slice(start, column - 1 + shownColumns))}`,
    `${" ".repeat(gutter.length)} | ${indent}^`,
  ].join("\n");
}

/** Both from 1; the first place of the word in the instruction, or of the instruction. */
export function placeOf(
  text: string,
  { line, endLine }: Location,
  word?: string,
): { line: number; column: number } {
  const lines = linesOf(text);
  if (word !== undefined && word !== "") {
    for (let at = line; at <= endLine; at++) {
      const found = (lines[at - 1] ?? "").indexOf(word);
      if (found >= 0) return { line: at, column: found + 1 };
    }
  }
  return { line, column: (lines[line - 1] ?? "").search(/\S|$/) + 1 };
}

function linesOf(text: string): readonly string[] {
  return text.split(/\r?\n/);
}

/** Other people's files must not drive the terminal. */
function printable(line: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is replaced
  return line.replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, "\ufffd");
}
