import { unpauseContainer } from "../../engine/pause-container.ts";
import { type Choice, chooserOptions, forEachChosen, insteadOfNames } from "../chosen-containers.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

const choice: Choice = { isMeant: ({ status }) => status === "paused" };

/** `bocker unpause`: paused processes go on. */
export const command: CommandSpec = {
  name: "unpause",
  aliases: ["container unpause"],
  summary: "Unpause all processes within one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: chooserOptions("Unpause all paused containers", "afl"),
  example: "bocker unpause web",
  minArguments: 1,
  insteadOfArguments: insteadOfNames,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    return forEachChosen(context, parsed, engine, choice, (name) => unpauseContainer(engine, name));
  },
};
