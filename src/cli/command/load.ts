import type { LoadEvent } from "../../engine/load-images.ts";
import { BockerError } from "../../errors.ts";
import { parsePlatform } from "../../image/platform.ts";
import { byteProgress } from "../byte-progress.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";

/** `bocker load`: the images of an archive into the store. */
export const command: CommandSpec = {
  name: "load",
  aliases: ["image load"],
  summary: "Load an image from a tar archive or STDIN",
  usage: "[OPTIONS]",
  options: [
    { name: "input", short: "i", kind: "string", help: "Read from tar archive file, instead of STDIN" },
    { name: "platform", kind: "string", help: "Load only the given platform of a multi-platform image" },
    { name: "quiet", short: "q", kind: "boolean", help: "Suppress the load output" },
  ],
  example: "bocker load -i alpine.tar",
  maxArguments: 0,
  run: load,
};

async function load(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const input = parsed.string("input");
  if (!input && process.stdin.isTTY) {
    throw new BockerError("requested load from stdin, but stdin is empty", { kind: "usage" });
  }
  const platform = parsed.string("platform");
  const engine = await openEngineFor(context);
  const { loadFile, loadStandardInput } = await import("../../engine/load-images.ts");
  const progress = byteProgress(context.err, "Loading", parsed.boolean("quiet"));
  const options = {
    ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
    onEvent(event: LoadEvent) {
      if (event.kind === "read") progress.show(event.doneBytes, event.totalBytes);
      else {
        progress.clear();
        context.out.write(`${renderEvent(event)}\n`);
      }
    },
  };
  try {
    await (input ? loadFile(engine, input, options) : loadStandardInput(engine, options));
  } finally {
    progress.clear();
  }
  return 0;
}

function renderEvent(event: Exclude<LoadEvent, { kind: "read" }>): string {
  if (event.kind === "loaded") {
    return event.name === undefined ? `Loaded image ID: ${event.id}` : `Loaded image: ${event.name}`;
  }
  return `The image ${event.name} already exists, renaming the old one with ID ${event.previousId} to empty string`;
}
