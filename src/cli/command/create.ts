import { isEngineRefusal } from "../../config/engine-refusal.ts";
import { loadEngineSettings } from "../../config/engine-settings.ts";
import { createFromImage } from "../../engine/run-container.ts";
import { BockerError, ExitCode } from "../../errors.ts";
import { CidFile } from "../cid-file.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineWith } from "../engine-of.ts";
import { optionHostOf } from "../option-host.ts";
import { pullReporter } from "../pull-reporter.ts";
import { createCommandOptions, resolveRunArguments, runParseRules } from "../run-arguments.ts";
import { refuseNetworkName } from "../short-name.ts";

/** `bocker create`: all of run but the starting. */
export const command: CommandSpec = {
  name: "create",
  aliases: ["container create"],
  summary: "Create a new container",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  example: "bocker create --name web -p 8080:80 busybox httpd -f",
  ...runParseRules,
  options: createCommandOptions,
  failureCode: ExitCode.engine,
  async run(context, parsed) {
    const settings = await loadEngineSettings(context.global, context.env);
    const host = optionHostOf(context);
    const { config, client, warnings } = await resolveRunArguments(
      parsed,
      host,
      settings.containerDefaults,
    ).catch((error: unknown) => {
      throw isEngineRefusal(error) ? asRefusal(error) : error;
    });
    for (const warning of warnings) context.err.write(`WARNING: ${warning}\n`);
    const engine = openEngineWith(settings);
    await refuseNetworkName(engine, client.shortName);
    using cidFile = client.cidfile === undefined ? undefined : new CidFile(client.cidfile);
    const warn = (line: string) => context.err.write(`WARNING: ${line}\n`);
    const options = { ...pullReporter(context, client.quiet), replace: client.replace, warn };
    const record = await createFromImage(engine, config, options).catch((error: unknown) => {
      throw asRefusal(error);
    });
    cidFile?.write(record.id);
    context.out.write(`${record.id}\n`);
    return 0;
  },
};

/** 125 is for words that make no sense; what the engine refuses ends `create` with 1, and only `run` with 125. */
function asRefusal(error: unknown): unknown {
  if (!(error instanceof BockerError)) return error;
  const { hint, details, cause } = error;
  const exitCode = ExitCode.failure;
  // What the engine refuses needs no pointer to the help.
  const kind = isEngineRefusal(error) ? "invalid-config" : error.kind;
  return new BockerError(error.message, {
    kind,
    details,
    cause,
    exitCode,
    ...(hint === undefined ? {} : { hint }),
  });
}
