import { archivePlace } from "../archive-target.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker export`: a container's files as one tar. */
export const command: CommandSpec = {
  name: "export",
  aliases: ["container export"],
  summary: "Export a container's filesystem as a tar archive",
  usage: "[OPTIONS] CONTAINER",
  options: [{ name: "output", short: "o", kind: "string", help: "Write to a file, instead of STDOUT" }],
  example: "bocker export -o web.tar web",
  minArguments: 1,
  maxArguments: 1,
  run: (context, parsed) => exportTo(context, parsed.positionals[0] ?? "", parsed.string("output")),
};

/** Also `save -c`. */
export async function exportTo(
  context: CommandContext,
  container: string,
  output: string | undefined,
): Promise<number> {
  const place = archivePlace(context.out, output, "failed to export container");
  const engine = await openEngineFor(context);
  const [{ exportContainer }, { parseSourceDateEpoch }] = await Promise.all([
    import("../../engine/export-container.ts"),
    import("../../engine/image-time.ts"),
  ]);
  const epochSeconds = parseSourceDateEpoch(context.env.SOURCE_DATE_EPOCH);
  await exportContainer(engine, container, place, {
    compression: "none",
    pause: false,
    ...(epochSeconds === undefined ? {} : { epochSeconds }),
  });
  return 0;
}
