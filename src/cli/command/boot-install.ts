import { type InitSystem, initSystems } from "../../engine/boot-hook.ts";
import { detectInit, installBootHook } from "../../engine/install-boot-hook.ts";
import { BockerError } from "../../errors.ts";
import { hookRequestOf, intoOf, intoOption } from "../boot-hook-options.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { UsageError } from "../usage-error.ts";

/** `bocker boot install`: has the machine call `bocker boot` when it starts. */
export const command: CommandSpec = {
  name: "boot install",
  summary: "Have the init system start containers with the machine and stop them with it",
  usage: "[OPTIONS]",
  options: [
    {
      name: "init",
      kind: "string",
      help: `Init system (${initSystems.map((name) => `"${name}"`).join(", ")}); the machine's when not given`,
    },
    intoOption,
  ],
  example: "bocker boot install",
  maxArguments: 0,
  run: install,
};

async function install(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const into = intoOf(parsed);
  const init = initOf(parsed.string("init")) ?? detectInit(into);
  if (init === undefined) {
    throw new BockerError("cannot tell the init system of this machine", {
      kind: "unsupported",
      hint: `name it with --init (${initSystems.join(", ")}), or have its own scripts call: bocker boot`,
    });
  }
  const hook = installBootHook(init, await hookRequestOf(context), into);
  context.out.write(`init system: ${init}\n`);
  for (const { path, text } of hook.files) {
    context.out.write(`wrote ${path}\n${text.trimEnd().replaceAll(/^(?=.)/gm, "    ")}\n`);
  }
  for (const { path, target } of hook.links) context.out.write(`linked ${path} to ${target}\n`);
  if (hook.note !== undefined) context.err.write(`WARNING: ${hook.note}\n`);
  return 0;
}

function initOf(name: string | undefined): InitSystem | undefined {
  if (name === undefined) return undefined;
  const init = initSystems.find((each) => each === name.toLowerCase());
  if (init !== undefined) return init;
  throw new UsageError(`invalid init system "${name}": must be one of ${initSystems.join(", ")}`, "flag");
}
