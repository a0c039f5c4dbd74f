import { parsePlatform } from "../../image/platform.ts";
import { byteProgress } from "../byte-progress.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { parseTargetName } from "../target-name.ts";

/** `bocker import`: an image of one layer from a tar, a URL or a directory. */
export const command: CommandSpec = {
  name: "import",
  aliases: ["image import"],
  summary: "Import the contents from a tarball to create a filesystem image",
  usage: "[OPTIONS] file|directory|URL|- [REPOSITORY[:TAG]]",
  options: [
    { name: "change", short: "c", kind: "list", help: "Apply Dockerfile instruction to the created image" },
    { name: "message", short: "m", kind: "string", help: "Set commit message for imported image" },
    { name: "platform", kind: "string", help: "Set platform if server is multi-platform capable" },
    { name: "quiet", short: "q", kind: "boolean", help: "Suppress the progress" },
  ],
  example: "bocker import rootfs.tar.gz mine:1",
  minArguments: 1,
  maxArguments: 2,
  async run(context, parsed) {
    const [source = "", name] = parsed.positionals;
    context.out.write(`${await importNamed(context, parsed, source, name)}\n`);
    return 0;
  },
};

/** Also `init` and `buildBase`; options that they do not have are absent. Gives the image's id. */
export async function importNamed(
  context: CommandContext,
  parsed: Pick<ParsedArguments, "boolean" | "list" | "string">,
  source: string,
  name: string | undefined,
): Promise<string> {
  const target = parseTargetName(name);
  const [message, platform] = [parsed.string("message"), parsed.string("platform")];
  const engine = await openEngineFor(context);
  const [{ importRootfs }, { parseSourceDateEpoch }] = await Promise.all([
    import("../../engine/import-file.ts"),
    import("../../engine/image-time.ts"),
  ]);
  const epochSeconds = parseSourceDateEpoch(context.env.SOURCE_DATE_EPOCH);
  const progress = byteProgress(context.err, "Importing", parsed.boolean("quiet"));
  try {
    return await importRootfs(engine, source, target, {
      changes: parsed.list("change"),
      ...(message === undefined ? {} : { message }),
      ...(platform === undefined ? {} : { platform: parsePlatform(platform) }),
      ...(epochSeconds === undefined ? {} : { epochSeconds }),
      onProgress: progress.show,
    });
  } finally {
    progress.clear();
  }
}
