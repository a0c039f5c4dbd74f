import { parseBytes } from "../../config/option-value.ts";
import { pruneBuildCache } from "../../engine/build-cache.ts";
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
import { UsageError } from "../usage-error.ts";

const bytesOf = (text: string | undefined) => (text === undefined ? undefined : parseBytes(text));

/** `bocker builder prune`: removes what steps of builds have made and no image needs. */
export const command: CommandSpec = {
  name: "builder prune",
  aliases: ["buildx prune"],
  summary: "Remove build cache",
  usage: "[OPTIONS]",
  options: [
    {
      name: "all",
      short: "a",
      kind: "boolean",
      help: "Remove all unused build cache, not just dangling ones",
    },
    { ...pruneFilterOption, help: 'Provide filter values (e.g. "until=24h")' },
    forceOption,
    { name: "keep-storage", kind: "bytes", help: "Amount of disk space to keep for cache" },
  ],
  example: "bocker builder prune -f --filter until=240h",
  maxArguments: 0,
  async run(context, parsed) {
    const { untilMs, labels, notLabels } = parsePruneFilter(parsed);
    if (labels.length + notLabels.length > 0)
      throw new UsageError("build cache has no labels to filter by", "flag");
    const all = parsed.boolean("all");
    const keepBytes = bytesOf(parsed.string("keep-storage"));
    const what = all ? "all build cache" : "all dangling build cache";
    if (!parsed.boolean("force")) confirm(context, "builder prune", `This will remove ${what}.`);
    const engine = await openEngineFor(context);
    const { ids, bytes } = await pruneBuildCache(engine, {
      all,
      ...(untilMs === undefined ? {} : { untilMs }),
      ...(keepBytes === undefined ? {} : { keepBytes }),
    });
    context.out.write(renderDeleted("build cache objects", ids) + renderReclaimed(bytes));
    return 0;
  },
};
