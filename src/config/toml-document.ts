/**
 * One TOML file, read and held against a valibot schema: the values, or all that is wrong with them at once.
 *
 * Loaded only where there is a TOML file: smol-toml and valibot cost a millisecond of start-up together.
 */
import { parse as parseToml, TomlError } from "smol-toml";
import * as v from "valibot";
import { BockerError, type ErrorOptions } from "../errors.ts";
import { hintNearest } from "./nearest.ts";
import { describeFileError } from "./security-opt.ts";
import { indexToml, type TomlPath } from "./toml-position.ts";
import { offsetOf, shownProblems, type TomlProblem, tomlError } from "./toml-problem.ts";

/** The keys that the table at a path may have; undefined: any. */
export type KnownKeys = (path: TomlPath) => readonly string[] | undefined;

/** Reads and decodes; throws BockerError when there is no such file. */
export function readTomlFile(
  path: string,
  readFile: (path: string) => Uint8Array,
  options: ErrorOptions = {},
): string {
  let bytes: Uint8Array;
  try {
    bytes = readFile(path);
  } catch (thrown) {
    throw new BockerError(describeFileError(thrown, path), { kind: "not-found", ...options });
  }
  return decodeToml(bytes, path, options);
}

/** TOML is UTF-8; throws BockerError for other bytes. */
export function decodeToml(bytes: Uint8Array, path: string, options: ErrorOptions = {}): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new BockerError(`cannot read ${JSON.stringify(path)}: not UTF-8 text`, {
      kind: "invalid-config",
      ...options,
    });
  }
}

/** Parses and validates. Throws one BockerError that shows every problem with its place. */
export function parseTomlDocument<TSchema extends v.GenericSchema>(
  text: string,
  path: string,
  schema: TSchema,
  knownKeys: KnownKeys,
  options: ErrorOptions = {},
): v.InferOutput<TSchema> {
  const values = parseSyntax(text, path, options);
  const unknown = unknownKeys(values, [], knownKeys);
  const result = v.safeParse(schema, values);
  if (result.success && unknown.length === 0) return result.output;
  const positions = indexToml(text);
  const problems = unknown.map(({ path: at, word, known }, index): TomlProblem => {
    // Looking for a near name takes its time; not for those that nobody will see.
    const hint = index < shownProblems ? hintNearest(word, known) : undefined;
    const message = `unknown key ${JSON.stringify(word)}`;
    return { offset: positions.key(at) ?? 0, message, ...(hint === undefined ? {} : { hint }) };
  });
  for (const issue of result.issues ?? []) {
    const at = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
    problems.push({ offset: positions.value(at) ?? 0, message: issue.message });
  }
  throw tomlError(path, text, problems, options);
}

function parseSyntax(text: string, path: string, options: ErrorOptions): unknown {
  try {
    return parseToml(text);
  } catch (thrown) {
    if (!(thrown instanceof TomlError)) throw thrown;
    const reason = thrown.message.split("\n")[0] ?? "";
    const message = reason.replace(/^Invalid TOML document: /, "not TOML: ");
    throw tomlError(path, text, [{ offset: offsetOf(text, thrown.line, thrown.column), message }], options);
  }
}

interface UnknownKey {
  readonly path: TomlPath;
  readonly word: string;
  /** What may stand there. */
  readonly known: readonly string[];
}

/** All of them: valibot's strict objects stop at the first, and overlook `constructor`. */
function unknownKeys(value: unknown, path: TomlPath, knownKeys: KnownKeys): readonly UnknownKey[] {
  if (typeof value !== "object" || value === null || Array.isArray(value) || value instanceof Date) return [];
  const known = knownKeys(path);
  return Object.entries(value).flatMap(([word, inner]) => {
    const at = [...path, word];
    if (known === undefined || known.includes(word)) return unknownKeys(inner, at, knownKeys);
    return [{ path: at, word, known }];
  });
}
