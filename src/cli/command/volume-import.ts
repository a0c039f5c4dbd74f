import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker volume import`: unpacks a tar over what is in a volume. */
export const command: CommandSpec = {
  name: "volume import",
  summary: "Import the contents of a tar archive into a volume",
  usage: "VOLUME FILE|-",
  options: [],
  example: "bocker volume import data data.tar",
  minArguments: 2,
  maxArguments: 2,
  async run(context, parsed) {
    const [name = "", source = ""] = parsed.positionals;
    const engine = await openEngineFor(context);
    const { importVolume } = await import("../../engine/volume-archive.ts");
    await importVolume(engine, name, source);
    return 0;
  },
};
