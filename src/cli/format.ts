/**
 * `--format`: Go templates over plain JSON values, `table` templates and `json`, as docker's formatter does them.
 *
 * Loaded only when --format was given. The template language is in template/. Pure.
 */
import { renderColumns } from "./table.ts";
import { evaluateTemplate } from "./template/evaluate.ts";
import { templateFunctions } from "./template/functions.ts";
import { unquoteGo } from "./template/lex.ts";
import { parseTemplate } from "./template/parse.ts";
import type { Body } from "./template/syntax.ts";
import { TemplateError } from "./template/template-error.ts";
import type { TemplateValue } from "./template/value.ts";

export interface FormatOptions {
  /** Missing keys are errors rather than `<no value>`: inspect. */
  readonly isStrict?: boolean;
  /** A value as docker's types have it: tried first, and the JSON only where that fails. Undefined: there is no type. */
  readonly viewOf?: (value: unknown) => TemplateValue;
  /** docker's name of a row's type; an unknown field of a row is an error that names it: ps, images. */
  readonly typeName?: string;
  /** Column titles of a `table` template: `{ ID: "CONTAINER ID" }`; unknown names are upper-cased. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What `table` alone shows. */
  readonly defaultTable?: string;
}

export interface Format {
  /** All rows, each ended with a newline; with a header line and columns for a `table` template. */
  renderRows(rows: readonly unknown[]): string;
  /** One value, no newline added. */
  render(value: unknown): string;
}

/** Parses once. Throws TemplateError with docker's phrase `template parsing error: template: :1: …`. */
export function parseFormat(given: string, options: FormatOptions = {}): Format {
  if (given === "json") return new JsonFormat();
  const table = /^table(?:\s+(.*))?$/s.exec(given);
  const template = table ? (table[1] ?? options.defaultTable ?? "") : given;
  const source = options.isStrict ? template : unescapeShell(template);
  const body = parseTemplate(source, new Set(templateFunctions().keys()));
  return new TemplateFormat(source, body, options, table !== null);
}

/** Where rows are shown, docker turns a literal backslash-t and backslash-n of the shell's words into a tab and a newline. */
function unescapeShell(template: string): string {
  return template.replaceAll("\\t", "\t").replaceAll("\\n", "\n");
}

/** docker's `.Label "name"` of a row; empty for a label that is not there. In JSON there is no sign of it. */
export function labelMethod(labels: Readonly<Record<string, string>>): (name: string) => string {
  return (name) => (Object.hasOwn(labels, name) ? (labels[name] ?? "") : "");
}

class JsonFormat implements Format {
  render(value: unknown): string {
    return JSON.stringify(value);
  }

  renderRows(rows: readonly unknown[]): string {
    return rows.map((row) => `${this.render(row)}\n`).join("");
  }
}

class TemplateFormat implements Format {
  constructor(
    private readonly source: string,
    private readonly body: Body,
    private readonly options: FormatOptions,
    private readonly isTable: boolean,
  ) {}

  render(value: unknown): string {
    const view = this.options.viewOf?.(value);
    if (view !== undefined) {
      try {
        return evaluateTemplate(this.source, this.body, view);
      } catch (error) {
        if (!(error instanceof TemplateError)) throw error;
      }
    }
    return evaluateTemplate(this.source, this.body, value, this.options);
  }

  renderRows(rows: readonly unknown[]): string {
    const lines = rows.map((row) => this.render(row));
    if (!this.isTable) return lines.map((line) => `${line}\n`).join("");
    return renderColumns([this.renderHeader(), ...lines].map((line) => line.split("\t")));
  }

  /** The template with each field as its title; functions that only change a value's look leave titles alone. */
  private renderHeader(): string {
    return this.source.replaceAll(/\{\{-?[\s\S]*?\}\}/g, (action) => this.titleOf(action));
  }

  private titleOf(action: string): string {
    const field = /\.([\p{L}_][\p{L}\p{N}_.]*)/u.exec(action.replace(/"(?:[^"\\]|\\.)*"/g, ""))?.[1];
    if (field === undefined) return "";
    const label = /\.Label "((?:[^"\\]|\\.)*)"/.exec(action)?.[1];
    if (label !== undefined) return titleOfLabel(unquoteGo(label));
    const headers = this.options.headers ?? {};
    return Object.hasOwn(headers, field) ? (headers[field] ?? "") : field.toUpperCase();
  }
}

/** docker's: the last part of `com.example.some-name`, as words, in its own letters. */
function titleOfLabel(label: string): string {
  return label.slice(label.lastIndexOf(".") + 1).replace(/[-_]/g, " ");
}
