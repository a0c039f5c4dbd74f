/**
 * Which containers a verb is for: those that were named, or, as podman's users say it, `--all`, `--latest`, `--filter` and
 * `--cidfile`. docker has only names.
 */
import { readFileSync } from "node:fs";
import type { OptionSpec } from "../config/option-spec.ts";
import { describeFileError } from "../config/security-opt.ts";
import type { Engine } from "../engine/engine.ts";
import { loadContainers } from "../engine/find-container.ts";
import { BockerError } from "../errors.ts";
import type { ContainerRecord } from "../state/record.ts";
import { forEachContainer } from "./command/each-container.ts";
import type { CommandContext } from "./command-spec.ts";
import { filterOption, parseFilters } from "./filter-option.ts";
import type { ParsedArguments } from "./parse-argv.ts";

/** Options that may stand in place of names. */
export const insteadOfNames: readonly string[] = ["all", "latest", "filter", "cidfile"];

/** `help`: of --all. `shorts`: letters that another option of the command has taken are left out. */
export function chooserOptions(help: string, shorts: string): readonly OptionSpec[] {
  const options: readonly OptionSpec[] = [
    { name: "all", short: "a", kind: "boolean", help },
    { name: "cidfile", kind: "list", placeholder: "file", help: "Read the container ID from the file" },
    filterOption("Choose containers by conditions, as ps does"),
    { name: "latest", short: "l", kind: "boolean", help: "Act on the latest container" },
  ];
  return options.map(({ short, ...option }) =>
    short !== undefined && shorts.includes(short) ? { ...option, short } : option,
  );
}

export const ignoreOption: OptionSpec = {
  name: "ignore",
  short: "i",
  kind: "boolean",
  help: "Ignore errors when a specified container is missing",
};

export interface Choice {
  /** Of all containers, those that --all and --filter mean. */
  readonly isMeant: (record: ContainerRecord) => boolean;
  /** Errors that are told and change no exit code. */
  readonly isTolerated?: (error: unknown) => boolean;
}

/**
 * Does `action` to each. A container that nobody has named and that meanwhile is gone, or runs no more, is not spoken of;
 * nor is a missing one with --ignore.
 */
export async function forEachChosen(
  context: CommandContext,
  parsed: ParsedArguments,
  engine: Engine,
  { isMeant, isTolerated }: Choice,
  action: (name: string) => Promise<void>,
): Promise<number> {
  const { names, areNamed } = await chooseContainers(engine, parsed, isMeant);
  const isIgnored = (error: unknown): boolean =>
    isOfKind(error, "not-found") ? !areNamed || ignores(parsed) : !areNamed && isOfKind(error, "not-running");
  return forEachContainer(context, names, action, {
    isIgnored,
    ...(isTolerated === undefined ? {} : { isTolerated }),
  });
}

function isOfKind(error: unknown, kind: BockerError["kind"]): boolean {
  return error instanceof BockerError && error.kind === kind;
}

function ignores(parsed: ParsedArguments): boolean {
  return parsed.boolean("ignore");
}

/** Names as they were given, or else whole ids, newest first. Throws BockerError for options that exclude each other. */
export async function chooseContainers(
  engine: Engine,
  parsed: ParsedArguments,
  isMeant: Choice["isMeant"],
): Promise<{ readonly names: readonly string[]; readonly areNamed: boolean }> {
  const unnamed = await chooseUnnamed(engine, parsed, isMeant);
  const names = unnamed ?? [...idsOfFiles(parsed), ...parsed.positionals];
  return { names, areNamed: unnamed === undefined };
}

async function chooseUnnamed(
  engine: Engine,
  parsed: ParsedArguments,
  isMeant: Choice["isMeant"],
): Promise<readonly string[] | undefined> {
  const said = ["all", "latest", "running"].filter((name) => parsed.boolean(name));
  const conditions = parsed.list("filter");
  const [how = conditions.length > 0 ? "filter" : undefined, other] = said;
  if (how === undefined) return undefined;
  if (other !== undefined) throw usage(`--${how} and --${other} cannot be used together`);
  if (parsed.positionals.length > 0 || parsed.has("cidfile"))
    throw usage(`no arguments are needed with --${how}`);
  const records = await loadContainers(engine);
  if (how === "latest") return records.slice(0, 1).map(({ id }) => id);
  const meant = records.filter(isMeant);
  if (conditions.length === 0) return meant.map(({ id }) => id);
  const { containerFilters, filterContainers } = await import("../engine/filter-containers.ts");
  return filterContainers(engine, meant, parseFilters(conditions, containerFilters)).map(({ id }) => id);
}

/** The first line of each file; one that is not there is no error with --ignore. */
function idsOfFiles(parsed: ParsedArguments): readonly string[] {
  return parsed.list("cidfile").flatMap((path) => {
    try {
      return [readFileSync(path, "utf8").split("\n")[0] ?? ""];
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT" && ignores(parsed)) return [];
      throw usage(describeFileError(cause, path));
    }
  });
}

function usage(message: string): BockerError {
  return new BockerError(message, { kind: "usage" });
}
