import type { MountConfig } from "../../config/container-config.ts";
import type { ContainerSize } from "../../engine/container-size.ts";
import { isLive } from "../../engine/container-state.ts";
import type { Engine } from "../../engine/engine.ts";
import { loadContainers, loadPorts } from "../../engine/find-container.ts";
import { BockerError } from "../../errors.ts";
import { nowMs } from "../../host/clock.ts";
import type { ContainerRecord, PortRecord } from "../../state/record.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { renderAgo, renderCommand, renderGoTime, renderStatus } from "../container-text.ts";
import { openEngineFor } from "../engine-of.ts";
import { filterOption, parseFilters } from "../filter-option.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderPorts } from "../port-column.ts";
import { checkSortKey, sortContainers } from "../sort-containers.ts";
import { ellipsis, renderSize, renderTable } from "../table.ts";

const titles = {
  ID: "CONTAINER ID",
  Image: "IMAGE",
  Command: "COMMAND",
  RunningFor: "CREATED",
  Status: "STATUS",
  Ports: "PORTS",
  Names: "NAMES",
  CreatedAt: "CREATED AT",
  State: "STATE",
  Labels: "LABELS",
  Size: "SIZE",
  Networks: "NETWORKS",
  Mounts: "MOUNTS",
  LocalVolumes: "LOCAL VOLUMES",
} as const;

const columns = ["ID", "Image", "Command", "RunningFor", "Status", "Ports", "Names"] as const;

/** `bocker ps`: the containers that run, or all. */
export const command: CommandSpec = {
  name: "ps",
  aliases: ["container ls", "container list", "container ps"],
  summary: "List containers",
  usage: "[OPTIONS]",
  options: [
    { name: "all", short: "a", kind: "boolean", help: "Show all containers (default shows just running)" },
    filterOption("Filter output based on conditions provided"),
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    { name: "last", short: "n", kind: "int", help: "Show n last created containers (includes all states)" },
    {
      name: "latest",
      short: "l",
      kind: "boolean",
      help: "Show the latest created container (includes all states)",
    },
    { name: "no-trunc", kind: "boolean", help: "Don't truncate output" },
    { name: "noheading", kind: "boolean", help: "Don't print the titles of the columns" },
    { name: "quiet", short: "q", kind: "boolean", help: "Only display container IDs" },
    { name: "size", short: "s", kind: "boolean", help: "Display total file sizes" },
    {
      name: "sort",
      kind: "string",
      placeholder: "choice",
      help: "Sort output by: command, created, id, image, names, runningfor, size, status",
      check: checkSortKey,
    },
  ],
  example: "bocker ps -a",
  maxArguments: 0,
  run: listThem,
};

async function listThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const sort = parsed.string("sort");
  const unsorted = await choose(engine, parsed);
  const format = parsed.string("format");
  const withSize = parsed.boolean("size") || format?.includes(".Size") === true;
  const sizes = withSize || sort === "size" ? await loadSizes(engine) : undefined;
  const sizeOf = (record: ContainerRecord): number => sizes?.(record).rootfsBytes ?? 0;
  const chosen = sort === undefined ? unsorted : sortContainers(unsorted, sort, sizeOf);
  const noTrunc = parsed.boolean("no-trunc");
  if (parsed.boolean("quiet")) {
    for (const { id } of chosen) context.out.write(`${noTrunc ? id : id.slice(0, 12)}\n`);
    return 0;
  }
  const view: View = {
    now: nowMs(),
    noTrunc,
    noHeading: parsed.boolean("noheading"),
    ports: loadPorts(engine),
    ...(withSize && sizes !== undefined ? { sizeOf: sizes } : {}),
  };
  context.out.write(await renderRecords(chosen, view, format));
  return 0;
}

async function loadSizes(engine: Engine): Promise<(record: ContainerRecord) => ContainerSize> {
  const { loadContainerSize } = await import("../../engine/container-size.ts");
  return (record) => loadContainerSize(engine, record);
}

/** A filter by status looks at all containers; -n and -l count after the filters. */
async function choose(engine: Engine, parsed: ParsedArguments): Promise<readonly ContainerRecord[]> {
  const records = await loadContainers(engine);
  const given = parsed.list("filter");
  const { filtered, hasStatus } =
    given.length === 0 ? { filtered: records, hasStatus: false } : await applyFilters(engine, records, given);
  const last = parsed.boolean("latest") ? 1 : (parsed.int("last") ?? -1);
  if (last > 0) return filtered.slice(0, last);
  return parsed.boolean("all") || hasStatus ? filtered : filtered.filter(isLive);
}

/** Loads what filters need only where there are any: `ps` alone has to be quick. */
async function applyFilters(
  engine: Engine,
  records: readonly ContainerRecord[],
  given: readonly string[],
): Promise<{ readonly filtered: readonly ContainerRecord[]; readonly hasStatus: boolean }> {
  const { containerFilters, filterContainers } = await import("../../engine/filter-containers.ts");
  const filters = parseFilters(given, containerFilters);
  return { filtered: filterContainers(engine, records, filters), hasStatus: filters.has("status") };
}

/** What every row is made with. */
interface View {
  readonly now: number;
  readonly noTrunc: boolean;
  readonly noHeading: boolean;
  readonly ports: ReadonlyMap<string, readonly PortRecord[]>;
  /** Absent: nobody asked for sizes. */
  readonly sizeOf?: (record: ContainerRecord) => ContainerSize;
}

type Column = keyof typeof titles;

/** Each column by itself: a list of thousands makes only those that it shows. */
const cells: Readonly<Record<Column, (record: ContainerRecord, view: View) => string>> = {
  ID: ({ id }, { noTrunc }) => (noTrunc ? id : id.slice(0, 12)),
  Image: ({ imageName }) => imageName,
  Command: ({ args }, { noTrunc }) => renderCommand(args, noTrunc),
  RunningFor: ({ createdAtMs }, { now }) => renderAgo(createdAtMs, now),
  Status: (record, { now }) => renderStatus(record, now),
  // What is exposed is in the config, which only those that run need parsed: not taken apart in the parameter.
  Ports: (record, { ports }) =>
    renderPorts(ports.get(record.id) ?? [], record.init === undefined ? [] : (record.config.expose ?? [])),
  Names: ({ name }) => name,
  CreatedAt: ({ createdAtMs }) => renderGoTime(createdAtMs),
  State: ({ status }) => status,
  Labels: ({ config }) =>
    Object.entries(config.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  Size: (record, { sizeOf }) => (sizeOf === undefined ? "0B" : sizeCell(sizeOf(record))),
  Networks: ({ config }) =>
    config.networks.length === 0 ? "bridge" : config.networks.map(({ name }) => name).join(","),
  Mounts: ({ config, anonymousVolumes }, { noTrunc }) =>
    [...config.mounts.flatMap((mount) => mountName(mount) ?? []), ...anonymousVolumes]
      .map((name) => (noTrunc ? name : ellipsis(name, 15)))
      .join(","),
  LocalVolumes: ({ config, anonymousVolumes }) =>
    String(Math.max(config.mounts.filter(({ type }) => type === "volume").length, anonymousVolumes.length)),
};

/** docker shows a volume by its name and a bind by its source. */
function mountName(mount: MountConfig): string | undefined {
  if (mount.type === "bind") return mount.source;
  return mount.type === "volume" ? mount.name : undefined;
}

function sizeCell({ writtenBytes, rootfsBytes }: ContainerSize): string {
  return `${renderSize(writtenBytes)} (virtual ${renderSize(rootfsBytes)})`;
}

async function renderRecords(
  records: readonly ContainerRecord[],
  view: View,
  format: string | undefined,
): Promise<string> {
  if (format === undefined || format === "table") {
    const shown: readonly Column[] = view.sizeOf === undefined ? columns : [...columns, "Size"];
    return renderTable(
      view.noHeading ? [] : shown.map((column) => titles[column]),
      records.map((record) => shown.map((column) => cells[column](record, view))),
    );
  }
  const { TemplateError } = await import("../template/template-error.ts");
  try {
    return await renderTemplate(records, view, format);
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    // Only ps says it so.
    const doing = error.isParsing ? "parse" : "execute";
    throw new BockerError(`failed to ${doing} template: ${error.problem}`, { kind: "usage" });
  }
}

async function renderTemplate(
  records: readonly ContainerRecord[],
  view: View,
  format: string,
): Promise<string> {
  const { labelMethod, parseFormat } = await import("../format.ts");
  const rows = records.map((record) => ({
    ...wholeRow(record, view),
    Label: labelMethod(record.config.labels),
  }));
  const parsed = parseFormat(format, { headers: titles, typeName: "*formatter.ContainerContext" });
  // docker tries a template before it knows of any container: an unknown field is an error even of an empty list.
  if (rows.length === 0) {
    const empty = Object.fromEntries(Object.keys(titles).map((column) => [column, ""]));
    parsed.render({ ...empty, Label: labelMethod({}) });
  }
  const text = parsed.renderRows(rows);
  const hasHeading = /^table(\s|$)/.test(format);
  return hasHeading && view.noHeading ? text.slice(text.indexOf("\n") + 1) : text;
}

/** Templates choose among all columns. */
function wholeRow(record: ContainerRecord, view: View): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(cells).map(([column, cell]) => [column, cell(record, view)]));
}
