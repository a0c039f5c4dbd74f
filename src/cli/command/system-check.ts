import { checkSystem } from "../../engine/check-system.ts";
import { ExitCode } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker system check`: is everything that should be there, and nothing else? Exit code 1 when not. */
export const command: CommandSpec = {
  name: "system check",
  summary: "Check images, containers and volumes for damage and leftovers",
  usage: "[OPTIONS]",
  options: [
    { name: "deep", kind: "boolean", help: "Read every blob and verify its digest" },
    { name: "quiet", short: "q", kind: "boolean", help: "Only set the exit code" },
    { name: "repair", short: "r", kind: "boolean", help: "Put right what can be, and remove leftovers" },
  ],
  example: "bocker system check --deep --repair",
  maxArguments: 0,
  async run(context, parsed) {
    const options = { deep: parsed.boolean("deep"), repair: parsed.boolean("repair") };
    const findings = await checkSystem(await openEngineFor(context), options);
    const left = findings.filter(({ isRepaired }) => !isRepaired);
    if (!parsed.boolean("quiet")) {
      for (const { what, isRepaired, hint } of findings) {
        context.out.write(`${what}${isRepaired ? " (repaired)" : ""}\n`);
        if (hint !== undefined) context.out.write(`  hint: ${hint}\n`);
      }
      context.out.write(`${summaryOf(findings.length, left.length)}\n`);
    }
    return left.length === 0 ? 0 : ExitCode.failure;
  },
};

function summaryOf(found: number, left: number): string {
  if (found === 0) return "No problems found";
  const noun = `${found} problem${found === 1 ? "" : "s"} found`;
  return left === found ? noun : `${noun}, ${found - left} repaired`;
}
