/**
 * Typed reading of untrusted JSON: each reader takes a value and the path it came from, and answers with a type or
 * an error that names the path. Hand-made rather than a schema library because the image config is read on the way
 * of every `run`. Absent and null are the same, as Go's decoder has them.
 */
import { BockerError } from "../errors.ts";

export type JsonObject = { readonly [key: string]: unknown };

/** Parses bytes as one JSON object; `what` is the object in the message. */
export function parseJsonObject(what: string, bytes: Uint8Array | string): JsonObject {
  let value: unknown;
  try {
    const text = typeof bytes === "string" ? bytes : new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    value = JSON.parse(text);
  } catch (error) {
    throw new BockerError(`${what}: not valid JSON`, { kind: "corrupt", cause: error });
  }
  return asObject(what, value);
}

export function asObject(path: string, value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrongType(path, "an object", value);
  }
  return value as JsonObject;
}

export function optionalObject(path: string, value: unknown): JsonObject | undefined {
  return value === undefined || value === null ? undefined : asObject(path, value);
}

export function asString(path: string, value: unknown): string {
  if (typeof value !== "string") throw wrongType(path, "a string", value);
  return value;
}

export function optionalString(path: string, value: unknown): string | undefined {
  return value === undefined || value === null ? undefined : asString(path, value);
}

export function optionalBoolean(path: string, value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== "boolean") throw wrongType(path, "true or false", value);
  return value;
}

/** A whole number from 0 to 2^53. */
export function asSize(path: string, value: unknown): number {
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) {
    throw wrongType(path, "a whole number, 0 or more", value);
  }
  return value;
}

export function optionalSize(path: string, value: unknown): number | undefined {
  return value === undefined || value === null ? undefined : asSize(path, value);
}

export function asArray(path: string, value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw wrongType(path, "a list", value);
  return value;
}

export function optionalStrings(path: string, value: unknown): readonly string[] | undefined {
  if (value === undefined || value === null) return undefined;
  return asArray(path, value).map((item, index) => asString(`${path}[${index}]`, item));
}

/** A map of strings, free of a prototype. */
export function optionalStringMap(
  path: string,
  value: unknown,
): Readonly<Record<string, string>> | undefined {
  const object = optionalObject(path, value);
  if (object === undefined) return undefined;
  // No prototype: a label called __proto__ is a label.
  const map: Record<string, string> = Object.create(null);
  for (const key of Object.keys(object)) map[key] = asString(`${path}.${key}`, object[key]);
  return map;
}

/** A Go `map[string]struct{}`, whose keys alone matter: ExposedPorts and Volumes. */
export type KeySet = Readonly<Record<string, Readonly<Record<string, never>>>>;

/** Reads a KeySet; a plain list of the keys, which some builders write, is taken too. */
export function optionalKeySet(path: string, value: unknown): KeySet | undefined {
  const keys = Array.isArray(value)
    ? optionalStrings(path, value)
    : Object.keys(optionalObject(path, value) ?? {});
  if (value === undefined || value === null) return undefined;
  const set: Record<string, Readonly<Record<string, never>>> = Object.create(null);
  for (const key of keys ?? []) set[key] = {};
  return set;
}

/** `{ key: value }` when there is a value, nothing otherwise: for exact optional properties. */
export function present<K extends string, V>(key: K, value: V | undefined): { [P in K]?: V } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: V };
}

function wrongType(path: string, wanted: string, value: unknown): BockerError {
  if (value === undefined) return new BockerError(`${path.slice(0, 200)} is missing`, { kind: "corrupt" });
  const got = value === null ? "null" : Array.isArray(value) ? "a list" : typeof value;
  return new BockerError(`${path.slice(0, 200)} must be ${wanted}, not ${got}`, { kind: "corrupt" });
}
