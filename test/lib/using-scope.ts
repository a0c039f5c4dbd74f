/**
 * Promises that a function returns from under a `using` without waiting for them: what was to be held until the end
 * is let go of as soon as the promise exists.
 *
 * Read with patterns from formatted code, as in source-tree.ts: scopes by their indentation, promises by the names of
 * functions that are declared to give one. A name that is such a function in one file counts as one in all.
 */
import type { SourceFile } from "./source-tree.ts";

/** Names of functions and methods that are `async` or say that they return a Promise. */
export function namesOfPromises(tree: readonly Pick<SourceFile, "code">[]): ReadonlySet<string> {
  const declarations = [
    /\basync (?:function\*? )?(\w+)(?:<[^>(]*>)?\(/g,
    /\b(\w+)(?:<[^>(]*>)?\((?:[^(){};]|\([^(){};]*\)|\{[^{}]*\})*\): Promise</g,
    /\b(\w+) = async \(/g,
    /\b(\w+): \([^()]*\) => Promise</g,
  ];
  const names = tree.flatMap(({ code }) =>
    declarations.flatMap((pattern) => [...code.matchAll(pattern)].map(([, name = ""]) => name)),
  );
  return new Set(names);
}

/** Lines, counted from 1, that return a promise under a `using`. Comments of `code` are blanked. */
export function promisesLetGo(code: string, promises: ReadonlySet<string>): readonly number[] {
  const lines = code.split("\n");
  return lines.flatMap((line, at) =>
    /^\s*(?:await )?using \w+ =/.test(line) ? returnsInScope(lines, at, promises) : [],
  );
}

/** Looks at what comes after a declaration until its block ends, but not into functions that are made there. */
function returnsInScope(lines: readonly string[], declared: number, promises: ReadonlySet<string>): number[] {
  const found: number[] = [];
  const depth = indentOf(lines[declared] ?? "");
  for (let at = declared + 1; at < lines.length; at++) {
    const line = lines[at] ?? "";
    if (line.trim() !== "" && indentOf(line) < depth) break;
    const statement = statementAt(lines, at);
    if (/^\s*(?:\}? ?else )?(?:if \(.*\) )?return\b/.test(line) && givesPromise(statement, promises))
      found.push(at + 1);
    if (
      /(?:=>|\bfunction\b.*\)(?:: .*)?|^\s*(?:async )?\w+\(.*\)(?:: .*)?) \{$/.test(line) &&
      !isBranch(line)
    ) {
      at = endOfBlock(lines, at);
    }
  }
  return found;
}

function isBranch(line: string): boolean {
  return /^\s*(?:\} )?(?:if|for|while|switch|else|catch)\b/.test(line) && !line.includes("=>");
}

/** The lines from `at` to the end of what begins there. */
function statementAt(lines: readonly string[], at: number): string {
  const depth = indentOf(lines[at] ?? "");
  let end = at + 1;
  while (!/;\s*$/.test(lines[end - 1] ?? "") && end < lines.length && indentOf(lines[end] ?? "") >= depth)
    end++;
  return lines.slice(at, end).join("\n");
}

function endOfBlock(lines: readonly string[], at: number): number {
  const depth = indentOf(lines[at] ?? "");
  let end = at + 1;
  while (end < lines.length && (lines[end]?.trim() === "" || indentOf(lines[end] ?? "") > depth)) end++;
  return end;
}

/** What a function in the statement would call, it does not call now. */
function givesPromise(statement: string, promises: ReadonlySet<string>): boolean {
  const now = statement.replace(/=>.*$/gm, "");
  if (/\bawait\b/.test(now)) return false;
  const calls = [...now.matchAll(/\b(\w+)(?:<[^>(]*>)?\(/g)].map(([, name = ""]) => name);
  return calls.some((name) => promises.has(name)) || /\bnew Promise\b|\bPromise\.\w+\(/.test(now);
}

function indentOf(line: string): number {
  return line.length - line.trimStart().length;
}
