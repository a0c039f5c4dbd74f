import { pauseContainer } from "../../engine/pause-container.ts";
import { type Choice, chooserOptions, forEachChosen, insteadOfNames } from "../chosen-containers.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

const choice: Choice = { isMeant: ({ status }) => status === "running" };

/** `bocker pause`: every process stands still where it is. */
export const command: CommandSpec = {
  name: "pause",
  aliases: ["container pause"],
  summary: "Pause all processes within one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: chooserOptions("Pause all running containers", "afl"),
  example: "bocker pause web",
  minArguments: 1,
  insteadOfArguments: insteadOfNames,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    return forEachChosen(context, parsed, engine, choice, (name) => pauseContainer(engine, name));
  },
};
