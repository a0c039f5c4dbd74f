import { loadEngineSettings } from "../../config/engine-settings.ts";
import { parseReference, withDefaultTag } from "../../image/reference.ts";
import type { CommandSpec } from "../command-spec.ts";

/** docker indents an index by three spaces, and everything else by tabs. */
const indexIndent = 3;

/** `bocker manifest inspect`: a manifest or index as the registry has it. */
export const command: CommandSpec = {
  name: "manifest inspect",
  aliases: [],
  summary: "Display an image manifest, or manifest list",
  usage: "[OPTIONS] MANIFEST",
  options: [
    { name: "insecure", kind: "boolean", help: "Allow communication with an insecure registry" },
    {
      name: "verbose",
      short: "v",
      kind: "boolean",
      help: "Output additional info including layers and platform",
    },
  ],
  example: "bocker manifest inspect localhost:5000/web:1.2",
  minArguments: 1,
  maxArguments: 1,
  async run(context, parsed) {
    const reference = withDefaultTag(parseReference(parsed.positionals[0] ?? ""));
    const { registries } = await loadEngineSettings(context.global, context.env);
    const insecure = parsed.boolean("insecure") ? [reference.registry] : [];
    const settings = { ...registries, insecure: [...registries.insecure, ...insecure] };
    const engine = await import("../../engine/manifest-inspect.ts");
    if (parsed.boolean("verbose")) {
      const verbose = await engine.inspectManifestVerbose(settings, reference);
      context.out.write(`${JSON.stringify(verbose, null, "\t")}\n`);
      return 0;
    }
    const { document, isIndex } = await engine.inspectManifest(settings, reference);
    context.out.write(`${JSON.stringify(document, null, isIndex ? indexIndent : "\t")}\n`);
    return 0;
  },
};
