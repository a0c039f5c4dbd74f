import { loadEngineSettings } from "../../config/engine-settings.ts";
import type { OptionSpec } from "../../config/option-spec.ts";
import type { Engine } from "../../engine/engine.ts";
import { BockerError, ExitCode } from "../../errors.ts";
import type { ContainerRecord } from "../../state/record.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineWith } from "../engine-of.ts";
import { optionHostOf } from "../option-host.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { pullReporter } from "../pull-reporter.ts";
import { createCommandOptions, resolveRunArguments, runParseRules } from "../run-arguments.ts";

const bundleOption: OptionSpec = {
  name: "bundle",
  kind: "string",
  help: "Lay a bundle out in this directory: config.json, rootfs and the files it mounts",
};

/** `bocker spec`: what run would give an OCI runtime. */
export const command: CommandSpec = {
  name: "spec",
  aliases: [],
  summary: "Write the OCI configuration, or the bundle, that run would use",
  usage: "[OPTIONS] IMAGE|CONTAINER [COMMAND] [ARG...]",
  example: "bocker spec --bundle ./web busybox httpd -f && bocker oci run -b ./web web",
  ...runParseRules,
  options: [...createCommandOptions, bundleOption],
  failureCode: ExitCode.failure,
  async run(context, parsed) {
    const settings = await loadEngineSettings(context.global, context.env);
    const engine = openEngineWith(settings);
    const directory = parsed.string(bundleOption.name);
    const bundles = await import("../../engine/container-bundle.ts");
    const record = await containerOf(engine, parsed);
    if (record !== undefined) {
      using source = bundles.sourceOfContainer(engine, record);
      return await write(context, bundles, engine, source, directory);
    }
    const host = optionHostOf(context);
    const { config, client, warnings } = await resolveRunArguments(parsed, host, settings.containerDefaults);
    for (const warning of warnings) context.err.write(`WARNING: ${warning}\n`);
    using source = await bundles.sourceOfImage(engine, config, pullReporter(context, client.quiet));
    return await write(context, bundles, engine, source, directory);
  },
};

type Bundles = typeof import("../../engine/container-bundle.ts");
type Source = ReturnType<Bundles["sourceOfContainer"]>;

/** One word alone may be a container's name; its options are its own then. */
async function containerOf(engine: Engine, parsed: ParsedArguments): Promise<ContainerRecord | undefined> {
  const [word, ...more] = parsed.positionals;
  const hasOptions = [...parsed.raw.keys()].some((name) => name !== bundleOption.name);
  if (word === undefined || more.length > 0 || hasOptions) return undefined;
  const { loadContainer } = await import("../../engine/find-container.ts");
  try {
    return await loadContainer(engine, word);
  } catch (error) {
    if (error instanceof BockerError && error.kind === "not-found") return undefined;
    throw error;
  }
}

async function write(
  context: CommandContext,
  bundles: Bundles,
  engine: Engine,
  source: Source,
  directory: string | undefined,
): Promise<number> {
  if (directory === undefined) context.out.write(await bundles.renderBundleConfig(engine, source, "."));
  else await bundles.writeBundle(engine, source, directory);
  return 0;
}
