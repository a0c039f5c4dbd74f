import { inspectObject } from "../../engine/inspect-object.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { inspectEach } from "../inspect-each.ts";

/** `bocker container inspect`: `bocker inspect --type container`. */
export const command: CommandSpec = {
  name: "container inspect",
  summary: "Display detailed information on one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [
    { name: "format", short: "f", kind: "string", help: "Format output: 'json', or a Go template" },
    { name: "size", short: "s", kind: "boolean", help: "Display total file sizes" },
  ],
  example: "bocker container inspect web",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    return inspectEach(context, parsed.positionals, parsed.string("format"), (name) =>
      inspectObject(engine, name, "container", { size: parsed.boolean("size") }),
    );
  },
};
