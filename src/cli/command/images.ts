import type { Engine } from "../../engine/engine.ts";
import { type ImageRow, loadImageRows, loadImageUses } from "../../engine/list-images.ts";
import { nowMs } from "../../host/clock.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { renderAgo, renderGoTime } from "../container-text.ts";
import { openEngineFor } from "../engine-of.ts";
import { booleanFilter, filterOption, parseFilters } from "../filter-option.ts";
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
  Containers: "CONTAINERS",
  SharedSize: "SHARED SIZE",
  UniqueSize: "UNIQUE SIZE",
  VirtualSize: "VIRTUAL SIZE",
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
    filterOption("Filter output: before, dangling, label, reference, since, until"),
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
  const rows = await chooseRows(engine, parsed);
  const noTrunc = parsed.boolean("no-trunc");
  if (parsed.boolean("quiet")) {
    const ids = new Set(rows.map(({ image }) => idText(image.id, noTrunc)));
    for (const id of ids) context.out.write(`${id}\n`);
    return 0;
  }
  const now = nowMs();
  const format = parsed.string("format");
  if (format === undefined || format === "table") {
    context.out.write(renderPlain(rows, now, noTrunc, parsed.boolean("digests")));
    return 0;
  }
  const uses = loadImageUses(engine);
  const cells = rows.map((row) => cellsOf(row, now, noTrunc, uses.get(row.image.id) ?? 0));
  const { parseFormat } = await import("../format.ts");
  const options = { headers: titles, typeName: "formatter.imageContext" };
  context.out.write(parseFormat(format, options).renderRows(cells));
  return 0;
}

const filterNames = ["before", "dangling", "label", "reference", "since", "until"];

/** `images alpine` is every tag of that repository, `images alpine:3.20` the one: a pattern like --filter's. */
async function chooseRows(engine: Engine, parsed: ParsedArguments): Promise<readonly ImageRow[]> {
  const rows = loadImageRows(engine);
  const [name] = parsed.positionals;
  const given = parsed.list("filter");
  if (name === undefined && given.length === 0) return rows;
  const [{ filterImageRows }, { parseTimeOption }] = await Promise.all([
    import("../../engine/filter-images.ts"),
    import("../time-option.ts"),
  ]);
  const filters = parseFilters(given, filterNames);
  const valuesOf = (kind: string) => filters.get(kind) ?? [];
  const dangling = booleanFilter(filters, "dangling");
  const untilMs = parseTimeOption("until", valuesOf("until").at(-1));
  return filterImageRows(engine, rows, {
    labels: valuesOf("label"),
    before: valuesOf("before"),
    since: valuesOf("since"),
    references: [...valuesOf("reference"), ...(name === undefined ? [] : [name])],
    ...(dangling === undefined ? {} : { dangling }),
    ...(untilMs === undefined ? {} : { untilMs }),
  });
}

type Cells = Readonly<Record<keyof typeof titles, string>>;

/** In the order of docker's JSON. What a store without shared-size bookkeeping can't say is N/A, as docker has it. */
function cellsOf(row: ImageRow, now: number, noTrunc: boolean, uses: number): Cells {
  const { image, repository, tag, digest } = row;
  const size = renderSize(image.sizeBytes);
  return {
    Containers: String(uses),
    CreatedAt: renderGoTime(image.createdAtMs),
    CreatedSince: renderCreated(image.createdAtMs, now),
    Digest: digest,
    ID: idText(image.id, noTrunc),
    Repository: repository,
    SharedSize: "N/A",
    Size: size,
    Tag: tag,
    UniqueSize: "N/A",
    VirtualSize: size,
  };
}

function idText(id: string, noTrunc: boolean): string {
  return noTrunc ? id : id.replace("sha256:", "").slice(0, 12);
}

/** Only the cells that show, each image's once: stores with a thousand names are listed in milliseconds. */
function renderPlain(rows: readonly ImageRow[], now: number, noTrunc: boolean, digests: boolean): string {
  const columns = (["Repository", "Tag", "Digest", "ID", "CreatedSince", "Size"] as const).filter(
    (column) => digests || column !== "Digest",
  );
  const ofImage = new Map<string, readonly string[]>();
  const lines = rows.map(({ image, repository, tag, digest }) => {
    let cells = ofImage.get(image.id);
    if (cells === undefined) {
      cells = [idText(image.id, noTrunc), renderCreated(image.createdAtMs, now), renderSize(image.sizeBytes)];
      ofImage.set(image.id, cells);
    }
    return digests ? [repository, tag, digest, ...cells] : [repository, tag, ...cells];
  });
  return renderTable(
    columns.map((column) => titles[column]),
    lines,
  );
}

function renderCreated(createdAtMs: number, now: number): string {
  return createdAtMs === 0 ? "N/A" : renderAgo(createdAtMs, now);
}
