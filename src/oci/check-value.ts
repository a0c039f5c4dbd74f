/**
 * Small checks of JSON values that say where they failed: `linux.namespaces[2].type: expected …`.
 *
 * A check takes a value and its path and throws a BockerError. `null` counts as absent, as in Go's JSON, and is taken out
 * of its object (which is the caller's, fresh from JSON.parse). Unknown fields stay and are nobody's business. Written
 * for the road to a container, where loading a schema library costs more than starting one.
 */
import { BockerError } from "../errors.ts";

export type Check = (value: unknown, path: string) => void;

/** Throws for a value of the wrong kind. */
export function invalid(path: string, reason: string): never {
  throw new BockerError(`invalid config: ${path === "" ? "the document" : path}: ${reason}`, {
    kind: "invalid-config",
  });
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? `the string ${JSON.stringify(value)}` : `${typeof value} ${value}`;
}

function expected(path: string, what: string, value: unknown): never {
  return invalid(path, `expected ${what}, found ${kindOf(value)}`);
}

/** Words end up in system calls, which would cut them at a NUL. */
export function string(value: unknown, path: string): asserts value is string {
  if (typeof value !== "string") expected(path, "a string", value);
  if (value.includes("\0")) invalid(path, "it contains a NUL byte");
}

export function boolean(value: unknown, path: string): void {
  if (typeof value !== "boolean") expected(path, "true or false", value);
}

/** An integer between bounds, both included. 64-bit numbers come out of JSON rounded; that is fine for limits. */
export function integer(min: number, max: number): Check {
  return (value, path) => {
    if (typeof value !== "number" || !Number.isInteger(value)) expected(path, "an integer", value);
    if (value < min || value > max) invalid(path, `${value} is out of range (${min} to ${max})`);
  };
}

export const uint16 = integer(0, 0xffff);
export const uint32 = integer(0, 0xffff_ffff);
export const int32 = integer(-(2 ** 31), 2 ** 31 - 1);
export const int64 = integer(-(2 ** 63), 2 ** 63);
export const uint64 = integer(0, 2 ** 64);

/** A path that starts with `/`. */
export function absolutePath(value: unknown, path: string): void {
  string(value, path);
  if (!value.startsWith("/")) invalid(path, `${JSON.stringify(value)} is not an absolute path`);
}

export function oneOf(...words: readonly string[]): Check {
  return (value, path) => {
    string(value, path);
    if (!words.includes(value))
      invalid(path, `unknown value ${JSON.stringify(value)} (expected ${words.join(", ")})`);
  };
}

export function list(item: Check, limits: { readonly min?: number } = {}): Check {
  return (value, path) => {
    if (!Array.isArray(value)) expected(path, "a list", value);
    if (value.length < (limits.min ?? 0)) invalid(path, "the list is empty");
    for (let at = 0; at < value.length; at++) item(value[at], `${path}[${at}]`);
  };
}

/** Any keys, values of one kind. */
export function map(item: Check): Check {
  return (value, path) => {
    for (const [key, each] of Object.entries(object(value, path)))
      item(each, `${path}[${JSON.stringify(key)}]`);
  };
}

/** Named fields, each absent or as it must be; `required` ones are there. */
export function record(fields: Readonly<Record<string, Check>>, required: readonly string[] = []): Check {
  return (value, path) => {
    const found = object(value, path);
    const prefix = path === "" ? "" : `${path}.`;
    for (const name of required) if (found[name] === undefined) invalid(prefix + name, "it is missing");
    for (const name in found) {
      // A field may be called __proto__.
      const check = Object.hasOwn(fields, name) ? fields[name] : undefined;
      if (check !== undefined) check(found[name], prefix + name);
    }
  };
}

/** An object without its nulls. */
function object(value: unknown, path: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) expected(path, "an object", value);
  const found = value as Record<string, unknown>;
  for (const name in found) if (found[name] === null) delete found[name];
  return found;
}
