import { removeNamed, sweepLeftovers } from "../../engine/remove-named.ts";
import { BockerError } from "../../errors.ts";
import { chooserOptions, forEachChosen, ignoreOption, insteadOfNames } from "../chosen-containers.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";

/** `bocker rm`: containers, stopped or with -f. */
export const command: CommandSpec = {
  name: "rm",
  aliases: ["container rm", "container remove", "remove"],
  summary: "Remove one or more containers",
  usage: "[OPTIONS] CONTAINER [CONTAINER...]",
  options: [
    {
      name: "force",
      short: "f",
      kind: "boolean",
      help: "Force the removal of a running container (uses SIGKILL)",
    },
    {
      name: "volumes",
      short: "v",
      kind: "boolean",
      help: "Remove anonymous volumes associated with the container",
    },
    ...chooserOptions("Remove all containers", "a"),
    ignoreOption,
  ],
  example: "bocker rm -f web",
  minArguments: 1,
  insteadOfArguments: insteadOfNames,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const force = parsed.boolean("force");
    const volumes = parsed.boolean("volumes");
    const exitCode = await forEachChosen(
      context,
      parsed,
      engine,
      {
        isMeant: () => true,
        // docker's rm -f says so and succeeds.
        isTolerated: (error) => force && error instanceof BockerError && error.kind === "not-found",
      },
      (name) => removeNamed(engine, name, { force, volumes }),
    );
    sweepLeftovers(engine);
    return exitCode;
  },
};
