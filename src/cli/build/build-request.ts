/**
 * The words of `build` to what the engine is asked for. What is not done here is refused with a hint, never passed over.
 */
import { dirname } from "node:path";
import { parseSourceDateEpoch } from "../../engine/image-time.ts";
import type { BuildRequest } from "../../engine/run-build.ts";
import { BockerError } from "../../errors.ts";
import { hostPlatform, parsePlatform } from "../../image/platform.ts";
import { type NamedReference, parseReference, withDefaultTag } from "../../image/reference.ts";
import type { CommandContext } from "../command-spec.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { UsageError } from "../usage-error.ts";
import { parseCacheFrom, parseCacheTo } from "./cache-option.ts";
import { readRunSettings } from "./container-option.ts";
import {
  identityLabels,
  isWithoutLayers,
  readFinish,
  readJobs,
  readOldestStep,
  readOverrides,
} from "./finish-option.ts";
import { planOutputs } from "./output-option.ts";
import { refuseForeign, unsupported, usage } from "./refused-option.ts";

/** Throws kind `usage`, and what secrets and outputs throw. */
export function resolveBuildRequest(context: CommandContext, parsed: ParsedArguments): BuildRequest {
  refuseForeign(parsed);
  if (parsed.boolean("verify") && (parsed.has("cache-from") || parsed.has("cache-to"))) {
    throw usage("--verify builds without any cache: --cache-from and --cache-to have no place in it");
  }
  const file = parsed.string("file");
  const buildArgs = readBuildArgs(parsed.list("build-arg"), context.env);
  const { outputs, names } = planOutputs(parsed.list("output"), context.out, parsed.boolean("push"));
  const tags = [...parsed.list("tag"), ...names].map(parseTag);
  return {
    context: contextWord(parsed, file),
    file,
    ignoreFile: parsed.string("ignorefile") || undefined,
    contexts: readContexts(parsed.list("build-context")),
    buildArgs,
    target: parsed.string("target") || undefined,
    platform: platformOf(parsed, context.env),
    pull: parsed.boolean("pull"),
    cache: cacheOf(parsed),
    oldestStepMs: readOldestStep(parsed),
    jobs: readJobs(parsed),
    skipsUnused: !parsed.has("skip-unused-stages") || parsed.boolean("skip-unused-stages"),
    overrides: readOverrides(parsed, context.env),
    epochSeconds: epochOf(parsed, buildArgs),
    labels: {
      ...identityLabels(parsed),
      ...Object.fromEntries(parsed.list("label").map((word) => splitPair(word))),
    },
    annotations: Object.fromEntries(parsed.list("annotation").map(readAnnotation)),
    tags,
    finish: readFinish(parsed),
    run: readRunSettings(context, parsed, buildArgs),
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

/** `NAME` alone takes over the variable of that name, where there is one. SOURCE_DATE_EPOCH is there unasked, as with buildx. */
function readBuildArgs(words: readonly string[], env: CommandContext["env"]): ReadonlyMap<string, string> {
  const epoch = env.SOURCE_DATE_EPOCH;
  const values = new Map<string, string>(epoch ? [["SOURCE_DATE_EPOCH", epoch]] : []);
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

/** `--os`, `--arch` and `--variant` are podman's for the parts of `--platform`. */
function platformOf(parsed: ParsedArguments, env: CommandContext["env"]) {
  const [os, arch, variant] = ["os", "arch", "variant"].map((name) => parsed.string(name) || undefined);
  if (os !== undefined || arch !== undefined || variant !== undefined) {
    if (parsed.has("platform"))
      throw usage("invalid --platform may not be used with --os, --arch, or --variant");
    const host = hostPlatform();
    return parsePlatform([os ?? host.os, arch ?? host.architecture, ...(variant ? [variant] : [])].join("/"));
  }
  const text = parsed.string("platform") || env.DOCKER_DEFAULT_PLATFORM || undefined;
  if (text === undefined) return undefined;
  if (text.includes(","))
    throw unsupported(
      "several platforms in one build",
      "build them one after the other, each with a tag of its own",
    );
  return parsePlatform(text);
}

function cacheOf(parsed: ParsedArguments): BuildRequest["cache"] {
  if (parsed.boolean("no-cache") || parsed.boolean("verify") || isWithoutLayers(parsed)) return "ignore";
  const stages = parsed.list("no-cache-filter").flatMap((word) => word.split(","));
  return stages.length === 0 ? "use" : { ignoredStages: new Set(stages.map((name) => name.toLowerCase())) };
}

/** The nearest word wins: a flag, a build-arg, which the environment's is too. `context` is what the build does anyway. */
function epochOf(parsed: ParsedArguments, buildArgs: ReadonlyMap<string, string>): number | undefined {
  const flag = parsed.int("timestamp") ?? parsed.int("source-date-epoch");
  if (flag !== undefined) return flag;
  const word = buildArgs.get("SOURCE_DATE_EPOCH");
  return word === "context" ? undefined : parseSourceDateEpoch(word);
}
