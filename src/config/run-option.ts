/**
 * One option of run and create, in all its shapes: flag, TOML key, and place in ContainerConfig.
 *
 * The tables in option/ are lists of these and the only place where an option is described: argv (src/cli), TOML
 * (container-toml.ts), the environment (environment.ts) and rendering back (render-container-toml.ts) all read
 * them, so none can know an option that the others do not.
 */
import type { ClientOptions } from "./client-options.ts";
import type { ContainerConfig, ResourceConfig } from "./container-config.ts";
import type { OptionSpec, RawValue } from "./option-spec.ts";
import { parseBytes, parseGoInt, renderBytes } from "./option-value.ts";

/** What an option may ask of the host while it is read; all synchronous. */
export interface OptionHost {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Relative paths on the command line and in TOML files start here. */
  readonly cwd: string;
  /** Throws Node's error, with a code such as ENOENT. */
  readFile(path: string): Uint8Array;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** A ContainerConfig and ClientOptions while options are being applied to them. */
export interface RunDraft {
  readonly config: Omit<Mutable<ContainerConfig>, "resources" | "log"> & {
    resources: Mutable<ResourceConfig>;
    log: Mutable<ContainerConfig["log"]>;
  };
  readonly client: Mutable<ClientOptions>;
  /** Log options of one source, checked together with the driver once all are known. */
  logOptions: readonly string[];
}

/** A value as TOML writes it. */
export type TomlValue = boolean | number | string | readonly string[] | Readonly<Record<string, string>>;

/**
 * `words`: a list too, where the flag takes one string. `map`: a table too, where the flag takes a list of K=V.
 * `size`: a number too. `none`: there is no key for it.
 */
export type TomlForm = "words" | "map" | "size" | "none";

export interface RunOption extends OptionSpec {
  /** `client`: about this invocation; not kept with the container, so never rendered. */
  readonly scope: "container" | "client";
  /** How TOML differs from the flag; absent: as `kind` says. */
  readonly toml?: TomlForm;
  /** Its words name files whose lines are words of another option, read before that one's own. */
  readonly expand?: {
    readonly into: string;
    /** Throws Error(reason). */
    read(paths: readonly string[], host: OptionHost): readonly string[];
  };
  /**
   * Puts the value in its place. Throws Error(reason), in docker's words, for what only the whole value can tell;
   * `check` has seen each word before.
   */
  apply(draft: RunDraft, raw: RawValue, host: OptionHost): void;
  /** The inverse: what TOML says for this config; undefined: nothing. */
  render(config: ContainerConfig): TomlValue | undefined;
}

type Named = Omit<RunOption, "kind" | "scope" | "apply" | "render"> & { readonly scope?: RunOption["scope"] };
type Get<T> = (config: ContainerConfig) => T | undefined;
type Set<T> = (draft: RunDraft, value: T, host: OptionHost) => void;

/** Members of the config that any text fits. */
type WordKey = {
  [Key in keyof ContainerConfig]-?: string extends ContainerConfig[Key] ? Key : never;
}[keyof ContainerConfig];

const nothing = () => undefined;

/** How an option is put and found whose value is a member of the config, as it is. */
export function member<Key extends Exclude<keyof ContainerConfig, "resources" | "log">>(
  key: Key,
): readonly [
  set: Set<NonNullable<ContainerConfig[Key]>>,
  get: (config: ContainerConfig) => ContainerConfig[Key],
] {
  return [
    ({ config }, value) => {
      config[key] = value;
    },
    (config) => config[key],
  ];
}

/** The same of a word: none at all leaves it unset, as docker does. `check` throws Error(reason), or gives what is kept. */
export function wordMember<Key extends WordKey>(
  key: Key,
  check = (word: string): string => word,
): readonly [set: Set<string>, get: Get<string>] {
  return [
    (draft, word) => {
      if (word !== "") draft.config[key] = check(word);
    },
    (config) => config[key],
  ];
}

/** An option without a value: `get` true is written, false is the default. */
export function booleanOption(named: Named, set: Set<boolean>, get: Get<boolean> = nothing): RunOption {
  return {
    scope: "container",
    ...named,
    kind: "boolean",
    apply: (draft, raw, host) => set(draft, raw === true, host),
    render: (config) => (get(config) === true ? true : undefined),
  };
}

/** An option of one word, the last given. */
export function stringOption(named: Named, set: Set<string>, get: Get<string> = nothing): RunOption {
  return {
    scope: "container",
    ...named,
    kind: "string",
    apply: (draft, raw, host) => set(draft, oneWord(raw), host),
    render: get,
  };
}

/** An option of one whole number. */
export function intOption(named: Named, set: Set<number>, get: Get<number>): RunOption {
  return {
    scope: "container",
    ...named,
    kind: "int",
    apply: (draft, raw, host) => set(draft, parseGoInt(oneWord(raw)), host),
    render: get,
  };
}

/** An option of one size, in bytes once read. */
export function bytesOption(named: Named, set: Set<number>, get: Get<number>): RunOption {
  return {
    scope: "container",
    ...named,
    kind: "bytes",
    apply: (draft, raw, host) => set(draft, parseBytes(oneWord(raw)), host),
    render: (config) => {
      const bytes = get(config);
      return bytes === undefined ? undefined : renderBytes(bytes);
    },
  };
}

/** A repeatable option; `set` gets all words of the highest source that named it. */
export function listOption(
  named: Named,
  set: Set<readonly string[]>,
  get: Get<readonly string[]> = nothing,
): RunOption {
  return {
    scope: "container",
    ...named,
    kind: "list",
    apply: (draft, raw, host) => set(draft, manyWords(raw), host),
    render: (config) => {
      const words = get(config) ?? [];
      return words.length === 0 ? undefined : words;
    },
  };
}

/** Repeated `key=value`; a key without `=` has the empty value, and a later one wins. */
export function mapOption(
  named: Named,
  set: Set<Readonly<Record<string, string>>>,
  get: Get<Readonly<Record<string, string>>>,
): RunOption {
  return {
    scope: "container",
    ...named,
    kind: "map",
    apply: (draft, raw, host) => set(draft, recordOf(manyWords(raw)), host),
    render: (config) => {
      const record = get(config) ?? {};
      return Object.keys(record).length === 0 ? undefined : record;
    },
  };
}

/** The single word of a value that is not a list. */
export function oneWord(raw: RawValue): string {
  return typeof raw === "string" ? raw : typeof raw === "boolean" ? String(raw) : (raw.at(-1) ?? "");
}

export function manyWords(raw: RawValue): readonly string[] {
  return typeof raw === "string" ? [raw] : typeof raw === "boolean" ? [] : raw;
}

function recordOf(words: readonly string[]): Record<string, string> {
  const entries = words.map((word): [string, string] => {
    const equals = word.indexOf("=");
    return equals < 0 ? [word, ""] : [word.slice(0, equals), word.slice(equals + 1)];
  });
  return Object.fromEntries(entries);
}
