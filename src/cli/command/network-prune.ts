import { pruneNetworks } from "../../engine/remove-network.ts";
import type { CommandSpec } from "../command-spec.ts";
import { confirm } from "../confirm.ts";
import { openEngineFor } from "../engine-of.ts";
import { forceOption, parsePruneFilter, pruneFilterOption, renderDeleted } from "../prune-options.ts";

/** `bocker network prune`: removes every network that no container is in. */
export const command: CommandSpec = {
  name: "network prune",
  summary: "Remove all unused networks",
  usage: "[OPTIONS]",
  options: [pruneFilterOption, forceOption],
  example: "bocker network prune --filter until=24h",
  maxArguments: 0,
  async run(context, parsed) {
    const filter = parsePruneFilter(parsed);
    if (!parsed.boolean("force")) {
      const words = "This will remove all custom networks not used by at least one container.";
      confirm(context, "network prune", words);
    }
    const names = await pruneNetworks(await openEngineFor(context), filter);
    context.out.write(renderDeleted("Networks", names));
    return 0;
  },
};
