import { archivePlace } from "../archive-target.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker volume export`: the files of a volume as one tar. */
export const command: CommandSpec = {
  name: "volume export",
  summary: "Export the contents of a volume as a tar archive",
  usage: "[OPTIONS] VOLUME",
  options: [{ name: "output", short: "o", kind: "string", help: "Write to a file, instead of STDOUT" }],
  example: "bocker volume export -o data.tar data",
  minArguments: 1,
  maxArguments: 1,
  async run(context, parsed) {
    const output = parsed.string("output");
    const path = output === "-" ? undefined : output;
    const place = archivePlace(context.out, path, "failed to export volume");
    const engine = await openEngineFor(context);
    const { exportVolume } = await import("../../engine/volume-archive.ts");
    await exportVolume(engine, parsed.positionals[0] ?? "", place);
    return 0;
  },
};
