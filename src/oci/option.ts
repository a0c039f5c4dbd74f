/**
 * Reads the options of the OCI commands, in the spellings of both runc (Go's flags) and crun (GNU's).
 *
 *   --bundle DIR   --bundle=DIR   -bundle DIR   -b DIR   -bDIR   -td   --   (the rest are arguments)
 *
 * Pure, and small: the engine's own parser knows docker's rules and loads its option tables.
 */
import { BockerError } from "../errors.ts";

export interface OciOption {
  readonly name: string;
  readonly short?: string;
  /** A flag takes no value (but may: `--force=false`), a list may be repeated. */
  readonly kind: "flag" | "value" | "list";
  /** Shown in the help for the value: `DIR`. */
  readonly value?: string;
  readonly help: string;
}

/** What was said, by long name. */
export class OciOptions {
  readonly #values: ReadonlyMap<string, readonly string[]>;

  constructor(values: ReadonlyMap<string, readonly string[]>) {
    this.#values = values;
  }

  flag(name: string): boolean {
    return this.#values.get(name)?.at(-1) === "true";
  }

  /** The last one given; an empty word counts. */
  value(name: string): string | undefined {
    return this.#values.get(name)?.at(-1);
  }

  list(name: string): readonly string[] {
    return this.#values.get(name) ?? [];
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** An integer, negative ones too; undefined: not given. */
  integer(name: string): number | undefined {
    const text = this.value(name);
    if (text === undefined) return undefined;
    const number = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (Number.isSafeInteger(number)) return number;
    throw usage(`invalid value ${JSON.stringify(text)} for option --${name}: not an integer`);
  }

  /** A descriptor count or the like. */
  count(name: string): number {
    const number = this.integer(name) ?? 0;
    if (number < 0) throw usage(`invalid value "${number}" for option --${name}: it is negative`);
    return number;
  }
}

export interface ParsedOptions {
  readonly options: OciOptions;
  readonly arguments: readonly string[];
}

/** A mistake on the command line; exits with 1 as in runc. */
export function usage(message: string, hint?: string): BockerError {
  return new BockerError(message, { kind: "usage", ...(hint === undefined ? {} : { hint }) });
}

/**
 * Splits words by a table. `stopAt`: so many arguments end the options; what follows belongs to somebody else (the
 * command of exec, ps's own options, a sub-command).
 */
export function parseOciOptions(
  table: readonly OciOption[],
  words: readonly string[],
  stopAt = Number.POSITIVE_INFINITY,
): ParsedOptions {
  const values = new Map<string, string[]>();
  const positionals: string[] = [];
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") positionals.push(...queue.splice(0));
    else if (word.length < 2 || !word.startsWith("-")) {
      positionals.push(word);
      if (positionals.length >= stopAt) positionals.push(...queue.splice(0));
    } else takeOption(table, word, queue, values);
  }
  return { options: new OciOptions(values), arguments: positionals };
}

function takeOption(
  table: readonly OciOption[],
  word: string,
  queue: string[],
  values: Map<string, string[]>,
): void {
  const bare = word.replace(/^--?/, "");
  const equals = bare.indexOf("=");
  const name = equals === -1 ? bare : bare.slice(0, equals);
  const option = findOption(table, name);
  if (option === undefined) {
    if (word.startsWith("--")) throw usage(`flag provided but not defined: -${name}`);
    takeCluster(table, bare, queue, values);
    return;
  }
  const given = equals === -1 ? undefined : bare.slice(equals + 1);
  add(values, option, given ?? takeValue(option, queue));
}

function findOption(table: readonly OciOption[], name: string): OciOption | undefined {
  return table.find((option) => option.name === name || option.short === name);
}

/** `-td`, `-bDIR`, `-tp FILE`. */
function takeCluster(
  table: readonly OciOption[],
  letters: string,
  queue: string[],
  values: Map<string, string[]>,
): void {
  for (let at = 0; at < letters.length; at++) {
    const option = findOption(table, letters.charAt(at));
    if (option === undefined || option.short === undefined) {
      throw usage(`flag provided but not defined: -${letters}`);
    }
    const rest = letters.slice(at + 1);
    if (option.kind === "flag") add(values, option, "true");
    else {
      add(values, option, rest === "" ? takeValue(option, queue) : rest);
      return;
    }
  }
}

function takeValue({ kind, name }: OciOption, queue: string[]): string {
  if (kind === "flag") return "true";
  const next = queue.shift();
  if (next === undefined) throw usage(`flag needs an argument: -${name}`);
  return next;
}

function add(values: Map<string, string[]>, { name, kind }: OciOption, value: string): void {
  if (kind === "flag" && !/^(true|false|1|0|t|f|T|F|TRUE|FALSE)$/.test(value)) {
    throw usage(`invalid boolean value ${JSON.stringify(value)} for -${name}`);
  }
  const word = kind === "flag" ? String(/^(true|1|t)$/i.test(value)) : value;
  values.set(name, [...(values.get(name) ?? []), word]);
}
