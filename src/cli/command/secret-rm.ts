import { loadSecrets, removeSecret } from "../../engine/secret.ts";
import { BockerError, ExitCode } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderError } from "../render-error.ts";
import { UsageError } from "../usage-error.ts";

/** `bocker secret rm`: containers that were made with a secret keep its value. */
export const command: CommandSpec = {
  name: "secret rm",
  aliases: ["secret remove"],
  summary: "Remove one or more secrets",
  usage: "[OPTIONS] SECRET [SECRET...]",
  options: [
    { name: "all", short: "a", kind: "boolean", help: "Remove all secrets" },
    { name: "ignore", short: "i", kind: "boolean", help: "Ignore when a secret is not there" },
  ],
  example: "bocker secret rm db-password",
  run: remove,
};

async function remove(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const all = parsed.boolean("all");
  if (all && parsed.positionals.length > 0) throw new UsageError("--all takes no arguments", "arguments");
  if (!all && parsed.positionals.length === 0) {
    throw new UsageError("requires at least 1 argument", "arguments");
  }
  const engine = await openEngineFor(context);
  const names = all ? loadSecrets(engine).map(({ id }) => id) : parsed.positionals;
  let exitCode = 0;
  for (const name of names) {
    try {
      context.out.write(`${removeSecret(engine, name)}\n`);
    } catch (error) {
      const isTolerated = error instanceof BockerError && error.kind === "not-found";
      if (isTolerated && (all || parsed.boolean("ignore"))) continue;
      context.err.write(renderError(error, { prefix: "Error: ", debug: context.global.debug }));
      exitCode = ExitCode.failure;
    }
  }
  return exitCode;
}
