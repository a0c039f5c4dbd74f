import { type ContainerUsage, cpuPercent, readContainerUsage } from "../../engine/container-stats.ts";
import type { Engine } from "../../engine/engine.ts";
import { loadContainer, loadContainers } from "../../engine/find-container.ts";
import { ExitCode } from "../../errors.ts";
import type { ContainerRecord } from "../../state/record.ts";
import type { CommandContext, CommandSpec } from "../command-spec.ts";
import { openEngineFor } from "../engine-of.ts";
import type { ParsedArguments } from "../parse-argv.ts";
import { showsBars } from "../sparkline.ts";
import { clearScreen, overwrite, renderWithBars, StatsHistory } from "../stats-screen.ts";
import { renderMemorySize, renderSize, renderTable, shortId } from "../table.ts";

const titles = {
  Container: "CONTAINER",
  ID: "CONTAINER ID",
  Name: "NAME",
  CPUPerc: "CPU %",
  MemUsage: "MEM USAGE / LIMIT",
  MemPerc: "MEM %",
  NetIO: "NET I/O",
  BlockIO: "BLOCK I/O",
  PIDs: "PIDS",
} as const;

type Cells = Readonly<Record<keyof typeof titles, string>>;

const columns = ["ID", "Name", "CPUPerc", "MemUsage", "MemPerc", "NetIO", "BlockIO", "PIDs"] as const;
const everyMs = 1000;
/** A first figure needs two looks; docker takes a second for it. */
const firstLookMs = 400;

/** `bocker stats`: what containers use, again and again. */
export const command: CommandSpec = {
  name: "stats",
  aliases: ["container stats"],
  summary: "Display a live stream of container(s) resource usage statistics",
  usage: "[OPTIONS] [CONTAINER...]",
  options: [
    { name: "all", short: "a", kind: "boolean", help: "Show all containers (default shows just running)" },
    { name: "format", kind: "string", help: "Format output: 'table', 'json', or a Go template" },
    {
      name: "no-stream",
      kind: "boolean",
      help: "Disable streaming stats and only pull the first result",
    },
    { name: "no-trunc", kind: "boolean", help: "Do not truncate output" },
  ],
  example: "bocker stats --no-stream",
  run: show,
};

async function show(context: CommandContext, parsed: ParsedArguments): Promise<number> {
  const engine = await openEngineFor(context);
  const render = await rendererOf(parsed.string("format"));
  const watch = new StatsWatch(engine, parsed);
  await watch.look();
  await Bun.sleep(firstLookMs);
  if (parsed.boolean("no-stream")) {
    context.out.write(render(await watch.look()));
    return 0;
  }
  const isScreen = context.out.isTerminal;
  const draw = isScreen && render === renderPlain && showsBars(context.env) ? renderLive : render;
  if (isScreen) context.out.write(clearScreen);
  for (;;) {
    const text = draw(await watch.look(), watch.history, context.out.columns);
    context.out.write(isScreen ? overwrite(text) : text);
    if (context.out.isBroken) return ExitCode.brokenPipe;
    await Bun.sleep(everyMs);
  }
}

type Renderer = (looks: readonly Look[], history: StatsHistory, width: number) => string;

/** What is seen of one container. */
interface Look {
  readonly id: string;
  readonly cells: Cells;
}

const header = columns.map((column) => titles[column]);
const cellsIn = ({ cells }: Look) => columns.map((column) => cells[column]);

const renderPlain = (looks: readonly Look[]) => renderTable(header, looks.map(cellsIn));

const renderLive: Renderer = (looks, history, width) => {
  const rows = looks.map((look) => ({ id: look.id, cells: cellsIn(look) }));
  return renderWithBars({ titles: header, rows }, history, width);
};

async function rendererOf(format: string | undefined): Promise<(looks: readonly Look[]) => string> {
  if (format === undefined || format === "table") return renderPlain;
  const { parseFormat } = await import("../format.ts");
  const template = parseFormat(format, { headers: titles, typeName: "formatter.statsContext" });
  return (looks) => template.renderRows(looks.map(({ cells }) => cells));
}

/** Looks at the containers, and remembers the last look for the figures that need two. */
class StatsWatch {
  readonly history = new StatsHistory();
  readonly #before = new Map<string, ContainerUsage>();

  constructor(
    private readonly engine: Engine,
    private readonly parsed: ParsedArguments,
  ) {}

  async look(): Promise<readonly Look[]> {
    const chosen = await this.#choose();
    return chosen.map(({ name, record }) => {
      const usage = readContainerUsage(this.engine, record);
      const earlier = this.#before.get(record.id);
      if (usage === undefined) this.#before.delete(record.id);
      else this.#before.set(record.id, usage);
      const cpu = usage === undefined ? 0 : cpuPercent(earlier, usage);
      if (usage !== undefined && earlier !== undefined)
        this.history.add(record.id, { cpuPercent: cpu, memoryBytes: usage.memoryUsedBytes });
      const id = this.parsed.boolean("no-trunc") ? record.id : shortId(record.id);
      return { id: record.id, cells: cellsOf({ name, id, record, usage, cpu }) };
    });
  }

  async #choose(): Promise<readonly { readonly name: string; readonly record: ContainerRecord }[]> {
    const names = this.parsed.positionals;
    if (names.length > 0) {
      const records = await Promise.all(names.map((name) => loadContainer(this.engine, name)));
      return records.map((record, index) => ({ name: names[index] ?? record.id, record }));
    }
    const records = await loadContainers(this.engine);
    const shown = this.parsed.boolean("all") ? records : records.filter(({ init }) => init !== undefined);
    return shown.map((record) => ({ name: shortId(record.id), record }));
  }
}

interface Seen {
  readonly name: string;
  readonly id: string;
  readonly record: ContainerRecord;
  readonly usage: ContainerUsage | undefined;
  readonly cpu: number;
}

function cellsOf({ name, id, record, usage, cpu }: Seen): Cells {
  const used = usage?.memoryUsedBytes ?? 0;
  const limit = usage?.memoryLimitBytes ?? 0;
  return {
    BlockIO: `${renderSize(usage?.block.readBytes ?? 0)} / ${renderSize(usage?.block.writtenBytes ?? 0)}`,
    CPUPerc: `${cpu.toFixed(2)}%`,
    Container: name,
    ID: id,
    MemPerc: `${(limit === 0 ? 0 : (used / limit) * 100).toFixed(2)}%`,
    MemUsage: `${renderMemorySize(used)} / ${renderMemorySize(limit)}`,
    Name: record.name,
    NetIO: `${renderSize(usage?.network.receivedBytes ?? 0)} / ${renderSize(usage?.network.sentBytes ?? 0)}`,
    PIDs: String(usage?.pids ?? 0),
  };
}
