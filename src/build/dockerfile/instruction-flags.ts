/**
 * The flags of an instruction: `COPY --from=build --link --exclude=*.o --exclude=*.d`. Pure; in docker's phrases.
 */
import { DockerfileProblem } from "./dockerfile-error.ts";
import { suggestion } from "./suggestion.ts";
import type { Location } from "./syntax.ts";

export type FlagKind = "boolean" | "string" | "list";

type FlagValue<K extends FlagKind> = K extends "boolean"
  ? boolean
  : K extends "string"
    ? string
    : readonly string[];

/** A flag that is not there is undefined; a list is empty. */
export type FlagValues<D extends Readonly<Record<string, FlagKind>>> = {
  readonly [N in keyof D]: D[N] extends "list" ? readonly string[] : FlagValue<D[N]> | undefined;
};

/** Throws DockerfileProblem for what `known` does not have, for what is given twice, and for values of a wrong form. */
export function parseFlags<const D extends Readonly<Record<string, FlagKind>>>(
  flags: readonly string[],
  known: D,
  location: Location,
): FlagValues<D> {
  const values: Record<string, boolean | string | string[] | undefined> = {};
  for (const [name, kind] of Object.entries(known)) values[name] = kind === "list" ? [] : undefined;
  for (const flag of flags) {
    const equals = flag.indexOf("=");
    const name = flag.slice(2, equals < 0 ? undefined : equals);
    const value = equals < 0 ? undefined : flag.slice(equals + 1);
    const kind = Object.hasOwn(known, name) ? known[name] : undefined;
    if (kind === undefined) throw unknownFlag(name, Object.keys(known), location);
    const before = values[name];
    if (Array.isArray(before)) before.push(textOf(name, value, location));
    else if (before !== undefined) throw problem(`duplicate flag specified: --${name}`, name, location);
    else values[name] = kind === "boolean" ? booleanOf(name, value, location) : textOf(name, value, location);
  }
  return values as FlagValues<D>;
}

function unknownFlag(name: string, known: readonly string[], location: Location): DockerfileProblem {
  return new DockerfileProblem(`unknown flag: --${name}${suggestion(name, known)}`, location, {
    word: `--${name}`,
    hint:
      known.length === 0
        ? "this instruction has no flags"
        : `its flags: ${known.map((each) => `--${each}`).join(" ")}`,
  });
}

function booleanOf(name: string, value: string | undefined, location: Location): boolean {
  if (value === "") throw problem(`missing a value on flag: --${name}`, name, location);
  const word = value?.toLowerCase() ?? "true";
  if (word === "true" || word === "false") return word === "true";
  throw problem(`expecting boolean value for flag --${name}, not: ${value}`, name, location);
}

function textOf(name: string, value: string | undefined, location: Location): string {
  if (value === undefined) throw problem(`missing a value on flag: --${name}`, name, location);
  return value;
}

function problem(message: string, name: string, location: Location): DockerfileProblem {
  return new DockerfileProblem(message, location, { word: `--${name}` });
}
