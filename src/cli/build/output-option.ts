/**
 * `--output`, `--load`, `--push`: where the result of a build goes.
 * https://docs.docker.com/reference/cli/docker/buildx/build/#output
 */

import { statSync } from "node:fs";
import { dirname } from "node:path";
import { parseCsvFields } from "../../config/csv-fields.ts";
import { parseGoBoolean } from "../../config/option-value.ts";
import type { BuildOutput } from "../../engine/run-build.ts";
import { BockerError, messageOf } from "../../errors.ts";
import { canonicalName, parseReference, withDefaultTag } from "../../image/reference.ts";
import type { Output } from "../command-spec.ts";

const types = ["local", "tar", "oci", "docker", "image", "registry", "cacheonly"] as const;
type OutputType = (typeof types)[number];

/** Keys that each type knows. */
const keysOf: Readonly<Record<OutputType, readonly string[]>> = {
  local: ["dest"],
  tar: ["dest"],
  oci: ["dest", "tar", "name"],
  docker: ["dest", "tar", "name", "load"],
  image: ["name", "push"],
  registry: ["name"],
  cacheonly: [],
};

export interface OutputPlan {
  readonly outputs: readonly BuildOutput[];
  /** Canonical names that outputs bring, beside those of -t. */
  readonly names: readonly string[];
}

/** Nothing said is the image store. `out` is where `-` goes. Throws kind `usage`. */
export function planOutputs(words: readonly string[], out: Output, isPushed: boolean): OutputPlan {
  const read = words.map((word) => readOutput(word, out));
  const outputs = read.map(({ output }) => output);
  const onOut = outputs.filter((output) => "place" in output && "fd" in output.place);
  if (onOut.length > 1) throw refuse("only one output can be written to standard output");
  if (isPushed && outputs.some(({ kind }) => kind !== "image")) {
    throw refuse("push and load may not be set together at the moment: --push is for images");
  }
  return {
    outputs:
      outputs.length === 0
        ? [{ kind: "image", push: isPushed }]
        : outputs.map((each) => pushed(each, isPushed)),
    names: read.flatMap(({ output, names }) => (output.kind === "image" ? names : [])),
  };
}

function pushed(output: BuildOutput, isPushed: boolean): BuildOutput {
  return output.kind === "image" && isPushed ? { ...output, push: true } : output;
}

interface ReadOutput {
  readonly output: BuildOutput;
  readonly names: readonly string[];
}

/** A bare path is a directory; a bare `-` a tar on standard output. */
function readOutput(word: string, out: Output): ReadOutput {
  if (!/(?:^|,)"?type=/.test(word)) {
    if (word === "-") return { output: { kind: "tar", place: toStandardOutput(out) }, names: [] };
    if (!word.includes("=")) return { output: { kind: "local", directory: word }, names: [] };
    throw refuse(`type is required for output ${JSON.stringify(word)}`, `it is one of ${types.join(", ")}`);
  }
  const { type, values } = readFields(word);
  const names = namesOf(values.get("name"));
  return { output: outputOf(type, values, names, out), names };
}

function readFields(word: string): {
  readonly type: OutputType;
  readonly values: ReadonlyMap<string, string>;
} {
  const values = new Map<string, string>();
  for (const { key, value, text } of fieldsOf(word)) {
    if (value === undefined) throw refuse(`invalid value ${text}`, "fields of --output are key=value");
    values.set(key, value);
  }
  const type = types.find((known) => known === values.get("type"));
  if (type === undefined) {
    throw refuse(
      `exporter ${JSON.stringify(values.get("type") ?? "")} could not be found`,
      `it is one of ${types.join(", ")}`,
    );
  }
  values.delete("type");
  for (const key of values.keys()) {
    if (!keysOf[type].includes(key)) {
      throw refuse(
        `output of type ${type} does not take ${JSON.stringify(key)}`,
        keysOf[type].length === 0 ? undefined : `it takes ${keysOf[type].join(", ")}`,
      );
    }
  }
  return { type, values };
}

function fieldsOf(word: string) {
  try {
    return parseCsvFields(word);
  } catch (error) {
    throw refuse(`invalid output ${JSON.stringify(word)}: ${messageOf(error)}`);
  }
}

function outputOf(
  type: OutputType,
  values: ReadonlyMap<string, string>,
  names: readonly string[],
  out: Output,
): BuildOutput {
  const dest = values.get("dest");
  switch (type) {
    case "cacheonly":
      return { kind: "cacheonly" };
    case "image":
      return { kind: "image", push: flagOf(values, "push") ?? false };
    case "registry":
      return { kind: "image", push: true };
    case "local":
      if (dest === undefined || dest === "") throw refuse("dest is required for local output");
      return { kind: "local", directory: dest };
    case "tar":
      return { kind: "tar", place: placeOf(dest, out) };
    default:
      return archiveOf(type, values, names, out);
  }
}

/** docker without a destination is the image store. */
function archiveOf(
  type: "oci" | "docker",
  values: ReadonlyMap<string, string>,
  names: readonly string[],
  out: Output,
): BuildOutput {
  const dest = values.get("dest");
  if (type === "docker" && dest === undefined) return { kind: "image", push: false };
  if (flagOf(values, "tar") ?? true)
    return { kind: "archive", format: type, place: placeOf(dest, out), names };
  if (dest === undefined || dest === "" || dest === "-")
    throw refuse(`dest is required for ${type} output with tar=false`);
  return { kind: "archive", format: type, place: { directory: dest }, names };
}

function placeOf(dest: string | undefined, out: Output) {
  if (dest === undefined || dest === "" || dest === "-") return toStandardOutput(out);
  if (statSync(dest, { throwIfNoEntry: false })?.isDirectory()) {
    throw refuse(`destination file ${dest} is a directory`);
  }
  if (statSync(dirname(dest), { throwIfNoEntry: false }) === undefined) {
    throw refuse(`invalid destination: directory ${JSON.stringify(dirname(dest))} does not exist`);
  }
  return { file: dest };
}

function toStandardOutput(out: Output) {
  if (!out.isTerminal) return { fd: 1 };
  throw refuse(
    "dest file is required for this output, which would go to a terminal",
    "give dest=FILE or redirect",
  );
}

function flagOf(values: ReadonlyMap<string, string>, key: string): boolean | undefined {
  const text = values.get(key);
  if (text === undefined) return undefined;
  try {
    return parseGoBoolean(text);
  } catch {
    throw refuse(`non-bool value specified for ${key}: ${text}`);
  }
}

function namesOf(text: string | undefined): readonly string[] {
  return (text ?? "")
    .split(",")
    .filter((name) => name !== "")
    .map((name) => canonicalName(withDefaultTag(parseReference(name))));
}

function refuse(message: string, hint?: string): BockerError {
  return new BockerError(message, { kind: "usage", ...(hint === undefined ? {} : { hint }) });
}
