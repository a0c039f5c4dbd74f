import { type HistoryRow, loadImageHistory } from "../../engine/image-history.ts";
import { nowMs } from "../../host/clock.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { renderAgo } from "../container-text.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { shownOn } from "../printable.ts";
import { ellipsis, renderSize, renderTable } from "../table.ts";

const titles = {
  ID: "IMAGE",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  CreatedBy: "CREATED BY",
  Size: "SIZE",
  Comment: "COMMENT",
} as const;

/** `bocker history`: the steps that made an image. */
export const command: CommandSpec = {
  name: "history",
  aliases: ["image history"],
  summary: "Show the history of an image",
  usage: "[OPTIONS] IMAGE",
  options: [
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    {
      name: "human",
      short: "H",
      kind: "boolean",
      help: "Print sizes and dates in human readable format",
      defaultText: "true",
    },
    { name: "no-trunc", kind: "boolean", help: "Don't truncate output" },
    { name: "quiet", short: "q", kind: "boolean", help: "Only show image IDs" },
  ],
  example: "bocker history busybox",
  minArguments: 1,
  maxArguments: 1,
  run: showThem,
};

async function showThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const rows = await loadImageHistory(engine, parsed.positionals[0] ?? "");
  const look = {
    noTrunc: parsed.boolean("no-trunc"),
    human: !parsed.has("human") || parsed.boolean("human"),
    now: nowMs(),
  };
  const cells = rows.map((row) => cellsOf(row, look));
  if (parsed.boolean("quiet")) {
    for (const { ID } of cells) context.out.write(`${ID}\n`);
    return 0;
  }
  const format = parsed.string("format");
  context.out.write(
    format === undefined || format === "table"
      ? shownOn(context.out, renderPlain(cells, look.human))
      : (await import("../format.ts"))
          .parseFormat(format, { headers: titles, typeName: "formatter.historyContext" })
          .renderRows(cells),
  );
  return 0;
}

type Cells = Readonly<Record<keyof typeof titles, string>>;

interface Look {
  readonly noTrunc: boolean;
  readonly human: boolean;
  readonly now: number;
}

function cellsOf(row: HistoryRow, { noTrunc, human, now }: Look): Cells {
  const id = row.id ?? "<missing>";
  const createdBy = row.createdBy.replaceAll("\t", " ");
  const createdAt = `${new Date(row.createdAtMs).toISOString().slice(0, 19)}Z`;
  return {
    Comment: row.comment,
    CreatedAt: row.createdAtMs === 0 ? "" : createdAt,
    CreatedBy: noTrunc ? createdBy : ellipsis(createdBy, 45),
    CreatedSince: row.createdAtMs === 0 ? "N/A" : renderAgo(row.createdAtMs, now),
    ID: noTrunc ? id : id.startsWith("sha256:") ? id.slice(7, 19) : id,
    Size: human ? renderSize(row.sizeBytes) : String(row.sizeBytes),
  };
}

function renderPlain(cells: readonly Cells[], human: boolean): string {
  const created = human ? "CreatedSince" : "CreatedAt";
  const columns = ["ID", created, "CreatedBy", "Size", "Comment"] as const;
  return renderTable(
    columns.map((column) => titles[column]),
    cells.map((row) => columns.map((column) => row[column])),
  );
}
