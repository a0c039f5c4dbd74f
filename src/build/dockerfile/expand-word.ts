/**
 * Shell words as Dockerfiles have them: quotes, escapes, `$x`, `${x:-y}` and the other substitutions. Pure.
 *
 * Follows docker's lexer: single quotes keep all, double quotes let variables and a few escapes through, and an
 * escaped dollar is a dollar. What a pattern matches: shell-pattern.ts.
 * https://docs.docker.com/reference/dockerfile/#environment-replacement
 */
import { messageOf } from "../../errors.ts";
import { removePrefix, removeSuffix, replacePattern } from "./shell-pattern.ts";
import type { EscapeToken } from "./syntax.ts";

/** The value of a variable; undefined: it is not set. */
export type Lookup = (name: string) => string | undefined;

export interface ExpandOptions {
  readonly escapeToken?: EscapeToken;
  /** A variable that is not set stays as it is written, in place of becoming nothing. */
  readonly keepUnset?: boolean;
  readonly rawQuotes?: boolean;
  readonly rawEscapes?: boolean;
  /** Quotes mean nothing: documents. */
  readonly ignoreQuotes?: boolean;
}

export interface Expanded {
  readonly text: string;
  /** The text parted at blanks that were not quoted; values of variables are parted too. */
  readonly words: readonly string[];
  /** Variables that were asked for and are not set. */
  readonly unset: ReadonlySet<string>;
}

/** Throws Error(reason) in docker's words. */
export function expandWord(source: string, lookup: Lookup, options: ExpandOptions = {}): Expanded {
  const expansion = new Expansion(source, lookup, options);
  try {
    const { text, words } = expansion.readUntil(undefined, options.rawEscapes === true);
    return { text, words, unset: expansion.unset };
  } catch (error) {
    if (error instanceof SubstitutionError) {
      throw new Error(`failed to process ${JSON.stringify(source)}: ${error.message}`);
    }
    throw error;
  }
}

class SubstitutionError extends Error {}

/** Letters, digits and underscores; a number; or one of the shell's special parameters. */
const name = /^(?:\p{Nd}+|[@*#?\-$!]|[\p{L}_][\p{L}\p{Nd}_]*)/u;

class Expansion {
  readonly unset: Set<string> = new Set();
  readonly #source: string;
  readonly #lookup: Lookup;
  readonly #options: ExpandOptions;
  readonly #escapeToken: EscapeToken;
  #at = 0;

  constructor(source: string, lookup: Lookup, options: ExpandOptions) {
    this.#source = source;
    this.#lookup = lookup;
    this.#options = options;
    this.#escapeToken = options.escapeToken ?? "\\";
  }

  readUntil(stop: string | undefined, rawEscapes: boolean): { text: string; words: readonly string[] } {
    const collected = new Words();
    for (let char = this.#peek(); char !== undefined; char = this.#peek()) {
      if (char === stop) {
        this.#at += 1;
        return collected.finish();
      }
      this.#readPiece(char, rawEscapes, collected);
    }
    if (stop === undefined) return collected.finish();
    throw new SubstitutionError(`unexpected end of statement while looking for matching ${stop}`);
  }

  #readPiece(char: string, rawEscapes: boolean, collected: Words): void {
    const isQuote = (char === "'" || char === '"') && this.#options.ignoreQuotes !== true;
    if (char === "$") collected.addValue(this.#readVariable());
    else if (char === "<") collected.addQuoted(this.#readAngle());
    else if (isQuote)
      collected.addQuoted(char === "'" ? this.#readSingleQuoted() : this.#readDoubleQuoted(rawEscapes));
    else if (char === this.#escapeToken) {
      this.#at += 1;
      if (rawEscapes) collected.addQuoted(char);
      collected.addQuoted(this.#take());
    } else collected.addPlain(this.#take());
  }

  #peek(): string | undefined {
    return this.#source[this.#at];
  }

  /** The next character; nothing at the end. */
  #take(): string {
    const char = this.#source[this.#at] ?? "";
    this.#at += 1;
    return char;
  }

  /** `<<` and the blanks after it stay together with the word that names a document. */
  #readAngle(): string {
    const [angle = "<"] = /^<(?:<[\t\r ]*)?/.exec(this.#source.slice(this.#at)) ?? [];
    this.#at += angle.length;
    return angle;
  }

  #readSingleQuoted(): string {
    const end = this.#source.indexOf("'", this.#at + 1);
    if (end < 0) {
      throw new SubstitutionError("unexpected end of statement while looking for matching single-quote");
    }
    const inside = this.#source.slice(this.#at + 1, end);
    this.#at = end + 1;
    return this.#options.rawQuotes === true ? `'${inside}'` : inside;
  }

  #readDoubleQuoted(rawEscapes: boolean): string {
    const quote = this.#options.rawQuotes === true ? '"' : "";
    let inside = "";
    this.#at += 1;
    for (;;) {
      const char = this.#peek();
      if (char === undefined) {
        throw new SubstitutionError("unexpected end of statement while looking for matching double-quote");
      }
      if (char === "$") {
        inside += this.#readVariable();
        continue;
      }
      this.#at += 1;
      if (char === '"') return `${quote}${inside}${quote}`;
      if (char !== this.#escapeToken) {
        inside += char;
        continue;
      }
      if (rawEscapes) inside += char;
      const next = this.#peek();
      if (next === '"' || next === "$" || next === this.#escapeToken) inside += this.#take();
      else if (next !== undefined) inside += char;
    }
  }

  #readVariable(): string {
    this.#at += 1;
    if (this.#peek() !== "{") {
      const variable = this.#readName();
      return variable === "" ? "$" : (this.#valueOf(variable) ?? this.#unsetText(`$${variable}`));
    }
    this.#at += 1;
    const first = this.#peek();
    if (first === undefined) throw new SubstitutionError("syntax error: missing '}'");
    if (first === "{" || first === "}" || first === ":") {
      throw new SubstitutionError("syntax error: bad substitution");
    }
    return this.#substitute(this.#readName());
  }

  #readName(): string {
    const [found = ""] = name.exec(this.#source.slice(this.#at)) ?? [];
    this.#at += found.length;
    return found;
  }

  #valueOf(variable: string): string | undefined {
    const value = this.#lookup(variable);
    if (value === undefined) this.unset.add(variable);
    return value;
  }

  #unsetText(written: string): string {
    return this.#options.keepUnset === true ? written : "";
  }

  #substitute(variable: string): string {
    const operator = this.#readOperator();
    if (operator === "}") return this.#valueOf(variable) ?? this.#unsetText(`\${${variable}}`);
    if (operator === "/") return this.#replace(variable);
    const sign = operator.at(-1) ?? "";
    const word = this.#readPart("}", "syntax error: missing '}'", sign === "#" || sign === "%");
    const value = this.#valueOf(variable);
    if (value === undefined && this.#options.keepUnset === true) return `\${${variable}${operator}${word}}`;
    const known = operator.startsWith(":") && value === "" ? undefined : value;
    if (sign === "-") return known ?? word;
    if (sign === "+") return known === undefined ? "" : word;
    if (sign === "?") return known ?? this.#refuse(variable, word, value);
    return trim(sign, value ?? "", word);
  }

  /** `}`, `/`, one of `+-?#%`, or `:` and one of `+-?`. */
  #readOperator(): string {
    const operator = this.#take();
    if (operator === "") throw new SubstitutionError("syntax error: missing '}'");
    const whole = operator === ":" ? operator + this.#take() : operator;
    if (["}", "/", "+", "-", "?", "#", "%", ":+", ":-", ":?"].includes(whole)) return whole;
    throw new SubstitutionError(`unsupported modifier (${whole}) in substitution`);
  }

  #refuse(variable: string, word: string, value: string | undefined): never {
    const reason = word || `is not allowed to be ${value === undefined ? "unset" : "empty"}`;
    throw new SubstitutionError(`${variable}: ${reason}`);
  }

  #replace(variable: string): string {
    const isAll = this.#peek() === "/";
    if (isAll) this.#at += 1;
    const pattern = this.#readPart("/", `syntax error: missing '/' in \${}`, true);
    const replacement = this.#readPart("}", "syntax error: missing '}'", true);
    const value = this.#valueOf(variable);
    if (value === undefined && this.#options.keepUnset === true) {
      return `\${${variable}/${pattern}/${replacement}}`;
    }
    return withPattern(pattern, () => replacePattern(value ?? "", pattern, replacement, isAll));
  }

  #readPart(stop: string, missing: string, rawEscapes: boolean): string {
    try {
      return this.readUntil(stop, rawEscapes).text;
    } catch (error) {
      if (error instanceof SubstitutionError && this.#peek() === undefined)
        throw new SubstitutionError(missing);
      throw error;
    }
  }
}

/** `#` and `%` take the shortest match away, doubled the longest. */
function trim(operator: string, value: string, word: string): string {
  const isGreedy = word.startsWith(operator);
  const pattern = isGreedy ? word.slice(1) : word;
  const remove = operator === "#" ? removePrefix : removeSuffix;
  return withPattern(pattern, () => remove(value, pattern, isGreedy));
}

function withPattern(pattern: string, match: () => string): string {
  try {
    return match();
  } catch (error) {
    throw new SubstitutionError(`invalid pattern (${pattern}) in substitution: ${messageOf(error)}`);
  }
}

class Words {
  #text = "";
  #word = "";
  #words: string[] = [];

  addPlain(char: string): void {
    this.#text += char;
    if (/\s/.test(char)) this.#end();
    else this.#word += char;
  }

  addQuoted(text: string): void {
    this.#text += text;
    this.#word += text;
  }

  addValue(value: string): void {
    for (const char of value) this.addPlain(char);
  }

  finish(): { text: string; words: readonly string[] } {
    this.#end();
    return { text: this.#text, words: this.#words };
  }

  #end(): void {
    if (this.#word !== "") this.#words.push(this.#word);
    this.#word = "";
  }
}
