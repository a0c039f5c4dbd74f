/**
 * `--cache-from` and `--cache-to`: where steps of other machines' builds come from, and where this one's go.
 * https://docs.docker.com/build/cache/backends/
 */
import { type CsvField, parseCsvFields } from "../../config/csv-fields.ts";
import type { CacheExport, CachePlace } from "../../engine/run-build.ts";
import { BockerError, messageOf } from "../../errors.ts";
import { parseReference, withDefaultTag } from "../../image/reference.ts";

const typesHint = "caches are of type local and registry";
/** What an image here is anyway. */
const alwaysTrue: ReadonlySet<string> = new Set(["oci-mediatypes", "image-manifest"]);

/** Throws kinds `usage` and `unsupported`. */
export function parseCacheFrom(word: string): CachePlace {
  const values = fieldsOf(word, "--cache-from", ["src", "ref"]);
  return placeOf(values, "src", word);
}

/** `mode=max`: every step of the build; `min`, as unasked, those whose layers the result has. */
export function parseCacheTo(word: string): CacheExport {
  const values = fieldsOf(word, "--cache-to", ["dest", "ref", "mode", ...alwaysTrue]);
  const mode = values.get("mode") ?? "min";
  if (mode !== "min" && mode !== "max") {
    throw refuse(`invalid cache mode ${JSON.stringify(mode)}`, "it is min or max");
  }
  for (const key of alwaysTrue) {
    if ((values.get(key) ?? "true") !== "true") throw refuse(`${key} of --cache-to can only be true`);
  }
  return { place: placeOf(values, "dest", word), isWhole: mode === "max" };
}

function placeOf(values: ReadonlyMap<string, string>, directoryKey: string, word: string): CachePlace {
  const type = values.get("type");
  if (type === "local") {
    const directory = values.get(directoryKey) ?? "";
    if (directory === "")
      throw refuse(`${directoryKey} is required for the local cache ${JSON.stringify(word)}`);
    return { kind: "local", directory };
  }
  if (type !== "registry") {
    throw new BockerError(`a build cache of type ${JSON.stringify(type ?? "")} is not supported`, {
      kind: "unsupported",
      hint: typesHint,
    });
  }
  const name = values.get("ref") ?? "";
  if (name === "") throw refuse(`ref is required for the registry cache ${JSON.stringify(word)}`);
  return { kind: "registry", reference: withDefaultTag(parseReference(name)) };
}

/** A word that is no list of fields is a name. */
function fieldsOf(word: string, option: string, keys: readonly string[]): ReadonlyMap<string, string> {
  if (!word.includes("=")) {
    return new Map([
      ["type", "registry"],
      ["ref", word],
    ]);
  }
  const values = new Map<string, string>();
  for (const { key, value, text } of read(word)) {
    if (value === undefined) throw refuse(`invalid value ${text}`, `fields of ${option} are key=value`);
    if (key !== "type" && !keys.includes(key)) {
      throw refuse(`${option} does not take ${JSON.stringify(key)}`, `it takes type, ${keys.join(", ")}`);
    }
    values.set(key, value);
  }
  return values;
}

function read(word: string): readonly CsvField[] {
  try {
    return parseCsvFields(word);
  } catch (error) {
    throw refuse(`invalid cache ${JSON.stringify(word)}: ${messageOf(error)}`);
  }
}

function refuse(message: string, hint?: string): BockerError {
  return new BockerError(message, { kind: "usage", ...(hint === undefined ? {} : { hint }) });
}
