import { type WaitCondition, waitConditions, waitForContainer } from "../../engine/wait-container.ts";
import { ExitCode } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderError } from "../render-error.ts";

/** `bocker wait`: until containers end; prints their exit codes. */
export const command: CommandSpec = {
  name: "wait",
  aliases: ["container wait"],
  summary: "Block until one or more containers stop, then print their exit codes",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [
    {
      name: "condition",
      kind: "string",
      help: 'What to wait for ("not-running", "next-exit", "removed")',
      defaultText: "not-running",
      check: (text) => void parseCondition(text),
    },
  ],
  example: "bocker wait web",
  minArguments: 1,
  run: waitForThem,
};

async function waitForThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const condition = parseCondition(parsed.string("condition") ?? "not-running");
  let exitCode = 0;
  const waiting = parsed.positionals.map((name) => waitForContainer(engine, name, condition));
  // Looked at one after another below; until then none of them counts as unhandled.
  for (const each of waiting) each.catch(() => undefined);
  for (const each of waiting) {
    try {
      context.out.write(`${await each}\n`);
    } catch (error) {
      exitCode = ExitCode.failure;
      context.err.write(renderError(error, { prefix: "Error: ", debug: context.global.debug }));
    }
  }
  return exitCode;
}

function parseCondition(text: string): WaitCondition {
  const condition = waitConditions.find((each) => each === text);
  if (condition === undefined) throw new Error(`invalid condition: ${JSON.stringify(text)}`);
  return condition;
}
