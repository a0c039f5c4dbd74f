import { BockerError, ExitCode } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { renderError } from "../render-error.ts";

/** `bocker rmi`: untag images, and delete the ones that lose their last tag. */
export const command: CommandSpec = {
  name: "rmi",
  aliases: ["image rm", "image remove"],
  summary: "Remove one or more images",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  options: [{ name: "force", short: "f", kind: "boolean", help: "Force removal of the image" }],
  example: "bocker rmi alpine:3.19",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const { removeImage } = await import("../../engine/remove-image.ts");
    let exitCode = 0;
    for (const name of parsed.positionals) {
      try {
        if (name.trim() === "")
          throw new BockerError("image name cannot be blank", { kind: "invalid-reference" });
        for (const line of await removeImage(engine, name, { force: parsed.boolean("force") })) {
          context.out.write(
            "untagged" in line ? `Untagged: ${line.untagged}\n` : `Deleted: ${line.deleted}\n`,
          );
        }
      } catch (error) {
        exitCode = ExitCode.failure;
        const style = { prefix: "Error: ", debug: context.global.debug };
        context.err.write(renderError(error, style));
      }
    }
    return exitCode;
  },
};
