/**
 * Log entries to the user's stdout and stderr, bytes as they were written; with time, details and whose they are before
 * them where that was asked for.
 */
import { type ContainerLog, type LogEntry, padLogTime } from "../engine/container-logs.ts";
import { type OutputTarget, openOutput } from "../terminal/output-target.ts";
import { mergeLogs } from "./merge-logs.ts";

export interface LogStyle {
  readonly timestamps: boolean;
  /** docker's --details: labels and variables of --log-opt. */
  readonly details: boolean;
  /** Before each line, where several containers are shown. */
  readonly prefix?: string;
}

type Targets = Readonly<Record<LogEntry["stream"], OutputTarget>>;

export interface ShownLog {
  readonly log: ContainerLog;
  readonly style: LogStyle;
}

/**
 * Copies until the logs end, at the pace of the reader; a reader that leaves ends it too. Several that are not followed come
 * in the order of time; those that are, as they grow.
 */
export async function copyLogs(shown: readonly ShownLog[], follow: boolean): Promise<void> {
  const targets = { stdout: openOutput(1), stderr: openOutput(2) };
  try {
    if (follow || shown.length === 1) await Promise.all(shown.map((each) => copyLog(each, targets)));
    else await copyMerged(shown, targets);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPIPE") throw error;
  } finally {
    targets.stdout.close();
    targets.stderr.close();
  }
}

async function copyLog({ log, style }: ShownLog, targets: Targets): Promise<void> {
  const render = entryRenderer(style);
  for await (const batch of log.batches) {
    for (const [stream, text] of runsOf(batch, render)) await targets[stream].write(text);
  }
}

async function copyMerged(shown: readonly ShownLog[], targets: Targets): Promise<void> {
  const renderers = shown.map(({ style }) => entryRenderer(style));
  for await (const { index, entries } of mergeLogs(shown.map(({ log }) => log))) {
    const render = renderers[index];
    if (render === undefined) continue;
    for (const [stream, text] of runsOf(entries, render)) await targets[stream].write(text);
  }
}

/** An entry as text. What follows a part of a line is the same line, and gets no second prefix. */
function entryRenderer({ timestamps, details, prefix }: LogStyle): (entry: LogEntry) => string {
  if (!timestamps && !details && prefix === undefined) return ({ text }) => text;
  const inLine = new Set<LogEntry["stream"]>();
  return ({ stream, text, time, attributes = {} }) => {
    const isNew = !inLine.has(stream);
    if (text.endsWith("\n")) inLine.delete(stream);
    else inLine.add(stream);
    const before = isNew && prefix !== undefined ? prefix : "";
    const when = timestamps ? `${padLogTime(time)} ` : "";
    return `${before}${when}${details ? `${renderDetails(attributes)} ` : ""}${text}`;
  };
}

/** docker's stringAttrs: sorted, escaped as in the query of a URL. */
function renderDetails(attributes: Readonly<Record<string, string>>): string {
  const encode = (text: string): string => new URLSearchParams([["", text]]).toString().slice(1);
  return Object.keys(attributes)
    .sort()
    .map((key) => `${encode(key)}=${encode(attributes[key] ?? "")}`)
    .join(",");
}

type Run = readonly ["stdout" | "stderr", Uint8Array];

/** Neighbours of one stream are one write. */
function runsOf(batch: readonly LogEntry[], render: (entry: LogEntry) => string): readonly Run[] {
  const runs: [LogEntry["stream"], string[]][] = [];
  for (const entry of batch) {
    const text = render(entry);
    const last = runs.at(-1);
    if (last?.[0] === entry.stream) last[1].push(text);
    else runs.push([entry.stream, [text]]);
  }
  return runs.map(([stream, texts]) => [stream, Buffer.from(texts.join(""))]);
}
