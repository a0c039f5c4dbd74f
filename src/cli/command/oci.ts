import { runOci } from "../../oci/oci-main.ts";
import { version } from "../build-info.ts";
import type { CommandSpec } from "../command-spec.ts";

/** `bocker oci`, where it does not stand first: main.ts has its own, shorter way there. */
export const command: CommandSpec = {
  name: "oci",
  summary: "Run OCI bundles, as a runtime for other engines",
  usage: "[GLOBAL OPTIONS] COMMAND [OPTIONS] [ARG...]",
  options: [],
  example: "bocker oci run --bundle ./web web",
  stopAtArgument: true,
  run: async (_context, parsed) => runOci(parsed.positionals, { name: "bocker oci", version }),
};
