import { pruneImages } from "../../engine/prune.ts";
import type { CommandSpec } from "../command-spec.ts";
import { confirm } from "../confirm.ts";
import { openEngineFor } from "../engine-of.ts";
import {
  busyWarning,
  forceOption,
  parsePruneFilter,
  pruneFilterOption,
  removedImageLines,
  renderDeleted,
  renderReclaimed,
} from "../prune-options.ts";

/** `bocker image prune`: removes images that nobody uses, and what interrupted pulls have left. */
export const command: CommandSpec = {
  name: "image prune",
  summary: "Remove unused images",
  usage: "[OPTIONS]",
  options: [
    { name: "all", short: "a", kind: "boolean", help: "Remove all unused images, not just dangling ones" },
    pruneFilterOption,
    forceOption,
  ],
  example: "bocker image prune -a --filter until=240h",
  maxArguments: 0,
  async run(context, parsed) {
    const filter = parsePruneFilter(parsed);
    const all = parsed.boolean("all");
    const images = all ? "images without at least one container associated to them" : "dangling images";
    if (!parsed.boolean("force")) confirm(context, "image prune", `This will remove all ${images}.`);
    const { removed, bytes, isBusy } = await pruneImages(await openEngineFor(context), filter, { all });
    if (isBusy) context.err.write(busyWarning);
    context.out.write(renderDeleted("Images", removedImageLines(removed)) + renderReclaimed(bytes));
    return 0;
  },
};
