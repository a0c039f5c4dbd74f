import { removeNetworkNamed } from "../../engine/remove-network.ts";
import { BockerError } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { forEachContainer } from "./each-container.ts";

/** `bocker network rm`: networks that no container is in. */
export const command: CommandSpec = {
  name: "network rm",
  aliases: ["network remove", "rmn"],
  summary: "Remove one or more networks",
  usage: "NETWORK [NETWORK...]",
  options: [
    {
      name: "force",
      short: "f",
      kind: "boolean",
      help: "Do not error if the network does not exist",
    },
  ],
  example: "bocker network rm backend",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const isForced = parsed.boolean("force");
    const isIgnored = (error: unknown) =>
      isForced && error instanceof BockerError && error.kind === "not-found";
    return forEachContainer(context, parsed.positionals, async (name) => removeNetworkNamed(engine, name), {
      isIgnored,
    });
  },
};
