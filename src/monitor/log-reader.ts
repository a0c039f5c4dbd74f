/**
 * Reading a container's log: all of it or its end, once or for as long as the container runs, across rotations.
 *
 * Needs neither the monitor nor a lock: a reader never holds the writer up. A line that a crash tore apart, or
 * that is not an entry, is passed over.
 */
import { closeSync, fstatSync, readSync } from "node:fs";
import { dirname } from "node:path";
import { FolderWatch } from "./folder-watch.ts";
import type { LogEntry } from "./log-entry.ts";
import { keepLastLines, type LogFile, openLogFile, openLogFiles, successorPath } from "./log-files.ts";
import { type LogFileDriver, logParser } from "./log-format.ts";

export interface ReadLogOptions {
  /** Who wrote it; absent: json-file. */
  readonly driver?: LogFileDriver;
  /** The last so many entries; absent: all. */
  readonly tail?: number;
  /** Epoch milliseconds, with fractions: entries at or after this. */
  readonly since?: number;
  /** Epoch milliseconds: entries at or before this. */
  readonly until?: number;
  /** Go on until this is kept, and then to the end of what was logged. Absent: stop at the end of the file. */
  readonly followUntil?: Promise<unknown>;
}

const newline = 0x0a;
const readBytes = 1 << 20;

/**
 * The entries of the log at `path` (and PATH.1 …), oldest first, a batch at a time; parts of long lines are entries
 * of their own. No file: no entries. Leaving the loop closes everything.
 */
export async function* readLog(
  path: string,
  options: ReadLogOptions = {},
): AsyncGenerator<readonly LogEntry[], void, undefined> {
  const open = openLogFiles(path);
  const files = options.tail === undefined ? open : keepLastLines(open, options.tail);
  const reading = { parse: logParser(options.driver ?? "json-file"), wanted: timeFilter(options) };
  const watch = options.followUntil === undefined ? undefined : new FolderWatch(dirname(path));
  try {
    for (const file of files) yield* wantedBatches(file, reading);
    if (watch === undefined || options.followUntil === undefined) return;
    void options.followUntil.catch(() => undefined).then(() => watch.finish());
    yield* follow(path, files, watch, reading);
  } finally {
    watch?.close();
    for (const { fd } of files) closeSync(fd);
  }
}

type Filter = ((entry: LogEntry) => boolean) | undefined;
type Parse = ReturnType<typeof logParser>;

interface Reading {
  readonly parse: Parse;
  readonly wanted: Filter;
}

/** `files` holds what is open; the last one is being read. */
async function* follow(
  path: string,
  files: LogFile[],
  watch: FolderWatch,
  reading: Reading,
): AsyncGenerator<readonly LogEntry[], void, undefined> {
  for (;;) {
    const last = watch.finished;
    for (;;) {
      const current = files.at(-1);
      if (current !== undefined) yield* wantedBatches(current, reading);
      const next = nextFile(path, current);
      if (next === undefined) break;
      // What came between the last read and the rotation.
      if (current !== undefined) yield* wantedBatches(current, reading);
      for (const { fd } of files.splice(0)) closeSync(fd);
      files.push(next);
    }
    if (last) return;
    await watch.changed();
  }
}

function nextFile(path: string, current: LogFile | undefined): LogFile | undefined {
  if (current === undefined) return openLogFile(path);
  const successor = successorPath(path, current.inode);
  return successor === undefined ? undefined : openLogFile(successor);
}

function* wantedBatches(
  file: LogFile,
  { parse, wanted }: Reading,
): Generator<readonly LogEntry[], void, undefined> {
  for (const batch of readEntries(file, parse)) {
    const entries = wanted === undefined ? batch : batch.filter(wanted);
    if (entries.length > 0) yield entries;
  }
}

/** From the file's offset to its last whole line. */
function* readEntries(file: LogFile, parse: Parse): Generator<LogEntry[], void, undefined> {
  // The only file of a log that keeps one starts again at zero.
  if (fstatSync(file.fd).size < file.offset) file.offset = 0;
  let buffer = Buffer.allocUnsafe(readBytes);
  for (;;) {
    const length = readSync(file.fd, buffer, 0, buffer.byteLength, file.offset);
    if (length === 0) return;
    const end = buffer.subarray(0, length).lastIndexOf(newline) + 1;
    if (end > 0) {
      file.offset += end;
      yield parseEntries(buffer.toString("utf8", 0, end), parse);
    } else if (length < buffer.byteLength) return;
    else buffer = Buffer.allocUnsafe(buffer.byteLength * 2);
  }
}

function parseEntries(text: string, parse: Parse): LogEntry[] {
  const entries: LogEntry[] = [];
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    const entry = parse(text.slice(at, end));
    if (entry !== undefined) entries.push(entry);
    at = end + 1;
  }
  return entries;
}

function timeFilter({ since, until }: ReadLogOptions): Filter {
  if (since === undefined && until === undefined) return undefined;
  return ({ time }) => {
    const at = epochMs(time);
    return (since === undefined || at >= since) && (until === undefined || at <= until);
  };
}

/** With the part of the fraction that Date leaves out. */
function epochMs(time: string): number {
  const beyondMs = /\.\d{3}(\d+)/.exec(time)?.[1];
  return Date.parse(time) + (beyondMs === undefined ? 0 : Number(`0.${beyondMs}`));
}
