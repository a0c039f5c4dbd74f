import { pruneContainers } from "../../engine/prune.ts";
import type { CommandSpec } from "../command-spec.ts";
import { confirm } from "../confirm.ts";
import { openEngineFor } from "../engine-of.ts";
import {
  forceOption,
  parsePruneFilter,
  pruneFilterOption,
  renderDeleted,
  renderReclaimed,
} from "../prune-options.ts";

/** `bocker container prune`: removes every container that does not run. */
export const command: CommandSpec = {
  name: "container prune",
  summary: "Remove all stopped containers",
  usage: "[OPTIONS]",
  options: [pruneFilterOption, forceOption],
  example: "bocker container prune --filter until=24h",
  maxArguments: 0,
  async run(context, parsed) {
    const filter = parsePruneFilter(parsed);
    if (!parsed.boolean("force")) {
      confirm(context, "container prune", "This will remove all stopped containers.");
    }
    const { ids, bytes, problems } = await pruneContainers(await openEngineFor(context), filter);
    for (const problem of problems) context.err.write(`WARNING: ${problem}\n`);
    context.out.write(renderDeleted("Containers", ids) + renderReclaimed(bytes));
    return 0;
  },
};
