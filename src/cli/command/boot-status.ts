import { detectInit, findBootHooks } from "../../engine/install-boot-hook.ts";
import { ExitCode } from "../../errors.ts";
import { hookRequestOf, intoOf, intoOption } from "../boot-hook-options.ts";
import type { CommandSpec } from "../command-spec.ts";

/** `bocker boot status`: whether containers will be started with the machine. */
export const command: CommandSpec = {
  name: "boot status",
  summary: "Show whether containers are started with the machine; exit code 1 when they are not",
  usage: "[OPTIONS]",
  options: [intoOption],
  example: "bocker boot status",
  maxArguments: 0,
  async run(context, parsed) {
    const into = intoOf(parsed);
    context.out.write(`init system: ${detectInit(into) ?? "unknown"}\n`);
    const hooks = findBootHooks(await hookRequestOf(context), into);
    if (hooks.length === 0) context.out.write("boot hook: not installed\n");
    for (const { init, paths, isEnabled, isCurrent } of hooks) {
      const state = isEnabled ? "enabled" : "not enabled";
      const age = isCurrent ? "" : ", made by another installation";
      context.out.write(`boot hook: ${init}, ${state}${age}: ${paths.join(" ")}\n`);
    }
    return hooks.some(({ isEnabled }) => isEnabled) ? 0 : ExitCode.failure;
  },
};
