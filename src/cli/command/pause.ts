import { pauseContainer } from "../../engine/pause-container.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { forEachContainer } from "./each-container.ts";

/** `bocker pause`: every process stands still where it is. */
export const command: CommandSpec = {
  name: "pause",
  aliases: ["container pause"],
  summary: "Pause all processes within one or more containers",
  usage: "CONTAINER [CONTAINER...]",
  options: [],
  example: "bocker pause web",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    return forEachContainer(context, parsed.positionals, (name) => pauseContainer(engine, name));
  },
};
