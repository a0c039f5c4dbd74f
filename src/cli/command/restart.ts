import { isLive } from "../../engine/container-state.ts";
import { restartContainer } from "../../engine/restart-container.ts";
import { takeMonitor } from "../../engine/take-monitor.ts";
import { chooserOptions, forEachChosen, insteadOfNames } from "../chosen-containers.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { stopOptionSpecs, stopOptionsOf } from "./stop.ts";

/** `bocker restart`: stop, then start. */
export const command: CommandSpec = {
  name: "restart",
  aliases: ["container restart"],
  summary: "Restart one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [
    ...stopOptionSpecs,
    ...chooserOptions("Restart all containers", "afl"),
    { name: "running", kind: "boolean", help: "Restart only running containers" },
  ],
  example: "bocker restart -t 2 web",
  minArguments: 1,
  insteadOfArguments: [...insteadOfNames, "running"],
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const options = stopOptionsOf(parsed);
    const isMeant = parsed.boolean("running") ? isLive : () => true;
    return forEachChosen(context, parsed, engine, { isMeant }, async (name) => {
      const warning = await restartContainer(engine, name, options, () => takeMonitor(context.global));
      if (warning !== undefined) context.err.write(`WARNING: ${warning}\n`);
    });
  },
};
