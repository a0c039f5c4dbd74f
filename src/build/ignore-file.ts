/**
 * `.dockerignore`: which paths of a context do not belong to it. Pure; matches as docker does.
 *
 * The last pattern that matches a path, or a directory above it, decides; `!` takes a path back in. Paths are relative,
 * without `./`, names parted by `/`.
 * https://docs.docker.com/build/concepts/context/#dockerignore-files
 */
import { cleanPath } from "../config/mount-target.ts";
import { BockerError, messageOf } from "../errors.ts";
import { type Glob, matchGlob, mayMatchBelow, parseGlob } from "./glob.ts";

interface Rule {
  readonly glob: Glob;
  /** `!`: what it matches belongs to the context after all. */
  readonly isException: boolean;
  readonly line: number;
}

export class IgnoreRules {
  readonly #rules: readonly Rule[];

  constructor(rules: readonly Rule[] = []) {
    this.#rules = rules;
  }

  get isEmpty(): boolean {
    return this.#rules.length === 0;
  }

  isIgnored(path: string): boolean {
    return this.ruleFor(path)?.isException === false;
  }

  /** The pattern that decided, as it was written, and its line; for messages. */
  reasonFor(path: string): { readonly pattern: string; readonly line: number } | undefined {
    const rule = this.ruleFor(path);
    return rule === undefined || rule.isException
      ? undefined
      : { pattern: rule.glob.pattern, line: rule.line };
  }

  /** Whether an ignored directory need not be entered: no exception can match in it. */
  canSkip(directory: string): boolean {
    return !this.#rules.some(
      ({ glob, isException }) =>
        isException && (mayMatchBelow(glob, directory) || matchesAbove(glob, directory)),
    );
  }

  private ruleFor(path: string): Rule | undefined {
    return this.#rules.findLast(({ glob }) => matchesAbove(glob, path));
  }
}

/** The pattern matches the path, or a directory that holds it. */
function matchesAbove(glob: Glob, path: string): boolean {
  if (matchGlob(glob, path)) return true;
  for (let slash = path.lastIndexOf("/"); slash > 0; slash = path.lastIndexOf("/", slash - 1)) {
    if (matchGlob(glob, path.slice(0, slash))) return true;
  }
  return false;
}

/** `name` is for messages. Throws kind `invalid-config` with file and line. */
export function parseIgnoreFile(text: string, name: string): IgnoreRules {
  const lines = text.replace(/^\ufeff/, "").split(/\r?\n/);
  const rules = lines.flatMap((line, index) => {
    if (line.startsWith("#") || line.trim() === "") return [];
    try {
      return [parseRule(line.trim(), index + 1)];
    } catch (error) {
      throw new BockerError(`${name}:${index + 1}: ${JSON.stringify(line.trim())}: ${messageOf(error)}`, {
        kind: "invalid-config",
        cause: error,
      });
    }
  });
  return new IgnoreRules(rules.filter(({ glob }) => glob.pattern !== "."));
}

/** Patterns of `--exclude`, which have the same form. */
export function parseExcludes(patterns: readonly string[]): IgnoreRules {
  return new IgnoreRules(patterns.map((pattern) => parseRule(pattern.trim(), 0)));
}

function parseRule(text: string, line: number): Rule {
  const isException = text.startsWith("!");
  const pattern = cleanRelative((isException ? text.slice(1) : text).trim());
  if (isException && pattern === "") throw new Error('illegal exclusion pattern: "!"');
  return { glob: parseGlob(pattern), isException, line };
}

/** Without `./`, `//`, `a/..` and slashes at either end: what Go's filepath.Clean gives, from the context's root. */
export function cleanRelative(path: string): string {
  return path === "" ? "" : cleanPath(path).replace(/^\//, "") || ".";
}
