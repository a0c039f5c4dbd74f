import { bootContainers, containersToBoot } from "../../engine/boot-containers.ts";
import { takeMonitor } from "../../engine/take-monitor.ts";
import { ExitCode } from "../../errors.ts";
import { cpuCount } from "../../host/host-facts.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderError } from "../render-error.ts";
import { UsageError } from "../usage-error.ts";

/** `bocker boot`: what docker's daemon does when the machine starts. */
export const command: CommandSpec = {
  name: "boot",
  summary: "Start the containers whose restart policy wants them to run, as after a reboot",
  usage: "[OPTIONS]",
  options: [
    { name: "dry-run", kind: "boolean", help: "List what would be started, in this order" },
    {
      name: "parallel",
      kind: "int",
      placeholder: "int",
      help: "How many to start at a time (default: twice the CPUs)",
    },
  ],
  example: "bocker boot --dry-run",
  maxArguments: 0,
  run: boot,
};

async function boot(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const parallel = parsed.int("parallel") ?? cpuCount() * 2;
  if (parallel < 1) throw new UsageError("--parallel must be at least 1", "flag");
  const engine = await openEngineFor(context);
  if (parsed.boolean("dry-run")) {
    for (const { name } of (await containersToBoot(engine)).flat()) context.out.write(`${name}\n`);
    return 0;
  }
  let exitCode = 0;
  await bootContainers(engine, {
    parallel,
    takeMonitor: () => takeMonitor(context.global),
    done: ({ name }, error) => {
      if (error === undefined) {
        context.out.write(`${name}\n`);
        return;
      }
      exitCode = ExitCode.failure;
      context.err.write(renderError(error, { prefix: `Error: ${name}: `, debug: context.global.debug }));
    },
  });
  return exitCode;
}
