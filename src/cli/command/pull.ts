import { parsePlatform } from "../../image/platform.ts";
import { canonicalName, parseReference, withDefaultTag } from "../../image/reference.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { pullOutputOf } from "../pull-reporter.ts";

/** `bocker pull`: an image from a registry. */
export const command: CommandSpec = {
  name: "pull",
  aliases: ["image pull"],
  summary: "Download an image from a registry",
  usage: "[OPTIONS] NAME[:TAG|@DIGEST]",
  options: [
    { name: "platform", kind: "string", help: "Set platform if server is multi-platform capable" },
    { name: "quiet", short: "q", kind: "boolean", help: "Suppress verbose output" },
  ],
  example: "bocker pull alpine:3.20",
  minArguments: 1,
  maxArguments: 2,
  async run(context, parsed) {
    const [name = "", tag] = parsed.positionals;
    const asked = parseReference(tag === undefined ? name : `${name}:${tag}`);
    const reference = withDefaultTag(asked);
    const quiet = parsed.boolean("quiet");
    const platform = parsed.string("platform");
    const engine = await openEngineFor(context);
    const [{ pullImage }, { createPullProgress }] = await Promise.all([
      import("../../engine/pull.ts"),
      import("../pull-progress.ts"),
    ]);
    const isDefaultTag = asked.tag === undefined && asked.digest === undefined;
    if (isDefaultTag && !quiet) context.out.write("Using default tag: latest\n");
    await pullImage({ ...engine, registries: engine.settings.registries }, reference, {
      ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
      ...(quiet ? {} : { onProgress: createPullProgress(pullOutputOf(context.out)) }),
    });
    context.out.write(`${canonicalName(reference)}\n`);
    return 0;
  },
};
