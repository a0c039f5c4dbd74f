import { type ImageRow, loadImageRows } from "../../engine/list-images.ts";
import { nowMs } from "../../host/clock.ts";
import { familiarRepository, parseReference } from "../../image/reference.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { renderAgo } from "../container-text.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderSize, renderTable } from "../table.ts";

const titles = {
  Repository: "REPOSITORY",
  Tag: "TAG",
  Digest: "DIGEST",
  ID: "IMAGE ID",
  CreatedSince: "CREATED",
  CreatedAt: "CREATED AT",
  Size: "SIZE",
} as const;

/** `bocker images`: what is in the store. */
export const command: CommandSpec = {
  name: "images",
  aliases: ["image ls", "image list"],
  summary: "List images",
  usage: "[OPTIONS] [REPOSITORY[:TAG]]",
  options: [
    { name: "all", short: "a", kind: "boolean", help: "Show all images (intermediate ones are never kept)" },
    { name: "digests", kind: "boolean", help: "Show digests" },
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    { name: "no-trunc", kind: "boolean", help: "Don't truncate output" },
    { name: "quiet", short: "q", kind: "boolean", help: "Only show image IDs" },
  ],
  example: "bocker images",
  maxArguments: 1,
  run: listThem,
};

async function listThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const rows = loadImageRows(engine).filter((row) => isAsked(row, parsed.positionals[0]));
  const noTrunc = parsed.boolean("no-trunc");
  if (parsed.boolean("quiet")) {
    const ids = new Set(rows.map(({ image }) => idText(image.id, noTrunc)));
    for (const id of ids) context.out.write(`${id}\n`);
    return 0;
  }
  const now = nowMs();
  const cells = rows.map((row) => cellsOf(row, now, noTrunc));
  const format = parsed.string("format");
  context.out.write(
    format === undefined || format === "table"
      ? renderPlain(cells, parsed.boolean("digests"))
      : (await import("../format.ts"))
          .parseFormat(format, { headers: titles, typeName: "formatter.imageContext" })
          .renderRows(cells),
  );
  return 0;
}

/** `images alpine` is every tag of that repository, `images alpine:3.20` the one. */
function isAsked(row: ImageRow, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const reference = parseReference(wanted);
  if (familiarRepository(reference) !== row.repository) return false;
  return reference.tag === undefined || reference.tag === row.tag;
}

type Cells = Readonly<Record<keyof typeof titles, string>>;

function cellsOf({ image, repository, tag, digest }: ImageRow, now: number, noTrunc: boolean): Cells {
  return {
    Repository: repository,
    Tag: tag,
    Digest: digest,
    ID: idText(image.id, noTrunc),
    CreatedSince: image.createdAtMs === 0 ? "N/A" : renderAgo(image.createdAtMs, now),
    CreatedAt: new Date(image.createdAtMs).toISOString(),
    Size: renderSize(image.sizeBytes),
  };
}

function idText(id: string, noTrunc: boolean): string {
  return noTrunc ? id : id.replace("sha256:", "").slice(0, 12);
}

function renderPlain(cells: readonly Cells[], digests: boolean): string {
  const columns = (["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"] as const).filter(
    (column) => digests || column !== "Digest",
  );
  return renderTable(
    columns.map((column) => titles[column]),
    cells.map((row) => columns.map((column) => row[column])),
  );
}
