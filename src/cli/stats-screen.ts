/**
 * `stats` on a terminal: docker's table, drawn over itself, with the last quarter of a minute of each container as bars
 * behind it as far as the terminal is wide enough.
 */
import { renderSparkline } from "./sparkline.ts";
import { renderTable } from "./table.ts";

/** What a container used at one look. */
export interface StatsPoint {
  readonly cpuPercent: number;
  readonly memoryBytes: number;
}

const lookCount = 15;
/** Below this a container counts as idle: its noise would fill the bars. */
const busyPercent = 1;
/** A memory use that moves by less than this share is a flat line. */
const steadyShare = 0.1;

/** The last looks at each container, by its id. */
export class StatsHistory {
  readonly #points = new Map<string, readonly StatsPoint[]>();

  add(id: string, point: StatsPoint): void {
    this.#points.set(id, [...(this.#points.get(id) ?? []), point].slice(-lookCount));
  }

  /** Bars of the processor and of the memory; empty for one that was not looked at. */
  barsOf(id: string): readonly [cpu: string, memory: string] {
    const points = this.#points.get(id) ?? [];
    const cpu = points.map(({ cpuPercent }) => cpuPercent);
    const memory = points.map(({ memoryBytes }) => memoryBytes);
    const [least, most] = [Math.min(...memory), Math.max(...memory)];
    return [
      renderSparkline(cpu, 0, Math.max(busyPercent, ...cpu)),
      renderSparkline(memory, least, Math.max(most, least * (1 + steadyShare))),
    ];
  }
}

export interface StatsTable {
  readonly titles: readonly string[];
  readonly rows: readonly { readonly id: string; readonly cells: readonly string[] }[];
}

/** docker's columns, then as many of the two histories as fit into the terminal. */
export function renderWithBars({ titles, rows }: StatsTable, history: StatsHistory, width: number): string {
  const bars = rows.map(({ id }) => history.barsOf(id));
  const added = ["CPU HISTORY", "MEM HISTORY"];
  for (let count = added.length; count > 0; count--) {
    const text = renderTable(
      [...titles, ...added.slice(0, count)],
      rows.map(({ cells }, index) => [...cells, ...(bars[index] ?? []).slice(0, count)]),
    );
    if (text.split("\n").every((line) => [...line].length <= width)) return text;
  }
  return renderTable(
    titles,
    rows.map(({ cells }) => cells),
  );
}

export const clearScreen = "\x1b[2J\x1b[H";

/** The frame over the last one: each line is cleared behind its text, and what is below the last too. */
export function overwrite(text: string): string {
  return `\x1b[H${text.replaceAll("\n", "\x1b[K\n")}\x1b[J`;
}
