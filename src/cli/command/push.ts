import { BockerError } from "../../errors.ts";
import { canonicalName, parseReference, withDefaultTag } from "../../image/reference.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { pullOutputOf } from "../pull-reporter.ts";

/** `bocker push`: an image to a registry. */
export const command: CommandSpec = {
  name: "push",
  aliases: ["image push"],
  summary: "Upload an image to a registry",
  usage: "[OPTIONS] NAME[:TAG]",
  options: [
    { name: "all-tags", short: "a", kind: "boolean", help: "Push all tags of an image to the repository" },
    { name: "quiet", short: "q", kind: "boolean", help: "Suppress verbose output" },
  ],
  example: "bocker push localhost:5000/web:1.2",
  minArguments: 1,
  maxArguments: 1,
  async run(context, parsed) {
    const asked = parseReference(parsed.positionals[0] ?? "");
    const quiet = parsed.boolean("quiet");
    const all = parsed.boolean("all-tags");
    const isBare = asked.tag === undefined && asked.digest === undefined;
    if (all && !isBare)
      throw new BockerError("tag can't be used with --all-tags/-a", { kind: "invalid-reference" });
    const reference = all ? asked : withDefaultTag(asked);
    const engine = await openEngineFor(context);
    const [{ pushImage }, { createPushProgress }] = await Promise.all([
      import("../../engine/push.ts"),
      import("../push-progress.ts"),
    ]);
    if (isBare && !all && !quiet) context.out.write("Using default tag: latest\n");
    await pushImage(
      engine,
      reference,
      quiet ? {} : { onProgress: createPushProgress(pullOutputOf(context.out)) },
    );
    if (quiet) context.out.write(`${canonicalName(reference)}\n`);
    return 0;
  },
};
