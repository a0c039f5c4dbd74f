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
import { indexToml, type TomlPath, type TomlPositions } from "./toml-position.ts";
import { offsetOf, type TomlProblem, tomlError } from "./toml-problem.ts";

/** The keys that may stand where an unknown one did, for the nearest name. */
export type KnownKeys = (path: TomlPath) => readonly string[];

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
  const result = v.safeParse(schema, values);
  if (result.success) return result.output;
  const positions = indexToml(text);
  const problems = result.issues.flatMap((issue) => problemsOf(issue, positions, knownKeys));
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

function problemsOf(
  issue: v.BaseIssue<unknown>,
  positions: TomlPositions,
  knownKeys: KnownKeys,
): TomlProblem[] {
  const path = (issue.path ?? []).map(({ key }) => (typeof key === "number" ? key : String(key)));
  const isUnknownKey = issue.type === "strict_object" && issue.expected === "never";
  if (!isUnknownKey) return [{ offset: positions.value(path) ?? 0, message: issue.message }];
  const name = String(path.at(-1));
  const hint = hintNearest(name, knownKeys(path.slice(0, -1)));
  const message = `unknown key ${JSON.stringify(name)}`;
  return [{ offset: positions.key(path) ?? 0, message, ...(hint === undefined ? {} : { hint }) }];
}
