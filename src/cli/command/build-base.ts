import type { CommandSpec } from "../command-spec.ts";
import { importNamed } from "./import.ts";

/** `bocker buildBase`: `import FILE base`, a name that one of bocker's ancestors knows. */
export const command: CommandSpec = {
  name: "buildBase",
  summary: "Import a tarball as the image named base",
  usage: "FILE",
  options: [],
  example: "bocker buildBase rootfs.tar",
  minArguments: 1,
  maxArguments: 1,
  async run(context, parsed) {
    context.out.write(`${await importNamed(context, parsed, parsed.positionals[0] ?? "", "base")}\n`);
    return 0;
  },
};
