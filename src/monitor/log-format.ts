/**
 * The formats that a log file can have: how entries are written, and read again. Pure.
 */
import { parseCriEntry, renderCriLines, renderCriPart } from "./cri-entry.ts";
import { type LogEntry, parseEntry, renderAttributes, renderLines, renderPart } from "./log-entry.ts";
import type { StreamName } from "./session.ts";

/** The drivers that write a file. */
export type LogFileDriver = "json-file" | "k8s-file";

export interface LogEncoder {
  /** Entries for whole lines, each ended; `lines` ends with a newline. */
  lines(stream: StreamName, lines: string, time: string): string;
  /** One entry for a text without newline. */
  part(stream: StreamName, text: string, time: string): string;
}

/** `attributes`: what json-file says of each entry beside its text. */
export function logEncoder(
  driver: LogFileDriver,
  attributes: Readonly<Record<string, string>> = {},
): LogEncoder {
  if (driver === "k8s-file") return { lines: renderCriLines, part: renderCriPart };
  const extra = renderAttributes(attributes);
  return {
    lines: (stream, lines, time) => renderLines(stream, lines, time, extra),
    part: (stream, text, time) => renderPart(stream, text, time, extra),
  };
}

/** Reads one line without its newline; undefined for what is no entry. */
export function logParser(driver: LogFileDriver): (line: string) => LogEntry | undefined {
  return driver === "k8s-file" ? parseCriEntry : parseEntry;
}
