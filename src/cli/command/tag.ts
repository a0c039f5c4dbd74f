import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker tag`: another name for an image. */
export const command: CommandSpec = {
  name: "tag",
  aliases: ["image tag"],
  summary: "Create a tag TARGET_IMAGE that refers to SOURCE_IMAGE",
  usage: "SOURCE_IMAGE[:TAG] TARGET_IMAGE[:TAG]",
  options: [],
  example: "bocker tag busybox localhost:5000/busybox:1",
  minArguments: 2,
  maxArguments: 2,
  async run(context, parsed) {
    const [source = "", target = ""] = parsed.positionals;
    const engine = await openEngineFor(context);
    const { tagImage } = await import("../../engine/tag-image.ts");
    await tagImage(engine, source, target);
    return 0;
  },
};
