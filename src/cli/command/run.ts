import { type EngineSettings, loadEngineSettings } from "../../config/engine-settings.ts";
import { clientEventsOf } from "../../engine/client-events.ts";
import { createFromImage, startCreated } from "../../engine/run-container.ts";
import { takeMonitor } from "../../engine/take-monitor.ts";
import { ExitCode } from "../../errors.ts";
import { checkInputTerminal } from "../../terminal/run-attached.ts";
import { CidFile } from "../cid-file.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineWith } from "../engine-of.ts";
import { optionHostOf } from "../option-host.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { pullReporter } from "../pull-reporter.ts";
import { resolveRunArguments, runCommandOptions, runParseRules } from "../run-arguments.ts";
import { attachAndWait, attachRequestFor } from "../run-session.ts";
import { refuseNetworkName } from "../short-name.ts";

/** `bocker run`: create, start, and stay with the container unless -d. */
export const command: CommandSpec = {
  name: "run",
  aliases: ["container run"],
  summary: "Create and run a new container from an image",
  usage: "[OPTIONS] IMAGE [COMMAND] [ARG...]",
  example: "bocker run --rm -it busybox sh",
  ...runParseRules,
  options: runCommandOptions,
  failureCode: ExitCode.engine,
  async run(context, parsed) {
    return runContainer(context, parsed, await loadEngineSettings(context.global, context.env));
  },
};

async function runContainer(
  context: CommandContext,
  parsed: ParsedArguments,
  settings: EngineSettings,
): Promise<number> {
  const host = optionHostOf(context);
  const { config, client, warnings } = await resolveRunArguments(parsed, host, settings.containerDefaults);
  if (client.detach && client.attach.length > 0) {
    // Without a prefix and with 1, unlike every other conflict: docker's own.
    context.err.write("conflicting options: cannot specify both --attach and --detach\n");
    return ExitCode.failure;
  }
  for (const warning of warnings) context.err.write(`WARNING: ${warning}\n`);
  const engine = openEngineWith(settings);
  await refuseNetworkName(engine, client.shortName);
  const reporter = pullReporter(context, client.quiet);
  if (client.dryRun) {
    const { renderDryRun } = await import("../../engine/dry-run.ts");
    context.out.write(await renderDryRun(engine, config));
    return 0;
  }
  const request = client.detach ? undefined : attachRequestFor(config, client.attach);
  if (request !== undefined) checkInputTerminal({ stdin: request.stdin, tty: config.tty });
  using cidFile = client.cidfile === undefined ? undefined : new CidFile(client.cidfile);
  const monitor = takeMonitor(context.global);
  const warn = (line: string) => context.err.write(`WARNING: ${line}\n`);
  const options = { ...reporter, replace: client.replace, warn };
  const record = await createFromImage(engine, config, options, monitor);
  cidFile?.write(record.id);
  // Nothing else would tell it.
  if (request?.stdout === false && !request.stderr) context.out.write(`${record.id}\n`);
  const session = await startCreated(engine, record, monitor, request);
  if (request !== undefined) {
    const sigProxy = client.sigProxy && "always";
    const events = clientEventsOf(engine, record.id);
    return await attachAndWait(session, request, { ...config, ...client, ...events, sigProxy });
  }
  session.detach();
  context.out.write(`${record.id}\n`);
  return 0;
}
