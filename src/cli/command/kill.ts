import { isLive } from "../../engine/container-state.ts";
import { killContainer } from "../../engine/stop-container.ts";
import { chooserOptions, forEachChosen, insteadOfNames } from "../chosen-containers.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker kill`: one signal. */
export const command: CommandSpec = {
  name: "kill",
  aliases: ["container kill"],
  summary: "Kill one or more running containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [
    {
      name: "signal",
      short: "s",
      kind: "string",
      help: "Signal to send to the container",
      defaultText: "KILL",
    },
    ...chooserOptions("Signal all running containers", "afl"),
  ],
  example: "bocker kill -s HUP web",
  minArguments: 1,
  insteadOfArguments: insteadOfNames,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const signal = parsed.string("signal") ?? "KILL";
    return forEachChosen(context, parsed, engine, { isMeant: isLive }, (name) =>
      killContainer(engine, name, signal),
    );
  },
};
