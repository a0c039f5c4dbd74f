import { inspectNetwork } from "../../engine/network-view.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { inspectEach } from "../inspect-each.ts";

/** `bocker network inspect`: everything known of networks, with the containers in them. */
export const command: CommandSpec = {
  name: "network inspect",
  summary: "Display detailed information on one or more networks",
  usage: "[OPTIONS] NETWORK [NETWORK...]",
  options: [
    { name: "format", short: "f", kind: "string", help: "Format output: 'json', or a Go template" },
    // Of what docker's swarm adds, there being none here.
    { name: "verbose", short: "v", kind: "boolean", help: "Verbose output for diagnostics" },
  ],
  example: "bocker network inspect bridge",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    return inspectEach(context, parsed.positionals, parsed.string("format"), async (name) =>
      inspectNetwork(engine, name),
    );
  },
};
