/**
 * Shows a pull: docker's live lines with bars on a terminal, plain lines elsewhere.
 *
 * `pull` shows it on stdout and ends with the canonical name; `run` and `create` show it on stderr, under
 * "Unable to find image". Which lines a plain pull has, and how a bar is drawn, follow docker's jsonmessage.go.
 */
import type { PullEvent } from "../engine/pull-event.ts";

/** What rendering needs of an output; process.stdout and process.stderr are such. */
export interface PullOutput {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

type PullLayerEvent = Extract<PullEvent, { kind: "layer" }>;

/** One layer's state, of a pull or a push. */
export interface LayerEvent {
  readonly kind?: "layer";
  readonly id: string;
  readonly status: string;
  readonly doneBytes?: number;
  readonly totalBytes?: number;
}

/** States that only their numbers make worth a line. */
const measured = new Set(["Downloading", "Extracting", "Pushing"]);

/** A live line is redrawn at most this often while only its numbers change. */
const redrawMs = 80;

/** A renderer for `PullOptions.onProgress`; on a terminal it moves the cursor and leaves it after the last line. */
export function createPullProgress(
  output: PullOutput,
  nowMs = () => performance.now(),
): (event: PullEvent) => void {
  let showLayer = createLayerLines(output, nowMs);
  return (event) => {
    // With --all-tags several pulls follow one another: each has lines of its own.
    if (event.kind === "resolved") showLayer = createLayerLines(output, nowMs);
    if (event.kind === "layer") showLayer(event);
    else output.write(`${renderPullLine(event)}\n`);
  };
}

/** A line a layer: redrawn in place on a terminal, else a new one for each change of state. */
export function createLayerLines(
  output: PullOutput,
  nowMs = () => performance.now(),
): (event: LayerEvent) => void {
  return output.isTTY === true ? liveLayers(output, nowMs) : plainLayers(output);
}

/** One line about the whole pull. Pure. */
function renderPullLine(event: Exclude<PullEvent, PullLayerEvent>): string {
  switch (event.kind) {
    case "resolved":
      return `${event.label}: Pulling from ${event.repository}`;
    case "digest":
      return `Digest: ${event.digest}`;
    case "warning":
      return `WARNING: ${event.message}`;
    case "status":
      return event.upToDate
        ? `Status: Image is up to date for ${event.name}`
        : `Status: Downloaded newer image for ${event.name}`;
  }
}

/** Each change of state is a line; numbers are left out, as docker does away from a terminal. */
function plainLayers(output: PullOutput): (event: LayerEvent) => void {
  const shown = new Map<string, string>();
  return ({ id, status }) => {
    if (measured.has(status) || shown.get(id) === status) return;
    shown.set(id, status);
    output.write(`${id}: ${status}\n`);
  };
}

/** One line a layer, redrawn in place. */
function liveLayers(output: PullOutput, nowMs: () => number): (event: LayerEvent) => void {
  const lines = new Map<string, { readonly row: number; status: string; drawnAtMs: number }>();
  return (event) => {
    const text = renderLayer(event, output.columns ?? 80);
    const now = nowMs();
    const line = lines.get(event.id);
    if (line === undefined) {
      lines.set(event.id, { row: lines.size, status: event.status, drawnAtMs: now });
      output.write(`${text}\n`);
      return;
    }
    if (line.status === event.status && now - line.drawnAtMs < redrawMs) return;
    line.status = event.status;
    line.drawnAtMs = now;
    const up = lines.size - line.row;
    // A line that has scrolled out of sight can't be reached, and what is there now must not be overwritten.
    if (up >= (output.rows ?? 24)) return;
    output.write(`\x1b[${up}A\r\x1b[2K${text}\x1b[${up}B\r`);
  };
}

/** `c6a83fedfae6: Downloading [==>        ]  1.2MB/3.4MB`. Pure. */
export function renderLayer(event: LayerEvent, columns: number): string {
  const line = `${event.id}: ${event.status}`;
  if (event.doneBytes === undefined || event.totalBytes === undefined) return line;
  return `${line} ${renderBar(event.doneBytes, event.totalBytes, columns)}`.slice(0, columns);
}

/** docker's bar of 50 on a wide terminal, and the numbers. */
function renderBar(doneBytes: number, totalBytes: number, columns: number): string {
  const done = humanSize(doneBytes).padStart(8);
  if (totalBytes <= 0) return done;
  const half = Math.min(50, Math.floor((doneBytes / totalBytes) * 50));
  const bar = columns > 110 ? `[${"=".repeat(half)}>${" ".repeat(50 - half)}] ` : "";
  return `${bar}${done}/${humanSize(totalBytes)}`;
}

/** Decimal units and four digits: `3.408MB`, as docker's go-units. */
function humanSize(bytes: number): string {
  const units = ["B", "kB", "MB", "GB", "TB", "PB"];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${Number(value.toPrecision(4))}${units[unit]}`;
}
