import { restartContainer } from "../../engine/restart-container.ts";
import { takeMonitor } from "../../engine/take-monitor.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { forEachContainer } from "./each-container.ts";
import { stopOptionSpecs, stopOptionsOf } from "./stop.ts";

/** `bocker restart`: stop, then start. */
export const command: CommandSpec = {
  name: "restart",
  aliases: ["container restart"],
  summary: "Restart one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: stopOptionSpecs,
  example: "bocker restart -t 2 web",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const options = stopOptionsOf(parsed);
    return forEachContainer(context, parsed.positionals, async (name) => {
      const warning = await restartContainer(engine, name, options, () => takeMonitor(context.global));
      if (warning !== undefined) context.err.write(`WARNING: ${warning}\n`);
    });
  },
};
