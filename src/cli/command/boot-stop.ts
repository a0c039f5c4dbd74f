import { stopForShutdown } from "../../engine/boot-containers.ts";
import { ExitCode } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderError } from "../render-error.ts";

/** `bocker boot stop`: for the hook of a system that goes down. */
export const command: CommandSpec = {
  name: "boot stop",
  summary: "Stop all containers because the system goes down; the next boot starts them again",
  usage: "[OPTIONS]",
  options: [
    {
      name: "timeout",
      aliases: ["time"],
      short: "t",
      kind: "int",
      help: "Seconds to wait before killing a container, instead of its own time",
    },
  ],
  example: "bocker boot stop",
  maxArguments: 0,
  run: stop,
};

async function stop(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const timeoutSeconds = parsed.int("timeout");
  let exitCode = 0;
  await stopForShutdown(engine, {
    ...(timeoutSeconds === undefined ? {} : { timeoutSeconds }),
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
