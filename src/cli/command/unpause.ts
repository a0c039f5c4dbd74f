import { unpauseContainer } from "../../engine/pause-container.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { forEachContainer } from "./each-container.ts";

/** `bocker unpause`: paused processes go on. */
export const command: CommandSpec = {
  name: "unpause",
  aliases: ["container unpause"],
  summary: "Unpause all processes within one or more containers",
  usage: "CONTAINER [CONTAINER...]",
  options: [],
  example: "bocker unpause web",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    return forEachContainer(context, parsed.positionals, (name) => unpauseContainer(engine, name));
  },
};
