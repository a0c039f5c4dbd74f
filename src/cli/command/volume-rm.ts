import { removeVolumeNamed } from "../../engine/volume.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { forEachContainer } from "./each-container.ts";

/** `bocker volume rm`: volumes that no container has a claim on, with their data. */
export const command: CommandSpec = {
  name: "volume rm",
  aliases: ["volume remove"],
  summary: "Remove one or more volumes",
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  options: [{ name: "force", short: "f", kind: "boolean", help: "Force the removal of one or more volumes" }],
  example: "bocker volume rm data",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const force = parsed.boolean("force");
    return forEachContainer(context, parsed.positionals, async (name) =>
      removeVolumeNamed(engine, name, { force }),
    );
  },
};
