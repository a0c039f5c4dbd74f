/**
 * The words of `build` to what the engine is asked for. What is not done here is refused with a hint, never passed over.
 */
import { dirname } from "node:path";
import { resolveRunRequest } from "../../config/resolve-config.ts";
import { runOptions } from "../../config/run-options.ts";
import { parseSourceDateEpoch } from "../../engine/image-time.ts";
import type { BuildRequest, Entitlement, RunSettings } from "../../engine/run-build.ts";
import { BockerError } from "../../errors.ts";
import { parsePlatform } from "../../image/platform.ts";
import { type NamedReference, parseReference, withDefaultTag } from "../../image/reference.ts";
import type { CommandContext } from "../command-spec.ts";
import { optionHostOf } from "../option-host.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { UsageError } from "../usage-error.ts";
import { parseCacheFrom, parseCacheTo } from "./cache-option.ts";
import { planOutputs } from "./output-option.ts";
import { readAgents, readSecrets } from "./secret-option.ts";

/** Throws kind `usage`, and what secrets and outputs throw. */
export function resolveBuildRequest(context: CommandContext, parsed: ParsedArguments): BuildRequest {
  refuseUnsupported(parsed);
  const file = parsed.string("file");
  const buildArgs = readBuildArgs(parsed.list("build-arg"), context.env);
  const { outputs, names } = planOutputs(parsed.list("output"), context.out, parsed.boolean("push"));
  const tags = [...parsed.list("tag"), ...names].map(parseTag);
  return {
    context: contextWord(parsed, file),
    file,
    contexts: readContexts(parsed.list("build-context")),
    buildArgs,
    target: parsed.string("target") || undefined,
    platform: platformOf(parsed.string("platform") || context.env.DOCKER_DEFAULT_PLATFORM || undefined),
    pull: parsed.boolean("pull"),
    cache: cacheOf(parsed),
    epochSeconds: epochOf(parsed, buildArgs, context),
    labels: Object.fromEntries(parsed.list("label").map((word) => splitPair(word))),
    annotations: Object.fromEntries(parsed.list("annotation").map(readAnnotation)),
    tags,
    run: readRunSettings(context, parsed),
    outputs,
    cacheFrom: parsed.list("cache-from").map(parseCacheFrom),
    cacheTo: parsed.list("cache-to").map(parseCacheTo),
  };
}

/** With -f alone, as other engines have it: the folder that the Dockerfile is in. */
export function contextWord(parsed: ParsedArguments, file: string | undefined): string {
  const [word] = parsed.positionals;
  if (word !== undefined && word !== "") return word;
  if (file === undefined) throw new UsageError("requires 1 argument", "arguments");
  return file === "-" || /^https?:\/\//i.test(file) ? "." : dirname(file);
}

function parseTag(text: string): NamedReference {
  try {
    const reference = parseReference(text);
    if (reference.digest === undefined) return withDefaultTag(reference);
  } catch (error) {
    throw new BockerError(`invalid tag ${JSON.stringify(text)}: invalid reference format`, {
      kind: "usage",
      cause: error,
    });
  }
  throw new BockerError(`invalid tag ${JSON.stringify(text)}: a digest cannot be given to an image`, {
    kind: "usage",
  });
}

/** `NAME` alone takes over the variable of that name, where there is one. */
function readBuildArgs(words: readonly string[], env: CommandContext["env"]): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const word of words) {
    const equals = word.indexOf("=");
    const name = equals < 0 ? word : word.slice(0, equals);
    if (name === "") throw usage(`invalid build-arg ${JSON.stringify(word)}: it has no name`);
    const value = equals < 0 ? env[name] : word.slice(equals + 1);
    if (value !== undefined) values.set(name, value);
  }
  return values;
}

function readContexts(words: readonly string[]): ReadonlyMap<string, string> {
  return new Map(
    words.map((word) => {
      const [name, value] = splitPair(word);
      if (name === "" || value === "") throw usage(`invalid context value: ${word}, expected key=value`);
      if (/^(?:oci-layout|target):/.test(value)) {
        throw unsupported(
          `build context ${JSON.stringify(value)}`,
          "load the layout first, and name the image as docker-image://NAME",
        );
      }
      return [name, value] as const;
    }),
  );
}

function splitPair(word: string): readonly [string, string] {
  const equals = word.indexOf("=");
  return equals < 0 ? [word, ""] : [word.slice(0, equals), word.slice(equals + 1)];
}

/** `manifest:key=value`, or without the place; a build here makes one manifest and no index. */
function readAnnotation(word: string): readonly [string, string] {
  const [, types = "", pair = word] = /^([a-z,-]+(?:\[[^\]]*\])?):([^=]*=.*)$/s.exec(word) ?? [];
  if (!pair.includes("=")) throw usage(`invalid annotation ${JSON.stringify(word)}, expected key=value`);
  const other = types.split(",").find((type) => type !== "" && type !== "manifest");
  if (other !== undefined) {
    throw unsupported(
      `annotations of ${JSON.stringify(other)}`,
      "an image built here has a manifest and no index",
    );
  }
  return splitPair(pair);
}

function platformOf(text: string | undefined) {
  if (text === undefined) return undefined;
  if (text.includes(","))
    throw unsupported(
      "several platforms in one build",
      "build them one after the other, each with a tag of its own",
    );
  return parsePlatform(text);
}

function cacheOf(parsed: ParsedArguments): BuildRequest["cache"] {
  if (parsed.boolean("no-cache") || parsed.boolean("verify")) return "ignore";
  const stages = parsed.list("no-cache-filter").flatMap((word) => word.split(","));
  return stages.length === 0 ? "use" : { ignoredStages: new Set(stages.map((name) => name.toLowerCase())) };
}

/** The nearest word wins: a flag, a build-arg, the environment. `context` is what the build does anyway. */
function epochOf(
  parsed: ParsedArguments,
  buildArgs: ReadonlyMap<string, string>,
  { env }: CommandContext,
): number | undefined {
  const flag = parsed.int("timestamp") ?? parsed.int("source-date-epoch");
  if (flag !== undefined) return flag;
  const word = buildArgs.get("SOURCE_DATE_EPOCH") ?? env.SOURCE_DATE_EPOCH;
  return word === "context" ? undefined : parseSourceDateEpoch(word);
}

const networks = ["default", "none", "host"] as const;
const entitlements = ["network.host", "security.insecure"] as const;
/** Those of run that mean the same for the containers of RUN. */
const limitNames: ReadonlySet<string> = new Set([
  "memory",
  "memory-swap",
  "cpu-period",
  "cpu-quota",
  "cpu-shares",
  "cpuset-cpus",
  "cpuset-mems",
  "cgroup-parent",
  "ulimit",
  "shm-size",
  "add-host",
]);

/** Options of run that build has too, as run's help has them. */
export const limitOptions = runOptions.filter(({ name }) => limitNames.has(name));

function readRunSettings(context: CommandContext, parsed: ParsedArguments): RunSettings {
  const layer = new Map([...parsed.raw].filter(([name]) => limitNames.has(name)));
  const { config } = resolveRunRequest([layer], optionHostOf(context));
  return {
    network: networkOf(parsed.string("network")),
    addHosts: config.addHosts,
    ulimits: config.ulimits,
    shmSizeBytes: parsed.has("shm-size") ? config.shmSizeBytes : undefined,
    resources: config.resources,
    cgroupParent: config.cgroupParent,
    secrets: readSecrets(parsed.list("secret"), context.env),
    agents: readAgents(parsed.list("ssh"), context.env),
    allowed: new Set(
      parsed
        .list("allow")
        .flatMap((word) => word.split(","))
        .map(entitlementOf),
    ),
  };
}

function networkOf(text: string | undefined): RunSettings["network"] {
  const network = networks.find((known) => known === (text || "default"));
  if (network !== undefined) return network;
  if (text === "bridge") return "default";
  throw unsupported(`network mode ${JSON.stringify(text)} of a build`, `it is one of ${networks.join(", ")}`);
}

function entitlementOf(text: string): Entitlement {
  const found = entitlements.find((known) => known === text);
  if (found !== undefined) return found;
  throw usage(`invalid entitlement: ${text}`, `it is one of ${entitlements.join(", ")}`);
}

/** Options that docker's builder has and this one has not: what they would do is done by other means, or not at all. */
const unsupportedOptions: Readonly<Record<string, string>> = {
  squash: "RUN a whole script with a heredoc for one layer, or copy the result into FROM scratch",
  attest: "no attestations are made",
  isolation: "there is one isolation only on Linux: default",
  "security-opt": "steps have the walls that run has by default",
  builder: "there is one builder, and it needs no daemon",
};

function refuseUnsupported(parsed: ParsedArguments): void {
  if (parsed.boolean("verify") && (parsed.has("cache-from") || parsed.has("cache-to"))) {
    throw usage("--verify builds without any cache: --cache-from and --cache-to have no place in it");
  }
  for (const [name, hint] of Object.entries(unsupportedOptions)) {
    if (!parsed.has(name)) continue;
    if (name === "isolation" && ["", "default"].includes(parsed.string("isolation") ?? "")) continue;
    if (name === "squash" && !parsed.boolean("squash")) continue;
    throw unsupported(`--${name}`, hint);
  }
  refuseValues(parsed);
}

/** Options of which only the value that changes nothing is taken. */
function refuseValues(parsed: ParsedArguments): void {
  for (const name of ["provenance", "sbom"]) {
    const word = parsed.string(name);
    if (word !== undefined && word !== "false")
      throw unsupported(`--${name}=${word}`, "no attestations are made; =false is taken");
  }
  for (const name of ["rm", "layers"]) {
    if (parsed.has(name) && !parsed.boolean(name)) {
      throw unsupported(`--${name}=false`, "a step leaves no container behind, and every one is a layer");
    }
  }
}

function unsupported(what: string, hint: string): BockerError {
  return new BockerError(`${what} is not supported by build`, { kind: "unsupported", hint });
}

function usage(message: string, hint?: string): BockerError {
  return new BockerError(message, { kind: "usage", ...(hint === undefined ? {} : { hint }) });
}
