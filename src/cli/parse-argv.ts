/**
 * Splits a command's argv into options and arguments the way pflag does, docker's flag library: clusters (`-it`),
 * glued values (`-p8080:80`), `--flag=value`, `--bool=false`, repeated lists, `--`.
 *
 * Pure. Messages are pflag's, word by word; the nearest name is added as a hint. Values that mean something only to
 * one command are checked later, by it.
 */
import { hintNearest } from "../config/nearest.ts";
import type { OptionSpec, RawOptions, RawValue } from "../config/option-spec.ts";
import { checkKind, parseGoBoolean, parseGoInt } from "../config/option-value.ts";
import { messageOf } from "../errors.ts";
import { UsageError } from "./usage-error.ts";

export interface ParseRules {
  readonly options: readonly OptionSpec[];
  readonly rewrites?: Readonly<Record<string, readonly string[]>>;
  /** The first argument ends the options (run, exec) … */
  readonly stopAtArgument?: boolean;
  /** … unless this option was given before it: with `--image X`, options may follow. */
  readonly continueAfter?: string;
}

/** What was said on a command line. Asking for an option by the wrong kind is a bug and throws. */
export class ParsedArguments {
  constructor(
    readonly raw: RawOptions,
    readonly positionals: readonly string[],
    /** How many of the positionals stood before `--`; all of them when there was none. */
    readonly beforeDashes: number = positionals.length,
  ) {}

  has(name: string): boolean {
    return this.raw.has(name);
  }

  boolean(name: string): boolean {
    const value = this.raw.get(name);
    if (value !== undefined && typeof value !== "boolean") throw new TypeError(`--${name} is no boolean`);
    return value ?? false;
  }

  string(name: string): string | undefined {
    const value = this.raw.get(name);
    if (value !== undefined && typeof value !== "string") throw new TypeError(`--${name} is no string`);
    return value;
  }

  /** The number of an `int` option. */
  int(name: string): number | undefined {
    const value = this.string(name);
    return value === undefined ? undefined : parseGoInt(value);
  }

  list(name: string): readonly string[] {
    const value = this.raw.get(name) ?? [];
    if (typeof value === "boolean" || typeof value === "string") throw new TypeError(`--${name} is no list`);
    return value;
  }
}

/** @throws UsageError */
export function parseArgv(argv: readonly string[], rules: ParseRules): ParsedArguments {
  const reader = new ArgvReader(argv, rules);
  reader.readAll();
  return new ParsedArguments(reader.raw, reader.positionals, reader.beforeDashes);
}

const dashesHint = "with --image, options may follow arguments: put -- before the command";

class ArgvReader {
  readonly raw = new Map<string, RawValue>();
  readonly positionals: string[] = [];
  beforeDashes: number | undefined;
  private readonly pending: string[];

  constructor(
    argv: readonly string[],
    private readonly rules: ParseRules,
  ) {
    this.pending = argv.slice().reverse();
  }

  readAll(): void {
    for (let word = this.pending.pop(); word !== undefined; word = this.pending.pop()) {
      const rewritten = this.rewrite(word);
      if (rewritten) {
        this.pending.push(...rewritten.slice().reverse());
      } else if (word === "--") {
        this.beforeDashes = this.positionals.length;
        this.takeRest();
      } else if (word.startsWith("--")) {
        this.readLong(word);
      } else if (word.startsWith("-") && word !== "-") {
        this.readCluster(word);
      } else {
        this.positionals.push(word);
        if (this.stopsHere()) this.takeRest();
      }
    }
  }

  private rewrite(word: string): readonly string[] | undefined {
    const rewrites = this.rules.rewrites;
    if (!rewrites || !word.startsWith("-")) return undefined;
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    if (!Object.hasOwn(rewrites, name)) return undefined;
    const replacement = rewrites[name] ?? [];
    if (equals < 0) return replacement;
    return replacement.length === 1 ? [`${replacement[0]}${word.slice(equals)}`] : undefined;
  }

  private stopsHere(): boolean {
    if (!this.rules.stopAtArgument) return false;
    return this.rules.continueAfter === undefined || !this.raw.has(this.rules.continueAfter);
  }

  /** The words may be meant for the container. */
  private isPastArgument(): boolean {
    return this.rules.stopAtArgument === true && this.positionals.length > 0;
  }

  private takeRest(): void {
    this.positionals.push(...this.pending.reverse());
    this.pending.length = 0;
  }

  private readLong(word: string): void {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word.slice(2) : word.slice(2, equals);
    if (name === "" || name.startsWith("-")) throw new UsageError(`bad flag syntax: ${word}`, "flag");
    const option = this.rules.options.find((each) => each.name === name || each.aliases?.includes(name));
    if (!option) throw new UsageError(`unknown flag: --${name}`, "flag", this.hintFor(name));
    if (equals >= 0) this.set(option, word.slice(equals + 1));
    else if (option.kind === "boolean") this.set(option, "true");
    else this.set(option, this.next(`flag needs an argument: --${name}`));
  }

  private readCluster(word: string): void {
    let letters = word.slice(1);
    while (letters !== "") {
      const letter = String.fromCodePoint(letters.codePointAt(0) ?? 0);
      const rest = letters.slice(letter.length);
      const option = this.rules.options.find((each) => each.short === letter);
      if (!option) {
        const hint = word.length > 2 && letters === word.slice(1) ? this.hintFor(letters) : undefined;
        throw new UsageError(`unknown shorthand flag: '${letter}' in -${letters}`, "flag", hint);
      }
      const isGlued = rest.length > 1 && rest.startsWith("=");
      if (option.kind === "boolean" && !isGlued) {
        this.set(option, "true");
        letters = rest;
      } else {
        const problem = `flag needs an argument: '${letter}' in -${letters}`;
        this.set(option, isGlued ? rest.slice(1) : rest === "" ? this.next(problem) : rest);
        letters = "";
      }
    }
  }

  private next(problem: string): string {
    const value = this.pending.pop();
    if (value === undefined) throw new UsageError(problem, "flag");
    return value;
  }

  private set(option: OptionSpec, text: string): void {
    try {
      checkKind(option.kind, text);
      option.check?.(text);
    } catch (thrown) {
      const hint = this.isPastArgument() ? dashesHint : undefined;
      const names = option.short ? `-${option.short}, --${option.name}` : `--${option.name}`;
      throw new UsageError(
        `invalid argument ${quoteGo(text)} for "${names}" flag: ${messageOf(thrown)}`,
        "flag",
        hint,
      );
    }
    this.raw.set(option.name, this.merged(option, text));
  }

  private merged(option: OptionSpec, text: string): RawValue {
    if (option.kind === "boolean") return parseGoBoolean(text);
    if (option.kind !== "list" && option.kind !== "map") return text;
    const earlier = this.raw.get(option.name);
    return Array.isArray(earlier) ? [...earlier, text] : [text];
  }

  private hintFor(name: string): string | undefined {
    if (this.isPastArgument()) return dashesHint;
    const names = this.rules.options.filter((each) => !each.hidden).map((each) => each.name);
    return hintNearest(name, names, "--");
  }
}

/** Go's %q, as far as a command line can need it. */
export function quoteGo(text: string): string {
  return JSON.stringify(text);
}
