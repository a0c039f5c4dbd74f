/**
 * The OCI commands' help, made from their table, and the version as runc says it. Pure.
 */
import { globalOptions, type OciCommandEntry, ociCommands } from "./command-table.ts";
import type { OciProgram } from "./oci-main.ts";
import type { OciOption } from "./option.ts";
import { specVersion } from "./spec-version.ts";

/** Names on the first line what callers look for (podman shows it, containerd reads `spec:`). */
export function versionText({ name, version }: OciProgram): string {
  return `${name} version ${version}\nspec: ${specVersion}`;
}

/** The page of the program itself. */
export function helpText({ name, version }: OciProgram): string {
  const commands = Object.entries(ociCommands).map(([command, { summary }]) => [command, summary] as const);
  return [
    "NAME:",
    `   ${name} - runs containers from OCI bundles (runtime-spec ${specVersion}), for engines and for people`,
    "",
    `Version: ${version}`,
    `Usage: ${name} [GLOBAL OPTIONS] COMMAND [OPTIONS] [ARGUMENTS]`,
    "",
    "Commands:",
    ...columns(commands),
    "",
    "Global options:",
    ...columns(globalOptions.map(optionRow)),
    "",
    `${name} COMMAND --help tells of one command.`,
  ].join("\n");
}

export function commandHelp({ name }: OciProgram, command: string, entry: OciCommandEntry): string {
  const options =
    entry.options.length === 0 ? [] : ["", "Options:", ...columns(entry.options.map(optionRow))];
  return [
    "NAME:",
    `   ${name} ${command} - ${entry.summary}`,
    "",
    `Usage: ${name} ${command} ${entry.options.length === 0 ? "" : "[OPTIONS] "}${entry.usage}`.trimEnd(),
    ...options,
  ].join("\n");
}

function optionRow({ name, short, value, help }: OciOption): readonly [string, string] {
  const words = `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`;
  return [words, help];
}

function columns(rows: readonly (readonly [string, string])[]): readonly string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
