/**
 * What the prune commands have in common: their options, and how they tell what went.
 *
 * Words and layout are docker 28's, since scripts look for `Total reclaimed space`.
 */
import type { OptionSpec } from "../config/option-spec.ts";
import type { PruneFilter } from "../engine/prune-filter.ts";
import type { RemovedImage } from "../engine/remove-image.ts";
import { filterOption, parseFilters } from "./filter-option.ts";
import type { ParsedArguments } from "./parse-argv.ts";
import { renderExactSize } from "./table.ts";
import { parseTimeOption } from "./time-option.ts";
import { UsageError } from "./usage-error.ts";

export const forceOption: OptionSpec = {
  name: "force",
  short: "f",
  kind: "boolean",
  help: "Do not prompt for confirmation",
};

/** `--filter` alone: docker's prune commands give `-f` to --force. */
export const pruneFilterOption: OptionSpec = {
  ...withoutShort(filterOption('Provide filter values (e.g. "until=<timestamp>", "label=<key>=<value>")')),
};

function withoutShort({ short: _short, ...option }: OptionSpec): OptionSpec {
  return option;
}

/** Throws docker's errors for unknown filters and for times that are none. */
export function parsePruneFilter(parsed: ParsedArguments): PruneFilter {
  const filters = parseFilters(parsed.list("filter"), ["until", "label", "label!"]);
  const until = filters.get("until") ?? [];
  if (until.length > 1) throw new UsageError("more than one until filter specified", "flag");
  const untilMs = parseTimeOption("until", until[0]);
  return {
    ...(untilMs === undefined ? {} : { untilMs }),
    labels: filters.get("label") ?? [],
    notLabels: filters.get("label!") ?? [],
  };
}

/** `Deleted Containers:` and a line each, then an empty one; nothing when there are none. */
export function renderDeleted(title: string, lines: readonly string[]): string {
  return lines.length === 0 ? "" : `Deleted ${title}:\n${lines.map((line) => `${line}\n`).join("")}\n`;
}

/** The last line of every prune. */
export function renderReclaimed(bytes: number): string {
  return `Total reclaimed space: ${renderExactSize(bytes)}\n`;
}

/** docker's two kinds of lines under `Deleted Images:`. */
export function removedImageLines(removed: readonly RemovedImage[]): readonly string[] {
  return removed.map((line) =>
    "untagged" in line ? `untagged: ${line.untagged}` : `deleted: ${line.deleted}`,
  );
}

export const busyWarning =
  "WARNING: an image is being pulled or imported: files that no image uses were left where they are\n";
