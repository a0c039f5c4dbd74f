import { inspectVolume } from "../../engine/volume.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { inspectEach } from "../inspect-each.ts";

/** `bocker volume inspect`: everything known of volumes. */
export const command: CommandSpec = {
  name: "volume inspect",
  summary: "Display detailed information on one or more volumes",
  usage: "[OPTIONS] VOLUME [VOLUME...]",
  options: [{ name: "format", short: "f", kind: "string", help: "Format output: 'json', or a Go template" }],
  example: "bocker volume inspect data",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    return inspectEach(context, parsed.positionals, parsed.string("format"), async (name) =>
      inspectVolume(engine, name),
    );
  },
};
