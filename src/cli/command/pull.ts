import type { EngineSettings } from "../../config/engine-settings.ts";
import type { PullOptions } from "../../engine/pull.ts";
import { BockerError } from "../../errors.ts";
import { parsePlatform } from "../../image/platform.ts";
import { canonicalName, parseReference, withDefaultTag } from "../../image/reference.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { pullOutputOf } from "../pull-reporter.ts";
import { parseGoDuration } from "../time-option.ts";

/** `bocker pull`: an image from a registry. */
export const command: CommandSpec = {
  name: "pull",
  aliases: ["image pull"],
  summary: "Download an image from a registry",
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  options: [
    { name: "all-tags", short: "a", kind: "boolean", help: "Download all tagged images in the repository" },
    { name: "platform", kind: "string", help: "Set platform if server is multi-platform capable" },
    { name: "quiet", short: "q", kind: "boolean", help: "Suppress verbose output" },
    {
      name: "retry",
      kind: "int",
      help: "Number of times a request is made again when it fails for a reason that may pass",
      defaultText: "4",
      check(value) {
        if (value.startsWith("-")) throw new Error("must not be negative");
      },
    },
    {
      name: "retry-delay",
      kind: "string",
      placeholder: "duration",
      help: "Pause before the first retry, doubled for each further one",
      defaultText: "400ms",
      check(value) {
        if (!((parseGoDuration(value) ?? -1) >= 0)) throw new Error(`invalid duration "${value}"`);
      },
    },
  ],
  example: "bocker pull alpine:3.20",
  minArguments: 1,
  maxArguments: 2,
  run: pullThem,
};

async function pullThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const [name = "", tag] = parsed.positionals;
  const asked = parseReference(tag === undefined ? name : `${name}:${tag}`);
  const isBare = asked.tag === undefined && asked.digest === undefined;
  const all = parsed.boolean("all-tags");
  if (all && !isBare)
    throw new BockerError("tag can't be used with --all-tags/-a", { kind: "invalid-reference" });
  const quiet = parsed.boolean("quiet");
  const platform = parsed.string("platform");
  const engine = await openEngineFor(context);
  const deps = { ...engine, registries: withRetries(engine.settings.registries, parsed) };
  const options: PullOptions = {
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    ...(quiet ? {} : { onProgress: await showOn(context) }),
  };
  if (all) {
    const { pullAllTags } = await import("../../engine/pull-all.ts");
    await pullAllTags(deps, asked, options);
    context.out.write(`${canonicalName(asked)}\n`);
    return 0;
  }
  const { pullImage } = await import("../../engine/pull.ts");
  const reference = withDefaultTag(asked);
  if (isBare && !quiet) context.out.write("Using default tag: latest\n");
  await pullImage(deps, reference, options);
  context.out.write(`${canonicalName(reference)}\n`);
  return 0;
}

async function showOn(context: CommandContext) {
  const { createPullProgress } = await import("../pull-progress.ts");
  return createPullProgress(pullOutputOf(context.out));
}

type Registries = EngineSettings["registries"];

/** The configured timing, with what --retry and --retry-delay say. */
function withRetries(registries: Registries, parsed: ParsedArguments): Registries {
  const retries = parsed.int("retry");
  const delay = parseGoDuration(parsed.string("retry-delay") ?? "");
  const timing = {
    ...registries.timing,
    ...(retries === undefined ? {} : { attempts: retries + 1 }),
    ...(delay === undefined
      ? {}
      : { backoffMs: delay, maxPauseMs: Math.max(delay, registries.timing.maxPauseMs) }),
  };
  return { ...registries, timing };
}
