/**
 * The valibot schema of run's options, made from the option table: the same checks as for flags, in TOML's types.
 */
import * as v from "valibot";
import { messageOf } from "../errors.ts";
import { newRunDraft } from "./default-config.ts";
import type { RawOptions, RawValue } from "./option-spec.ts";
import { checkKind } from "./option-value.ts";
import { manyWords, type OptionHost, type RunOption } from "./run-option.ts";
import { tomlOptions } from "./run-options.ts";

/** A table of all options with a key (other keys are toml-document.ts's to refuse); each value comes out as the flag's words would. */
export function containerTableSchema(host: OptionHost) {
  const entries: Record<string, v.GenericSchema<unknown, RawValue | undefined>> = {};
  // Each is made when its key is met: making all hundred would cost every command 0.3 ms.
  for (const [name, option] of tomlOptions()) {
    entries[name] = v.optional(v.lazy(() => optionSchema(option, host)));
  }
  return v.object(entries, "must be a table of options");
}

/** The schema's output as a layer for resolveRunRequest. */
export function rawOptionsOf(table: Readonly<Record<string, RawValue | undefined>>): RawOptions {
  const options = new Map<string, RawValue>();
  for (const [name, raw] of Object.entries(table)) if (raw !== undefined) options.set(name, raw);
  return options;
}

function optionSchema(option: RunOption, host: OptionHost): v.GenericSchema<unknown, RawValue> {
  return v.pipe(
    shapeSchema(option),
    v.rawCheck(({ dataset, addIssue }) => {
      if (!dataset.typed) return;
      for (const { index, message } of problemsOf(option, dataset.value, host)) {
        addIssue({ message, ...(index === undefined ? {} : { path: [pathItem(dataset.value, index)] }) });
      }
    }),
  );
}

function pathItem(value: RawValue, index: number): v.ArrayPathItem {
  const array = [...manyWords(value)];
  return { type: "array", origin: "value", input: array, key: index, value: array[index] };
}

interface WordProblem {
  readonly index?: number;
  readonly message: string;
}

/** Each word alone, then all together. */
function problemsOf(option: RunOption, raw: RawValue, host: OptionHost): readonly WordProblem[] {
  if (typeof raw === "boolean") return [];
  const words = manyWords(raw);
  const isList = typeof raw !== "string";
  const problems = words.flatMap((word, index): WordProblem[] => {
    const message = problemWith(option, isList ? [word] : word, host);
    return message === undefined ? [] : [isList ? { index, message } : { message }];
  });
  if (problems.length > 0) return problems;
  const message = problemWith(option, raw, host);
  return message === undefined ? [] : [{ message }];
}

function problemWith(option: RunOption, raw: RawValue, host: OptionHost): string | undefined {
  try {
    for (const word of manyWords(raw)) {
      if (word.includes("\0")) return "must not contain a NUL byte";
      checkKind(option.kind, word);
      option.check?.(word);
    }
    if (option.expand) option.expand.read(manyWords(raw), host);
    else option.apply(newRunDraft(), raw, host);
    return undefined;
  } catch (thrown) {
    return messageOf(thrown);
  }
}

function shapeSchema(option: RunOption): v.GenericSchema<unknown, RawValue> {
  const { kind, toml } = option;
  if (kind === "boolean") return v.boolean("must be true or false");
  if (kind === "map" || toml === "map") return keyedSchema();
  if (kind === "list") return v.union([v.array(v.string()), v.string()], "must be a list of strings");
  if (toml === "words")
    return v.union([v.string(), v.array(v.string())], "must be a string or a list of strings");
  if (kind === "string" && toml !== "size") return v.string("must be a string");
  const expected = kind === "int" ? "must be a whole number" : 'must be a number or a string such as "1.5"';
  const size = 'must be a size: a number of bytes or a string such as "64m"';
  return v.pipe(
    v.union([v.number(), v.string()], kind === "bytes" || toml === "size" ? size : expected),
    v.transform(String),
  );
}

/** `{ A = "1" }` or `["A=1"]`; numbers and booleans in a table as they are written. */
function keyedSchema(): v.GenericSchema<unknown, RawValue> {
  const table = v.pipe(
    v.custom<Readonly<Record<string, string | number | boolean>>>(isKeyedTable),
    v.check((record) => Object.keys(record).every((key) => !key.includes("=")), "a key must not contain ="),
    v.transform((record) => Object.entries(record).map(([key, value]) => `${key}=${value}`)),
  );
  return v.union([v.array(v.string()), table], 'must be a table of KEY = "value", or a list of "KEY=value"');
}

/** Not v.record, which drops keys such as `constructor`. */
function isKeyedTable(value: unknown): boolean {
  const isTable =
    typeof value === "object" && value !== null && !Array.isArray(value) && !(value instanceof Date);
  return (
    isTable && Object.values(value).every((each) => ["string", "number", "boolean"].includes(typeof each))
  );
}
