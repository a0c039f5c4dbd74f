import { inspectObject } from "../../engine/inspect-object.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { inspectEach } from "../inspect-each.ts";

/** `bocker image inspect`: `bocker inspect --type image`. */
export const command: CommandSpec = {
  name: "image inspect",
  summary: "Display detailed information on one or more images",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  options: [{ name: "format", short: "f", kind: "string", help: "Format output: 'json', or a Go template" }],
  example: "bocker image inspect busybox",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    return inspectEach(context, parsed.positionals, parsed.string("format"), (name) =>
      inspectObject(engine, name, "image"),
    );
  },
};
