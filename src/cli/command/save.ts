import { BockerError } from "../../errors.ts";
import { archivePlace } from "../archive-target.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { UsageError } from "../usage-error.ts";
import { exportTo } from "./export.ts";

const formats = ["docker-archive", "oci-archive", "oci-dir"] as const;
type Format = (typeof formats)[number];

/** `bocker save`: images to an archive; with -c a container's files, as one of bocker's ancestors has it. */
export const command: CommandSpec = {
  name: "save",
  aliases: ["image save"],
  summary: "Save one or more images to a tar archive (streamed to STDOUT by default)",
  usage: "[OPTIONS] IMAGE [IMAGE...]",
  options: [
    { name: "container", short: "c", kind: "string", help: "Save a container's filesystem, as export does" },
    {
      name: "format",
      kind: "string",
      help: "Format of the output: docker-archive, oci-archive, or oci-dir (a directory)",
      defaultText: '"docker-archive"',
    },
    { name: "output", short: "o", kind: "string", help: "Write to a file, instead of STDOUT" },
  ],
  example: "bocker save -o alpine.tar alpine:3.20",
  run: save,
};

async function save(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const output = parsed.string("output");
  const container = parsed.string("container");
  const { positionals } = parsed;
  if (container !== undefined) {
    if (positionals.length > 0)
      throw new BockerError("save takes images or --container, not both", { kind: "usage" });
    return exportTo(context, container, output);
  }
  if (positionals.length === 0) throw new UsageError("requires at least 1 argument", "arguments");
  const format = parseFormat(parsed.string("format"));
  if (format === "oci-dir") return saveDirectory(context, positionals, output);
  const place = archivePlace(context.out, output, "failed to save image");
  const engine = await openEngineFor(context);
  const { saveArchive } = await import("../../engine/save-images.ts");
  await saveArchive(engine, positionals, format, place);
  return 0;
}

function parseFormat(text: string | undefined): Format {
  const format = formats.find((known) => known === (text ?? "docker-archive"));
  if (format !== undefined) return format;
  throw new BockerError(`unknown format ${JSON.stringify(text)}`, {
    kind: "usage",
    hint: `one of ${formats.join(", ")}`,
  });
}

async function saveDirectory(
  context: CommandContext,
  names: readonly string[],
  output: string | undefined,
): Promise<number> {
  if (output === undefined || output === "") {
    throw new BockerError("a directory cannot go to standard output: name it with -o", { kind: "usage" });
  }
  const engine = await openEngineFor(context);
  const { saveLayout } = await import("../../engine/save-images.ts");
  await saveLayout(engine, names, output);
  return 0;
}
