import { uninstallBootHooks } from "../../engine/install-boot-hook.ts";
import { hookRequestOf, intoOf, intoOption } from "../boot-hook-options.ts";
import type { CommandSpec } from "../command-spec.ts";

/** `bocker boot uninstall`: takes back what `boot install` wrote, for whichever init system. */
export const command: CommandSpec = {
  name: "boot uninstall",
  summary: "Remove what boot install wrote",
  usage: "[OPTIONS]",
  options: [intoOption],
  example: "bocker boot uninstall",
  maxArguments: 0,
  async run(context, parsed) {
    const removed = uninstallBootHooks(await hookRequestOf(context), intoOf(parsed));
    for (const path of removed) context.out.write(`removed ${path}\n`);
    if (removed.length === 0) context.err.write("no boot hook is installed\n");
    return 0;
  },
};
