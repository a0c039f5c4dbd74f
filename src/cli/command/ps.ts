import { loadContainers, loadPorts } from "../../engine/find-container.ts";
import { nowMs } from "../../host/clock.ts";
import type { ContainerRecord, PortRecord } from "../../state/record.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { renderAgo, renderCommand, renderPorts, renderStatus } from "../container-text.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { renderTable } from "../table.ts";

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
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    { name: "last", short: "n", kind: "int", help: "Show n last created containers (includes all states)" },
    {
      name: "latest",
      short: "l",
      kind: "boolean",
      help: "Show the latest created container (includes all states)",
    },
    { name: "no-trunc", kind: "boolean", help: "Don't truncate output" },
    { name: "quiet", short: "q", kind: "boolean", help: "Only display container IDs" },
  ],
  example: "bocker ps -a",
  maxArguments: 0,
  run: listThem,
};

async function listThem(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const chosen = choose(await loadContainers(engine), parsed);
  const noTrunc = parsed.boolean("no-trunc");
  if (parsed.boolean("quiet")) {
    for (const { id } of chosen) context.out.write(`${noTrunc ? id : id.slice(0, 12)}\n`);
    return 0;
  }
  const ports = loadPorts(engine);
  const now = nowMs();
  const rows = chosen.map((record) => rowOf(record, ports.get(record.id) ?? [], now, noTrunc));
  context.out.write(await renderRows(rows, parsed.string("format")));
  return 0;
}

function choose(records: readonly ContainerRecord[], parsed: ParsedArguments): readonly ContainerRecord[] {
  const last = parsed.boolean("latest") ? 1 : (parsed.int("last") ?? -1);
  if (last > 0) return records.slice(0, last);
  if (parsed.boolean("all")) return records;
  return records.filter(({ status }) => ["running", "paused", "restarting"].includes(status));
}

type Row = Readonly<Record<keyof typeof titles, string>>;

function rowOf(record: ContainerRecord, ports: readonly PortRecord[], now: number, noTrunc: boolean): Row {
  return {
    ID: noTrunc ? record.id : record.id.slice(0, 12),
    Image: record.imageName,
    Command: renderCommand(record.args, noTrunc),
    RunningFor: renderAgo(record.createdAtMs, now),
    Status: renderStatus(record, now),
    Ports: renderPorts(ports, []),
    Names: record.name,
    CreatedAt: new Date(record.createdAtMs).toISOString(),
    State: record.status,
    Labels: Object.entries(record.config.labels)
      .map(([key, value]) => `${key}=${value}`)
      .join(","),
  };
}

async function renderRows(rows: readonly Row[], format: string | undefined): Promise<string> {
  if (format === undefined || format === "table") {
    const cells = rows.map((row) => columns.map((column) => row[column]));
    return renderTable(
      columns.map((column) => titles[column]),
      cells,
    );
  }
  const { parseFormat } = await import("../format.ts");
  return parseFormat(format, { headers: titles, typeName: "formatter.ContainerContext" }).renderRows(rows);
}
