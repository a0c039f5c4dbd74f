/**
 * What one command line option is: its names, how its value reads, and its line in the help.
 *
 * Data only. The run/create options (run-option.ts) extend it with their TOML key and their place in
 * ContainerConfig; every other command lists plain OptionSpecs. Parsing is in src/cli/parse-argv.ts and follows
 * pflag, docker's flag library.
 */

/**
 * How a value reads. Only `boolean` can stand without a value; `list` and `map` may be repeated; the rest keep
 * the last. `int`, `decimal` and `bytes` are checked as they are parsed.
 */
export type OptionKind =
  | "boolean"
  | "string"
  | "int"
  | "decimal"
  | "bytes"
  /** Repeatable. */
  | "list"
  /** Repeatable `key=value`. */
  | "map";

export interface OptionSpec {
  /** The long name, without dashes; also the key in TOML. */
  readonly name: string;
  /** One letter. */
  readonly short?: string;
  /** Other long names, never shown. */
  readonly aliases?: readonly string[];
  readonly kind: OptionKind;
  /** One sentence without a full stop, docker's words; empty for a hidden option. */
  readonly help: string;
  /** The word after the name in the help; absent: the kind's. */
  readonly placeholder?: string;
  /** Shown as `(default X)`. */
  readonly defaultText?: string;
  readonly hidden?: boolean;
  /** Throws Error(reason) where the value cannot be; runs while argv is parsed, like pflag's Set. */
  readonly check?: (value: string) => void;
}

/** What the options of one source said: a boolean, the last word, or all words in order. */
export type RawValue = boolean | string | readonly string[];

/** Option name to what was said; absent when nothing was. */
export type RawOptions = ReadonlyMap<string, RawValue>;
