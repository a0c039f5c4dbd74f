import { pruneBuildCache } from "../../engine/build-cache.ts";
import { pruneContainers, pruneImages } from "../../engine/prune.ts";
import { hasLabel, type PruneFilter } from "../../engine/prune-filter.ts";
import { pruneNetworks } from "../../engine/remove-network.ts";
import { pruneVolumes, volumeLabels } from "../../engine/volume.ts";
import { BockerError } from "../../errors.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { confirm } from "../confirm.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import {
  busyWarning,
  forceOption,
  parsePruneFilter,
  pruneFilterOption,
  removedImageLines,
  renderDeleted,
  renderReclaimed,
} from "../prune-options.ts";

/** `bocker system prune`: everything that nobody uses. */
export const command: CommandSpec = {
  name: "system prune",
  summary: "Remove unused data",
  usage: "[OPTIONS]",
  options: [
    { name: "all", short: "a", kind: "boolean", help: "Remove all unused images not just dangling ones" },
    pruneFilterOption,
    forceOption,
    { name: "volumes", kind: "boolean", help: "Prune anonymous volumes" },
  ],
  example: "bocker system prune -a --volumes",
  maxArguments: 0,
  run: pruneAll,
};

async function pruneAll(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const filter = parsePruneFilter(parsed);
  const volumes = parsed.boolean("volumes");
  const all = parsed.boolean("all");
  if (volumes && filter.untilMs !== undefined) {
    throw new BockerError('The "until" filter is not supported with "--volumes"', { kind: "unsupported" });
  }
  if (!parsed.boolean("force"))
    confirm(context, "system prune", warningOf(all, volumes, parsed.list("filter")));
  const engine = await openEngineFor(context);
  const containers = await pruneContainers(engine, filter);
  for (const problem of containers.problems) context.err.write(`WARNING: ${problem}\n`);
  context.out.write(renderDeleted("Containers", containers.ids));
  context.out.write(renderDeleted("Networks", await pruneNetworks(engine, filter)));
  const emptied = volumes
    ? pruneVolumes(engine, (volume) => volume.anonymous && isLabelled(filter, volumeLabels(volume)))
    : { names: [], bytes: 0 };
  context.out.write(renderDeleted("Volumes", emptied.names));
  const images = await pruneImages(engine, filter, { all });
  if (images.isBusy) context.err.write(busyWarning);
  context.out.write(renderDeleted("Images", removedImageLines(images.removed)));
  const cache = await pruneBuildCache(engine, { ...filter, all });
  context.out.write(renderDeleted("build cache objects", cache.ids));
  context.out.write(renderReclaimed(containers.bytes + emptied.bytes + images.bytes + cache.bytes));
  return 0;
}

function isLabelled({ labels, notLabels }: PruneFilter, has: Readonly<Record<string, string>>): boolean {
  return labels.every((label) => hasLabel(has, label)) && !notLabels.some((label) => hasLabel(has, label));
}

function warningOf(all: boolean, volumes: boolean, filters: readonly string[]): string {
  const items = [
    "all stopped containers",
    "all networks not used by at least one container",
    ...(volumes ? ["all anonymous volumes not used by at least one container"] : []),
    all ? "all images without at least one container associated to them" : "all dangling images",
    all ? "all build cache" : "unused build cache",
  ];
  const listed = (words: readonly string[]) => words.map((word) => `  - ${word}\n`).join("");
  const filtered = `\n  Items to be pruned will be filtered with:\n${listed(filters.toSorted())}`;
  return `This will remove:\n${listed(items)}${filters.length > 0 ? filtered : ""}`;
}
