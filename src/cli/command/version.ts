import { hostArchitecture, kernelVersion } from "../../host/host-facts.ts";
import { version } from "../build-info.ts";
import type { CommandSpec } from "../command-spec.ts";

/** `bocker version`: of the program, and what it runs on. */
export const command: CommandSpec = {
  name: "version",
  summary: "Show the bocker version information",
  usage: "[OPTIONS]",
  options: [{ name: "format", short: "f", kind: "string", help: "Format output: 'json', or a Go template" }],
  example: "bocker version --format '{{.Version}}'",
  maxArguments: 0,
  async run(context, parsed) {
    const facts = {
      Version: version,
      Runtime: `Bun ${Bun.version}`,
      Os: "linux",
      Arch: hostArchitecture(),
      KernelVersion: kernelVersion().release,
    };
    const format = parsed.string("format");
    if (format === undefined) {
      const lines = Object.entries(facts).map(([name, value]) => ` ${`${name}:`.padEnd(16)} ${value}`);
      context.out.write(`bocker\n${lines.join("\n")}\n`);
      return 0;
    }
    const { parseFormat } = await import("../format.ts");
    // docker's two halves: scripts ask for {{.Client.Version}} and {{.Server.Version}}.
    const value = { ...facts, Client: facts, Server: facts };
    context.out.write(`${parseFormat(format).render(value)}\n`);
    return 0;
  },
};
