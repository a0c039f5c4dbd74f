import { inspectSecret } from "../../engine/secret.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { inspectEach } from "../inspect-each.ts";

/** `bocker secret inspect`: all that may be known of secrets; never a value. */
export const command: CommandSpec = {
  name: "secret inspect",
  summary: "Display detailed information on one or more secrets",
  usage: "[OPTIONS] SECRET [SECRET...]",
  options: [{ name: "format", short: "f", kind: "string", help: "Format output: 'json', or a Go template" }],
  example: "bocker secret inspect db-password",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    return inspectEach(context, parsed.positionals, parsed.string("format"), async (name) =>
      inspectSecret(engine, name),
    );
  },
};
