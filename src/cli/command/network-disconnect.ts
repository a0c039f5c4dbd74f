import { disconnectNetwork } from "../../engine/connect-network.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker network disconnect`: one interface less for a container, at once where it runs. */
export const command: CommandSpec = {
  name: "network disconnect",
  summary: "Disconnect a container from a network",
  usage: "[OPTIONS] NETWORK CONTAINER",
  options: [
    {
      name: "force",
      short: "f",
      kind: "boolean",
      help: "Force the container to disconnect from a network",
    },
  ],
  example: "bocker network disconnect backend web",
  minArguments: 2,
  maxArguments: 2,
  async run(context, parsed) {
    const [network = "", container = ""] = parsed.positionals;
    const force = parsed.boolean("force");
    await disconnectNetwork(await openEngineFor(context), network, container, { force });
    return 0;
  },
};
