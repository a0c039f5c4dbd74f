import type { Engine } from "../../engine/engine.ts";
import { BockerError } from "../../errors.ts";
import { checkOutputPath } from "../archive-target.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { parseTargetName } from "../target-name.ts";

/** `bocker commit`: an image from a container's changes, or its whole file system as a tar. */
export const command: CommandSpec = {
  name: "commit",
  aliases: ["container commit"],
  summary: "Create a new image from a container's changes",
  usage: "[OPTIONS] CONTAINER [REPOSITORY[:TAG]|FILE.tar]",
  options: [
    {
      name: "author",
      short: "a",
      kind: "string",
      help: 'Author (e.g., "John Hannibal Smith <hannibal@a-team.com>")',
    },
    { name: "change", short: "c", kind: "list", help: "Apply Dockerfile instruction to the created image" },
    { name: "message", short: "m", kind: "string", help: "Commit message" },
    {
      name: "pause",
      short: "p",
      kind: "boolean",
      help: "Pause container during commit",
      defaultText: "true",
    },
    { name: "quiet", short: "q", kind: "boolean", help: "Only print the image's ID (which it does anyhow)" },
    { name: "replace", kind: "boolean", help: "Replace an image that exists; its name must be taken" },
  ],
  example: "bocker commit -m 'with tools' web web:tools",
  minArguments: 1,
  maxArguments: 2,
  run: commit,
};

async function commit(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const [container = "", target] = parsed.positionals;
  const pause = parsed.has("pause") ? parsed.boolean("pause") : true;
  if (target !== undefined && isFile(target)) return commitToFile(context, parsed, container, target, pause);
  const reference = parseTargetName(target);
  const engine = await openEngineFor(context);
  const { commitContainer } = await import("../../engine/commit-container.ts");
  const [author, message] = [parsed.string("author"), parsed.string("message")];
  const id = await commitContainer(engine, container, reference, {
    ...(author ? { author } : {}),
    ...(message ? { message } : {}),
    changes: parsed.list("change"),
    pause,
    replace: parsed.boolean("replace"),
    ...(await epochOf(context)),
    onWarning: (warning) => context.err.write(`WARNING: ${warning}\n`),
  });
  context.out.write(`${id}\n`);
  return 0;
}

/** A path, or what ends as a tar does. */
function isFile(target: string): boolean {
  return /^\.{0,2}\//.test(target) || /\.(?:tar(?:\.(?:gz|xz|zst))?|tgz|txz|tzst)$/.test(target);
}

/** The whole file system, flat: such a file has no place for a config. */
async function commitToFile(
  context: CommandContext,
  parsed: ParsedArguments,
  container: string,
  path: string,
  pause: boolean,
): Promise<number> {
  const meaningless = ["author", "change", "message", "replace"].find((name) => parsed.has(name));
  if (meaningless !== undefined) {
    throw new BockerError(`--${meaningless} is for images: a tar has only files`, { kind: "usage" });
  }
  checkOutputPath(path, "failed to commit container");
  const engine: Engine = await openEngineFor(context);
  const [{ exportFile }, epoch] = await Promise.all([
    import("../../engine/export-container.ts"),
    epochOf(context),
  ]);
  await exportFile(engine, container, path, { pause, ...epoch });
  context.out.write(`${path}\n`);
  return 0;
}

async function epochOf(context: CommandContext): Promise<{ readonly epochSeconds?: number }> {
  const { parseSourceDateEpoch } = await import("../../engine/image-time.ts");
  const epochSeconds = parseSourceDateEpoch(context.env.SOURCE_DATE_EPOCH);
  return epochSeconds === undefined ? {} : { epochSeconds };
}
