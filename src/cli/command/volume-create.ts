import { createVolume } from "../../engine/volume.ts";
import { BockerError } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { keyValues } from "../key-value.ts";

/** `bocker volume create`: a named volume, or one with a made-up name. */
export const command: CommandSpec = {
  name: "volume create",
  summary: "Create a volume",
  usage: "[OPTIONS] [VOLUME]",
  options: [
    {
      name: "driver",
      short: "d",
      kind: "string",
      help: "Specify volume driver name",
      defaultText: '"local"',
    },
    { name: "label", kind: "list", help: "Set metadata for a volume" },
    { name: "name", kind: "string", help: "", hidden: true },
    { name: "opt", short: "o", kind: "map", help: "Set driver specific options" },
  ],
  example: "bocker volume create --label team=web data",
  maxArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const named = parsed.string("name") ?? "";
    const name = parsed.positionals[0] ?? named;
    if (named !== "" && parsed.positionals.length > 0) {
      throw new BockerError(
        "conflicting options: cannot specify a volume-name through both --name and as a positional arg",
        { kind: "usage" },
      );
    }
    const made = createVolume(engine, {
      ...(name === "" ? {} : { name }),
      driver: parsed.string("driver") ?? "local",
      labels: keyValues(parsed.list("label")),
      options: keyValues(parsed.list("opt")),
    });
    context.out.write(`${made}\n`);
    return 0;
  },
};
