import { pruneVolumes, volumeLabels } from "../../engine/volume.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { confirm } from "../confirm.ts";
import { openEngineFor } from "../engine-of.ts";
import { matchesLabels } from "../filter-match.ts";
import { booleanFilter, filterOption, parseFilters } from "../filter-option.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderSize } from "../table.ts";

/** -f is --force here. */
const { short: _short, ...filter } = filterOption('Provide filter values (e.g. "label=<label>")');

/** `bocker volume prune`: anonymous volumes, or all, that no container has a claim on. */
export const command: CommandSpec = {
  name: "volume prune",
  summary: "Remove unused local volumes",
  usage: "[OPTIONS]",
  options: [
    {
      name: "all",
      short: "a",
      kind: "boolean",
      help: "Remove all unused volumes, not just anonymous ones",
    },
    filter,
    { name: "force", short: "f", kind: "boolean", help: "Do not prompt for confirmation" },
  ],
  example: "bocker volume prune -f",
  maxArguments: 0,
  run: prune,
};

async function prune(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const filters = parseFilters(parsed.list("filter"), ["all", "label", "label!"]);
  const all = booleanFilter(filters, "all") ?? parsed.boolean("all");
  if (!parsed.boolean("force")) confirm(context, "volume prune", warning(all));
  const engine = await openEngineFor(context);
  const { names, bytes } = pruneVolumes(engine, (volume) => {
    const labels = volumeLabels(volume);
    const isExcluded = filters.has("label!") && matchesLabels(filters, labels, "label!");
    return (all || volume.anonymous) && matchesLabels(filters, labels) && !isExcluded;
  });
  if (names.length > 0) context.out.write(`Deleted Volumes:\n${names.join("\n")}\n\n`);
  context.out.write(`Total reclaimed space: ${renderSize(bytes)}\n`);
  return 0;
}

function warning(all: boolean): string {
  const which = all ? "all" : "anonymous";
  return `This will remove ${which} local volumes not used by at least one container.`;
}
