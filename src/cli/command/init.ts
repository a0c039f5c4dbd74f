import { statSync } from "node:fs";
import { BockerError } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { importNamed } from "./import.ts";

/** `bocker init`: an image from a directory. */
export const command: CommandSpec = {
  name: "init",
  summary: "Create an image from a directory",
  usage: "DIRECTORY [REPOSITORY[:TAG]]",
  options: [],
  example: "bocker init ./rootfs mine",
  minArguments: 1,
  maxArguments: 2,
  async run(context, parsed) {
    const [directory = "", name] = parsed.positionals;
    if (!statSync(directory, { throwIfNoEntry: false })?.isDirectory()) {
      throw new BockerError(`No directory named '${directory}' exists`, { kind: "not-found" });
    }
    const id = await importNamed(context, parsed, directory, name);
    context.out.write(`Created: ${name ?? id}\n`);
    return 0;
  },
};
