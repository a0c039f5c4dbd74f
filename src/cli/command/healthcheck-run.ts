import { ExitCode } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker healthcheck run`: podman's way to look at a container's health at once. */
export const command: CommandSpec = {
  name: "healthcheck run",
  aliases: ["container healthcheck"],
  summary: "Run a container's health check: exit code 0 if it passes, 1 if not",
  usage: "[OPTIONS] CONTAINER",
  options: [{ name: "ignore-result", kind: "boolean", help: "Exit with 0 whatever the check finds" }],
  example: "bocker healthcheck run web",
  minArguments: 1,
  maxArguments: 1,
  async run(context, parsed) {
    const [name = ""] = parsed.positionals;
    const engine = await openEngineFor(context);
    const { checkHealthNow } = await import("../../engine/run-health-check.ts");
    if (await checkHealthNow(engine, name)) return 0;
    context.out.write("unhealthy\n");
    return parsed.boolean("ignore-result") ? 0 : ExitCode.failure;
  },
};
