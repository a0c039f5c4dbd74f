import { findNetworkView } from "../../engine/network-view.ts";
import { BockerError, ExitCode } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker network exists`: the exit code is the answer. */
export const command: CommandSpec = {
  name: "network exists",
  summary: "Check if a network exists: exit code 0 if it does, 1 if not",
  usage: "NETWORK",
  options: [],
  example: "bocker network exists backend",
  minArguments: 1,
  maxArguments: 1,
  async run(context, parsed) {
    const [wanted = ""] = parsed.positionals;
    const engine = await openEngineFor(context);
    try {
      findNetworkView(engine, wanted);
      return 0;
    } catch (error) {
      if (error instanceof BockerError && error.kind === "not-found") return ExitCode.failure;
      throw error;
    }
  },
};
