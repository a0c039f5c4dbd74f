import type { OptionSpec } from "../../config/option-spec.ts";
import { isLive } from "../../engine/container-state.ts";
import { type StopOptions, stopContainer } from "../../engine/stop-container.ts";
import { chooserOptions, forEachChosen, ignoreOption, insteadOfNames } from "../chosen-containers.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";

/** How a container is stopped; restart has the same. */
export const stopOptionSpecs: readonly OptionSpec[] = [
  { name: "signal", short: "s", kind: "string", help: "Signal to send to the container" },
  {
    name: "timeout",
    aliases: ["time"],
    short: "t",
    kind: "int",
    help: "Seconds to wait before killing the container",
  },
];

/** `bocker stop`: SIGTERM, patience, SIGKILL. */
export const command: CommandSpec = {
  name: "stop",
  aliases: ["container stop"],
  summary: "Stop one or more running containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [...stopOptionSpecs, ...chooserOptions("Stop all running containers", "afl"), ignoreOption],
  example: "bocker stop -t 2 web",
  minArguments: 1,
  insteadOfArguments: insteadOfNames,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const options = stopOptionsOf(parsed);
    return forEachChosen(context, parsed, engine, { isMeant: isLive }, async (name) => {
      const warning = await stopContainer(engine, name, options);
      if (warning !== undefined) context.err.write(`WARNING: ${warning}\n`);
    });
  },
};

/** -t and -s, of restart too. */
export function stopOptionsOf(parsed: ParsedArguments): StopOptions {
  const timeoutSeconds = parsed.int("timeout");
  const signal = parsed.string("signal");
  return {
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
    ...(signal === undefined ? {} : { signal }),
  };
}
