import { stopContainer } from "../../engine/stop-container.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { forEachContainer } from "./each-container.ts";

/** `bocker stop`: SIGTERM, patience, SIGKILL. */
export const command: CommandSpec = {
  name: "stop",
  aliases: ["container stop"],
  summary: "Stop one or more running containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [
    { name: "signal", short: "s", kind: "string", help: "Signal to send to the container" },
    {
      name: "timeout",
      aliases: ["time"],
      short: "t",
      kind: "int",
      help: "Seconds to wait before killing the container",
    },
  ],
  example: "bocker stop -t 2 web",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const timeoutSeconds = parsed.int("timeout");
    const signal = parsed.string("signal");
    return forEachContainer(context, parsed.positionals, (name) =>
      stopContainer(engine, name, {
        ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
        ...(signal === undefined ? {} : { signal }),
      }),
    );
  },
};
