/**
 * `RUN --mount=type=cache,target=/x,…`: what it says, once variables are known. Pure.
 * https://docs.docker.com/reference/dockerfile/#run---mount
 */

import { parseCsvFields } from "../../config/csv-fields.ts";
import { parseBytes } from "../../config/option-value.ts";
import { messageOf } from "../../errors.ts";
import { DockerfileProblem } from "./dockerfile-error.ts";
import { suggestion } from "./suggestion.ts";
import type { Location } from "./syntax.ts";

const mountTypes = ["bind", "cache", "tmpfs", "secret", "ssh"] as const;
const sharingModes = ["shared", "private", "locked"] as const;

export type RunMountType = (typeof mountTypes)[number];

export interface RunMount {
  readonly type: RunMountType;
  /** A stage, named context or image; undefined: the build context, or nothing for a cache. */
  readonly from: string | undefined;
  /** Inside of `from`. */
  readonly source: string | undefined;
  readonly target: string | undefined;
  readonly readOnly: boolean;
  /** Bytes, of a tmpfs. */
  readonly size: number | undefined;
  readonly id: string | undefined;
  readonly sharing: (typeof sharingModes)[number];
  /** A secret or agent that is not there is an error. */
  readonly required: boolean;
  /** Of a secret: the variable's name; empty: the secret's id. */
  readonly env: string | undefined;
  readonly mode: number | undefined;
  readonly uid: number | undefined;
  readonly gid: number | undefined;
}

const keys = [
  "type",
  "from",
  "source",
  "target",
  "readonly",
  "id",
  "sharing",
  "required",
  "size",
  "mode",
  "uid",
  "gid",
  "src",
  "dst",
  "destination",
  "ro",
  "rw",
  "readwrite",
  "env",
] as const;

/** What can be said before variables are known: the form, and that `from` has none. */
export function checkRunMount(text: string, location: Location): void {
  for (const { key, value } of fieldsOf(text, location)) {
    if (key === "from" && value !== undefined && /\$./.test(value)) {
      throw new DockerfileProblem(
        "'from' doesn't support variable expansion, define alias stage instead",
        location,
        { word: value },
      );
    }
  }
  if (!text.includes("$")) parseRunMount(text, location, (word) => word);
}

/** The stage, context or image that a mount is from: the one field that is known before variables are. */
export function mountSourceOf(text: string, location: Location): string | undefined {
  return fieldsOf(text, location).findLast(({ key }) => key === "from")?.value || undefined;
}

/** `expand` puts values in. Throws DockerfileProblem in docker's phrases. */
export function parseRunMount(text: string, location: Location, expand: (word: string) => string): RunMount {
  const values = new Map<string, string>();
  let readOnly: boolean | undefined;
  const fields = fieldsOf(text, location);
  const given = fields.find(({ key }) => key === "type")?.value;
  const type = typeOf(given === undefined ? "bind" : expand(given), location);
  const meant = fields.filter(({ key, value }) => !isRelabel(key, value, type));
  for (const { key, value, text: field } of meant) {
    const problem = (message: string) => new DockerfileProblem(message, location, { word: field });
    if (!keys.some((known) => known === key)) throw problem(unknownKey(key, field));
    if (value === undefined) {
      if (!bareKeys.has(key)) throw problem(`invalid field '${field}' must be a key=value pair`);
    }
    const word = value === undefined ? "true" : expand(value);
    if (key === "ro" || key === "readonly") readOnly = booleanOf(key, word, problem);
    else if (key === "rw" || key === "readwrite") readOnly = !booleanOf(key, word, problem);
    else values.set(aliases.get(key) ?? key, word);
    if (!isFor(key, type)) throw problem(`unexpected key '${key}' for mount type '${type}'`);
  }
  const mount = buildMount(type, values, readOnly, location);
  checkMount(mount, values, location);
  return mount;
}

/** podman's `z` and `Z` ask for SELinux labels: nothing is labelled here, as with `run -v`. */
function isRelabel(key: string, value: string | undefined, type: RunMountType): boolean {
  return (key === "z" || key === "Z") && value === undefined && (type === "bind" || type === "cache");
}

const bareKeys: ReadonlySet<string> = new Set(["ro", "readonly", "rw", "readwrite", "required"]);
const aliases: ReadonlyMap<string, string> = new Map([
  ["src", "source"],
  ["dst", "target"],
  ["destination", "target"],
]);

function isFor(key: string, type: RunMountType): boolean {
  if (key === "required") return type === "secret" || type === "ssh";
  return key !== "size" || type === "tmpfs";
}

function fieldsOf(text: string, location: Location) {
  try {
    return parseCsvFields(text);
  } catch (error) {
    throw new DockerfileProblem(`failed to parse csv mounts: ${messageOf(error)}`, location, {
      word: "--mount",
    });
  }
}

function typeOf(value: string, location: Location): RunMountType {
  const type = mountTypes.find((known) => known === value.toLowerCase());
  if (type !== undefined) return type;
  throw new DockerfileProblem(
    `unsupported mount type ${JSON.stringify(value)}${suggestion(value, mountTypes)}`,
    location,
    { word: value, hint: `it is one of ${mountTypes.join(", ")}` },
  );
}

function unknownKey(key: string, field: string): string {
  return `unexpected key '${key}' in '${field}'${suggestion(key, keys)}`;
}

function booleanOf(key: string, word: string, problem: (message: string) => DockerfileProblem): boolean {
  if (/^(?:1|t|true)$/i.test(word)) return true;
  if (/^(?:0|f|false)$/i.test(word)) return false;
  throw problem(`invalid value for ${key}: ${word}`);
}

function buildMount(
  type: RunMountType,
  values: ReadonlyMap<string, string>,
  readOnly: boolean | undefined,
  location: Location,
): RunMount {
  const problem = (key: string) => (message: string) =>
    new DockerfileProblem(message, location, { word: values.get(key) });
  const number = (key: "mode" | "uid" | "gid", form: RegExp, base: number) => {
    const word = values.get(key);
    if (word === undefined) return undefined;
    if (form.test(word)) return Number.parseInt(word, base);
    throw problem(key)(`invalid value ${word} for ${key}`);
  };
  const required = values.get("required");
  return {
    type,
    from: values.get("from") || undefined,
    source: values.get("source") || undefined,
    target: values.get("target") || undefined,
    readOnly: readOnly ?? (type !== "cache" && type !== "tmpfs"),
    size: sizeOf(values.get("size"), location),
    id: values.get("id") || undefined,
    sharing: sharingOf(values.get("sharing"), type, location),
    required: required !== undefined && booleanOf("required", required, problem("required")),
    env: values.get("env"),
    mode: number("mode", /^[0-7]{1,10}$/, 8),
    uid: number("uid", /^\d{1,10}$/, 10),
    gid: number("gid", /^\d{1,10}$/, 10),
  };
}

function sizeOf(word: string | undefined, location: Location): number | undefined {
  if (word === undefined) return undefined;
  try {
    return parseBytes(word);
  } catch {
    throw new DockerfileProblem(`invalid value for size: ${word}`, location, { word });
  }
}

function sharingOf(word: string | undefined, type: RunMountType, location: Location): RunMount["sharing"] {
  if (word === undefined) return "shared";
  const mode = sharingModes.find((known) => known === word.toLowerCase());
  if (mode === undefined) {
    throw new DockerfileProblem(
      `unsupported sharing value ${JSON.stringify(word)}${suggestion(word, sharingModes)}`,
      location,
      { word, hint: `it is one of ${sharingModes.join(", ")}` },
    );
  }
  if (type === "cache") return mode;
  const message =
    type === "secret"
      ? "secret mount should not define sharing"
      : `invalid cache sharing set for ${type} mount`;
  throw new DockerfileProblem(message, location, { word });
}

function checkMount(mount: RunMount, values: ReadonlyMap<string, string>, location: Location): void {
  const refuse = (message: string): never => {
    throw new DockerfileProblem(message, location, { word: "--mount" });
  };
  const { type } = mount;
  if (type === "bind" || type === "tmpfs") {
    for (const key of ["mode", "uid", "gid"]) {
      if (values.has(key)) refuse(`${key} not allowed for "${type}" type mounts`);
    }
  }
  if (type === "secret") {
    if (mount.from !== undefined) refuse("secret mount should not have a from");
    if (mount.source === undefined && mount.target === undefined && mount.id === undefined) {
      refuse("invalid secret mount. one of source, target required");
    }
    if (mount.source !== undefined && mount.id !== undefined) refuse("both source and id can't be set");
  }
}
