import { killContainer } from "../../engine/stop-container.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { forEachContainer } from "./each-container.ts";

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
  ],
  example: "bocker kill -s HUP web",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const signal = parsed.string("signal") ?? "KILL";
    return forEachContainer(context, parsed.positionals, (name) => killContainer(engine, name, signal));
  },
};
