/**
 * A Dockerfile's text to logical lines: directives, comments, continuation lines, heredocs. Pure.
 *
 * Follows docker's parser in what it lets through: comments between continuation lines vanish, empty ones too (with
 * a warning), and a byte order mark or carriage returns do no harm.
 */
import { DockerfileProblem } from "./dockerfile-error.ts";
import { findHeredocs, leadingTabs } from "./heredoc.ts";
import type { EscapeToken, Heredoc, Location, Warning } from "./syntax.ts";
import { splitCommand } from "./words.ts";

export interface LogicalLine extends Location {
  readonly text: string;
  readonly heredocs: readonly Heredoc[];
}

export interface Directives {
  readonly escapeToken: EscapeToken;
  readonly syntax: string | undefined;
  readonly check: string | undefined;
}

export interface LogicalLines extends Directives {
  readonly lines: readonly LogicalLine[];
  readonly warnings: readonly Warning[];
}

const directive = /^#\s*([a-zA-Z][a-zA-Z0-9]*)\s*=\s*(.+?)\s*$/;
const knownDirectives = ["syntax", "escape", "check"] as const;
type DirectiveName = (typeof knownDirectives)[number];

/** Far more than any line of a Dockerfile, and short enough to be read at once. */
const maxLineLength = 1 << 20;

/** Throws DockerfileProblem. */
export function splitLogicalLines(text: string): LogicalLines {
  const physical = text.replace(/^\ufeff/, "").split("\n");
  if (physical.at(-1) === "") physical.pop();
  const directives = readDirectives(physical);
  const reader = new LineReader(physical, directives.escapeToken);
  const lines: LogicalLine[] = [];
  for (let line = reader.next(); line !== undefined; line = reader.next()) lines.push(line);
  return { ...directives, lines, warnings: reader.warnings };
}

/** They stand before everything else, one a line; the first line that is none of them ends them. */
function readDirectives(physical: readonly string[]): Directives {
  const found = new Map<DirectiveName, string>();
  for (const [index, line] of physical.entries()) {
    const [, key = "", value = ""] = directive.exec(line.trim()) ?? [];
    const name = knownDirectives.find((known) => known === key.toLowerCase());
    if (name === undefined) break;
    const location = { line: index + 1, endLine: index + 1 };
    if (found.has(name)) {
      throw new DockerfileProblem(`only one ${name} parser directive can be used`, location);
    }
    if (name === "escape" && value !== "\\" && value !== "`") {
      throw new DockerfileProblem(`invalid escape token '${value}' does not match \` or \\`, location, {
        word: value,
      });
    }
    found.set(name, value);
  }
  const escapeToken = found.get("escape") === "`" ? "`" : "\\";
  return { escapeToken, syntax: found.get("syntax"), check: found.get("check") };
}

class LineReader {
  readonly warnings: Warning[] = [];
  readonly #physical: readonly string[];
  readonly #escapeToken: EscapeToken;
  readonly #continuation: RegExp;
  #at = 0;

  constructor(physical: readonly string[], escapeToken: EscapeToken) {
    this.#physical = physical;
    this.#escapeToken = escapeToken;
    const token = escapeToken === "\\" ? "\\\\" : "`";
    // The last character but blanks, unless it is escaped itself.
    this.#continuation = new RegExp(`(^|[^${token}])${token}[ \\t]*$`);
  }

  next(): LogicalLine | undefined {
    for (;;) {
      const line = this.#takePlain();
      if (line === undefined) return undefined;
      const start = this.#at;
      const text = line.trimStart();
      if (text === "" || text.startsWith("#")) continue;
      const whole = this.#join(text, start);
      if (whole.trim() === "") continue;
      const heredocs = this.#readHeredocs(whole, start);
      return { text: whole.trim(), line: start, endLine: this.#at, heredocs };
    }
  }

  #takePlain(): string | undefined {
    return this.#take()?.replace(/\r+$/, "");
  }

  /** With its carriage return: a document keeps them. */
  #take(): string | undefined {
    const line = this.#physical[this.#at];
    if (line === undefined) return undefined;
    this.#at += 1;
    if (line.length > maxLineLength) {
      throw new DockerfileProblem(
        `dockerfile line greater than max allowed size of ${maxLineLength}`,
        this.#here(this.#at),
      );
    }
    return line;
  }

  #here(line: number): Location {
    return { line, endLine: this.#at };
  }

  #join(first: string, start: number): string {
    let whole = "";
    let hasEmpty = false;
    for (let line: string | undefined = first; line !== undefined; ) {
      const cut = line.replace(this.#continuation, "$1");
      whole += cut;
      if (cut.length === line.length) break;
      line = this.#takePlain();
      while (line !== undefined && (line.trim() === "" || line.trimStart().startsWith("#"))) {
        hasEmpty ||= line.trim() === "";
        line = this.#takePlain();
      }
    }
    if (hasEmpty) {
      const message = `Empty continuation line found in: ${whole.trim()}`;
      this.warnings.push({ rule: "NoEmptyContinuation", message, ...this.#here(start) });
    }
    return whole;
  }

  #readHeredocs(line: string, start: number): readonly Heredoc[] {
    if (!line.includes("<<") || !mayHaveHeredoc(line, this.#escapeToken)) return [];
    return findHeredocs(line).map((heredoc) => {
      const content: string[] = [];
      for (;;) {
        const next = this.#take();
        if (next === undefined) {
          throw new DockerfileProblem("unterminated heredoc", this.#here(start), {
            word: heredoc.name,
            hint: `end it with a line that is ${heredoc.name} and nothing else`,
          });
        }
        const end = next.replace(/\r+$/, "");
        if ((heredoc.chomp ? end.replace(leadingTabs, "") : end) === heredoc.name) break;
        content.push(`${next}\n`);
      }
      return { ...heredoc, content: content.join("") };
    });
  }
}

/** ADD, COPY and RUN, also as a trigger of ONBUILD; their JSON form has none. */
function mayHaveHeredoc(line: string, escapeToken: EscapeToken): boolean {
  const { keyword, rest } = splitCommand(line, escapeToken);
  const name = keyword.toLowerCase();
  if (name === "onbuild") return rest !== "" && mayHaveHeredoc(rest, escapeToken);
  return (name === "add" || name === "copy" || name === "run") && !isJsonList(rest);
}

function isJsonList(text: string): boolean {
  if (!text.startsWith("[")) return false;
  try {
    return Array.isArray(JSON.parse(text));
  } catch {
    return false;
  }
}
