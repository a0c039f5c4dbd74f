import type { EngineInfo } from "../../engine/info.ts";
import { loadInfo } from "../../engine/info.ts";
import { version } from "../build-info.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { renderMemorySize } from "../table.ts";

/** `bocker info`: the engine's counts, and what it chose on this host and why. */
export const command: CommandSpec = {
  name: "info",
  aliases: ["system info"],
  summary: "Display system-wide information",
  usage: "[OPTIONS]",
  options: [{ name: "format", short: "f", kind: "string", help: "Format output: 'json', or a Go template" }],
  example: "bocker info --format '{{.Driver}}'",
  maxArguments: 0,
  async run(context, parsed) {
    const info = await loadInfo(await openEngineFor(context), version);
    const format = parsed.string("format");
    if (format !== undefined) {
      const { parseFormat } = await import("../format.ts");
      const value = { ...info, ClientInfo: clientOf(context) };
      context.out.write(`${parseFormat(format).render(value)}\n`);
      return 0;
    }
    context.out.write(renderInfo(info, context));
    for (const warning of info.Warnings) context.err.write(`${warning}\n`);
    return 0;
  },
};

function clientOf({ global }: CommandContext) {
  return { Debug: global.debug, Version: version, Context: "default", Plugins: [], Warnings: null };
}

function renderInfo(info: EngineInfo, context: CommandContext): string {
  const details = info.DriverStatus.map(([name, value]) => `  ${name}: ${value}`);
  const firewall = info.FirewallBackend.Info.map(([name, value]) => `  ${name}: ${value}`);
  const lines = [
    "Client:",
    ` Version:    ${version}`,
    " Context:    default",
    ` Debug Mode: ${context.global.debug}`,
    "",
    "Server:",
    ` Containers: ${info.Containers}`,
    `  Running: ${info.ContainersRunning}`,
    `  Paused: ${info.ContainersPaused}`,
    `  Stopped: ${info.ContainersStopped}`,
    ` Images: ${info.Images}`,
    ` Server Version: ${version}`,
    ` Storage Driver: ${info.Driver}`,
    ...details,
    " Logging Driver: json-file",
    ` Cgroup Driver: ${info.CgroupDriver}`,
    ` Cgroup Version: ${info.CgroupVersion}`,
    ` Firewall Backend: ${info.FirewallBackend.Driver}`,
    ...firewall,
    ` Kernel Version: ${info.KernelVersion}`,
    ` Operating System: ${info.OperatingSystem}`,
    ` OSType: ${info.OSType}`,
    ` Architecture: ${info.Architecture}`,
    ` CPUs: ${info.NCPU}`,
    ` Total Memory: ${renderMemorySize(info.MemTotal)}`,
    ` Name: ${info.Name}`,
    ` Root Dir: ${info.RootDir}`,
    " Live Restore Enabled: true",
  ];
  return `${lines.join("\n")}\n`;
}
