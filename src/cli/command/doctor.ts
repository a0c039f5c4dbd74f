import { loadEngineSettings } from "../../config/engine-settings.ts";
import { type Diagnosis, diagnoseHost } from "../../engine/doctor.ts";
import { ExitCode } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";

/** `bocker doctor`: is this host fit for containers? Exit code 1 when something is missing that they need. */
export const command: CommandSpec = {
  name: "doctor",
  summary: "Check whether this host has what containers need",
  usage: "[OPTIONS]",
  options: [{ name: "format", short: "f", kind: "string", help: "Format output: 'json', or a Go template" }],
  example: "bocker doctor",
  maxArguments: 0,
  async run(context, parsed) {
    const findings = diagnoseHost(await loadEngineSettings(context.global, context.env));
    const format = parsed.string("format");
    if (format === undefined) context.out.write(renderFindings(findings));
    else {
      const { parseFormat } = await import("../format.ts");
      context.out.write(`${parseFormat(format).render(findings.map(toJson))}\n`);
    }
    return findings.some(({ status }) => status === "fail") ? ExitCode.failure : 0;
  },
};

/** `ok    kernel   6.1.0`, and a hint on a line of its own. */
function renderFindings(findings: readonly Diagnosis[]): string {
  const width = Math.max(...findings.map(({ name }) => name.length));
  return findings
    .flatMap(({ status, name, found, hint }) => [
      `${status.padEnd(4)}  ${name.padEnd(width)}  ${found}\n`,
      ...(hint === undefined ? [] : [`${" ".repeat(width + 8)}hint: ${hint}\n`]),
    ])
    .join("");
}

function toJson({ name, status, found, hint }: Diagnosis) {
  return { Name: name, Status: status, Found: found, Hint: hint ?? "" };
}
