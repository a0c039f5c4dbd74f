import { loadContainer } from "../../engine/find-container.ts";
import { removeIdleContainer } from "../../engine/remove-container.ts";
import { forceStop } from "../../engine/stop-container.ts";
import { BockerError } from "../../errors.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { forEachContainer } from "./each-container.ts";

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
  ],
  example: "bocker rm -f web",
  minArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const force = parsed.boolean("force");
    const volumes = parsed.boolean("volumes");
    return forEachContainer(context, parsed.positionals, async (name) => {
      try {
        const record = await loadContainer(engine, name);
        if (force) await forceStop(engine, record);
        const current = await loadContainer(engine, record.id);
        await removeIdleContainer(engine, current, { volumes });
      } catch (error) {
        // With -f what is gone already is no failure: a --rm container removes itself when it is killed.
        if (!(force && error instanceof BockerError && error.kind === "not-found")) throw error;
      }
    });
  },
};
