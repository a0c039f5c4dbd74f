/**
 * `--filter NAME=VALUE` of the commands that list things: docker's form and docker's errors. Pure.
 */
import type { OptionSpec } from "../config/option-spec.ts";
import { BockerError } from "../errors.ts";

/** Filter name to the values given for it, in order. */
export type Filters = ReadonlyMap<string, readonly string[]>;

/** The option for a command's list; `help` may name the filters. */
export function filterOption(help: string): OptionSpec {
  return {
    name: "filter",
    short: "f",
    kind: "list",
    placeholder: "filter",
    help,
    check(value) {
      if (!value.includes("=")) throw new Error("bad format of filter (expected name=value)");
    },
  };
}

/** Groups what was given by name. Throws docker's `invalid filter 'x'` for a name not in `known`. */
export function parseFilters(given: readonly string[], known: readonly string[]): Filters {
  const filters = new Map<string, string[]>();
  for (const text of given) {
    const equals = text.indexOf("=");
    const name = text.slice(0, equals).trim().toLowerCase();
    if (!known.includes(name)) throw invalidFilter(name, `known are: ${known.join(", ")}`);
    const values = filters.get(name) ?? [];
    filters.set(name, [...values, text.slice(equals + 1).trim()]);
  }
  return filters;
}

/** A filter of yes or no; undefined when it was not given. */
export function booleanFilter(filters: Filters, name: string): boolean | undefined {
  const value = filters.get(name)?.at(-1);
  if (value === undefined) return undefined;
  if (value === "1" || value.toLowerCase() === "true") return true;
  if (value === "0" || value.toLowerCase() === "false") return false;
  throw invalidFilter(`${name}=[${value}]`);
}

/** docker's error for a filter that is unknown or has a value it can't have. */
export function invalidFilter(what: string, hint?: string): BockerError {
  return new BockerError(`invalid filter '${what}'`, {
    kind: "invalid-config",
    ...(hint === undefined ? {} : { hint }),
  });
}
