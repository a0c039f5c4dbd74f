import { loadSecrets } from "../../engine/secret.ts";
import { ExitCode } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker secret exists`: the exit code is the answer. */
export const command: CommandSpec = {
  name: "secret exists",
  summary: "Check if a secret exists: exit code 0 if it does, 1 if not",
  usage: "SECRET",
  options: [],
  example: "bocker secret exists db-password",
  minArguments: 1,
  maxArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const [wanted] = parsed.positionals;
    const isThere = loadSecrets(engine).some(({ id, name }) => name === wanted || id === wanted);
    return isThere ? 0 : ExitCode.failure;
  },
};
