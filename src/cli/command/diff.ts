import { listContainerChanges } from "../../engine/list-changes.ts";
import type { CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import { shownInLine } from "../printable.ts";

const letters = { added: "A", changed: "C", deleted: "D" } as const;

/** `bocker diff`: what a container has changed in its root file system. */
export const command: CommandSpec = {
  name: "diff",
  aliases: ["container diff"],
  summary: "Inspect changes to files or directories on a container's filesystem",
  usage: "CONTAINER",
  options: [],
  example: "bocker diff web",
  minArguments: 1,
  maxArguments: 1,
  async run(context, parsed) {
    const engine = await openEngineFor(context);
    const changes = await listContainerChanges(engine, parsed.positionals[0] ?? "");
    const lines = changes.map(
      ({ kind, path }) =>
        `${letters[kind]} ${shownInLine(context.out, Buffer.from(path, "latin1").toString())}\n`,
    );
    context.out.write(lines.join(""));
    return 0;
  },
};
