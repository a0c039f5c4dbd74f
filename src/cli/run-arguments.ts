/**
 * The words after `bocker run` and `bocker create`, with BOCKER_* variables and a TOML file, as one ContainerConfig.
 *
 * Precedence, per option: command line, environment, TOML file (-f), engine configuration, default. What the image
 * says is merged later, in src/spec. TOML and its parser are loaded only for -f.
 */
import { optionsOfEnvironment } from "../config/environment.ts";
import type { OptionSpec, RawOptions, RawValue } from "../config/option-spec.ts";
import { type RunRequest, resolveRunRequest } from "../config/resolve-config.ts";
import type { OptionHost } from "../config/run-option.ts";
import { runOptions } from "../config/run-options.ts";
import { runRewrites } from "./option-rewrite.ts";
import { type ParsedArguments, type ParseRules, parseArgv } from "./parse-argv.ts";
import { UsageError } from "./usage-error.ts";

const fileOption: OptionSpec = {
  name: "file",
  short: "f",
  kind: "string",
  help: "Read the container's options from a TOML file; flags win",
};

/** The options of run and create as their CommandSpecs list them. */
export const runCommandOptions: readonly OptionSpec[] = [...runOptions, fileOption];

/** docker's create stays with nothing and starts nothing. */
const onlyOfRun = ["detach", "detach-keys", "dry-run", "sig-proxy"];

export const createCommandOptions: readonly OptionSpec[] = runCommandOptions.filter(
  ({ name }) => !onlyOfRun.includes(name),
);

/** How their argv is cut: `--image X` lets options follow, since no argument is the image then. */
export const runParseRules: ParseRules = {
  options: runCommandOptions,
  rewrites: runRewrites,
  stopAtArgument: true,
  continueAfter: "image",
};

/** As resolveRunArguments, from the words themselves. */
export async function parseRunArguments(
  argv: readonly string[],
  host: OptionHost,
  defaults?: RawOptions,
): Promise<RunRequest> {
  return resolveRunArguments(parseArgv(argv, runParseRules), host, defaults);
}

/**
 * What run or create is asked for. `defaults` is the engine configuration's `container` table. Throws BockerError
 * (exit code 125), or 1 when there is no image at all, as docker.
 */
export async function resolveRunArguments(
  parsed: ParsedArguments,
  host: OptionHost,
  defaults?: RawOptions,
): Promise<RunRequest> {
  const flags = withPositionals(parsed);
  const path = parsed.string(fileOption.name);
  const layers: RawOptions[] = [];
  if (defaults) layers.push(defaults);
  if (path !== undefined) {
    const { loadContainerToml } = await import("../config/container-toml.ts");
    layers.push(loadContainerToml(path, host));
  }
  if (!flags.has("image") && !layers.some((layer) => layer.has("image"))) {
    throw new UsageError("requires at least 1 argument", "arguments");
  }
  layers.push(optionsOfEnvironment(host.env), flags);
  return resolveRunRequest(layers, host);
}

/** IMAGE and COMMAND as options; with --image, all arguments are the command. */
function withPositionals(parsed: ParsedArguments): RawOptions {
  const flags = new Map<string, RawValue>(parsed.raw);
  const words = parsed.positionals.slice();
  if (!flags.has("image") && words.length > 0) flags.set("image", words.shift() ?? "");
  if (words.length > 0) flags.set("command", words);
  return flags;
}
