/**
 * The k8s-file format of podman, which is that of Kubernetes' logs (CRI), to text and back. Pure.
 *
 *   2026-01-02T03:04:05.678901000Z stdout F a whole line, or the last part of one
 *   2026-01-02T03:04:05.678901000Z stdout P a part of a line that goes on in the stream's next entry
 */
import type { LogEntry } from "./log-entry.ts";
import type { StreamName } from "./session.ts";

/** Entries for whole lines; `lines` ends with a newline. */
export function renderCriLines(stream: StreamName, lines: string, time: string): string {
  const head = `${padLogTime(time)} ${stream} F `;
  return `${head}${lines.slice(0, -1).replaceAll("\n", `\n${head}`)}\n`;
}

/** One entry for a text without newline. */
export function renderCriPart(stream: StreamName, text: string, time: string): string {
  return `${padLogTime(time)} ${stream} P ${text}\n`;
}

/** One line of a log, without its newline; undefined for what is not one. */
export function parseCriEntry(line: string): LogEntry | undefined {
  const afterTime = line.indexOf(" ");
  const afterStream = line.indexOf(" ", afterTime + 1);
  const time = line.slice(0, afterTime);
  const stream = line.slice(afterTime + 1, afterStream);
  const tag = line[afterStream + 1];
  const isEntry =
    afterTime > 0 &&
    (stream === "stdout" || stream === "stderr") &&
    (tag === "F" || tag === "P") &&
    line[afterStream + 2] === " " &&
    !Number.isNaN(Date.parse(time));
  if (!isEntry) return undefined;
  const text = line.slice(afterStream + 3);
  return { stream, time, text: tag === "F" ? `${text}\n` : text };
}

/** RFC 3339 with all nine digits of fraction: Go's RFC3339NanoFixed, as `logs -t` shows it. */
export function padLogTime(time: string): string {
  const [, seconds = time, fraction = "", zone = ""] =
    /^([^.]*?)(?:\.(\d+))?(Z|[+-]\d\d:\d\d)$/.exec(time) ?? [];
  const utc = zone === "+00:00" ? "Z" : zone;
  return `${seconds}.${fraction.padEnd(9, "0")}${utc}`;
}
