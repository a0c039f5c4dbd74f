/**
 * Writes what a container says into its log, at the container's pace.
 *
 * One write(2) a chunk that was read; nothing is batched by time, so the log is as new as the output. A log that cannot
 * be written never stops the container: what is lost is counted, and the log says so once it can be written again.
 */

import { isAscii } from "node:buffer";
import { errnoNumber, errnoText } from "../../ffi/errno.ts";
import { messageOf } from "../errors.ts";
import { LineSplitter, type Segment } from "./line-splitter.ts";
import { renderLogTime } from "./log-entry.ts";
import { type LogEncoder, logEncoder } from "./log-format.ts";
import type { LogTarget } from "./monitor-dependencies.ts";
import { RotatingFile } from "./rotating-file.ts";
import type { StreamName } from "./session.ts";

interface Loss {
  entries: number;
  bytes: number;
  reason: string;
}

export class LogWriter {
  readonly #file: RotatingFile | undefined;
  readonly #encoder: LogEncoder;
  readonly #now: () => number;
  readonly #splitters = { stdout: new LineSplitter(), stderr: new LineSplitter() };
  #loss: Loss = noLoss();

  /** Opens the file with the first line, so that a full disk does not stop the start. `now`: epoch milliseconds. */
  constructor(target: LogTarget, now: () => number = preciseNow) {
    const { driver, path, attributes } = target;
    this.#file = driver === "none" ? undefined : new RotatingFile(path, target);
    this.#encoder = logEncoder(driver === "none" ? "json-file" : driver, attributes);
    this.#now = now;
  }

  /** Logs the lines that are complete with this chunk. Never throws for what the disk says. */
  write(stream: StreamName, chunk: Uint8Array): void {
    if (this.#file === undefined) return;
    this.#append(stream, this.#splitters[stream].push(chunk));
  }

  /** Nothing waits for its end, and nothing was lost without being told. */
  get isComplete(): boolean {
    return this.#splitters.stdout.isEmpty && this.#splitters.stderr.isEmpty && this.#loss.entries === 0;
  }

  /** A line of the monitor's own, on stderr. */
  note(text: string): void {
    this.#append("stderr", [{ kind: "lines", bytes: Buffer.from(`bocker: ${text}\n`) }]);
  }

  /** Logs unfinished lines and closes. */
  close(): void {
    for (const stream of ["stdout", "stderr"] as const)
      this.#append(stream, this.#splitters[stream].finish());
    if (this.#loss.entries > 0) this.#tryAppend(Buffer.alloc(0), Buffer.alloc(0));
    this.#file?.close();
  }

  #append(stream: StreamName, segments: readonly Segment[]): void {
    const time = segments.length === 0 ? "" : renderLogTime(this.#now());
    for (const { kind, bytes } of segments) {
      const encoding = isAscii(bytes) ? "latin1" : "utf8";
      const text = viewOf(bytes).toString(encoding);
      const entries = this.#encoder[kind](stream, text, time);
      this.#tryAppend(Buffer.from(entries, encoding), viewOf(bytes));
    }
  }

  /** `output`: what the entries say. */
  #tryAppend(entries: Buffer, output: Buffer): void {
    let kept = 0;
    try {
      if (this.#loss.entries > 0) this.#reportLoss();
      this.#file?.append(entries);
    } catch (error) {
      // Not of the report, which comes first.
      if (this.#loss.entries === 0) kept = this.#file?.appendedBytes ?? 0;
      const keptEntries = countLines(entries.subarray(0, kept));
      this.#loss.entries += countLines(entries) - keptEntries;
      this.#loss.bytes += output.byteLength - endOfLines(output, keptEntries);
      this.#loss.reason = reasonOf(error);
    }
  }

  #reportLoss(): void {
    const { entries, bytes, reason } = this.#loss;
    const lines = entries === 1 ? "1 line" : `${entries} lines`;
    const text = `bocker: dropped ${lines} (${bytes} bytes) of output here: ${reason}\n`;
    this.#file?.append(Buffer.from(this.#encoder.lines("stderr", text, renderLogTime(this.#now()))));
    this.#loss = noLoss();
  }
}

function noLoss(): Loss {
  return { entries: 0, bytes: 0, reason: "" };
}

function countLines(bytes: Buffer): number {
  let count = 0;
  for (let at = bytes.indexOf(0x0a); at >= 0; at = bytes.indexOf(0x0a, at + 1)) count++;
  return count;
}

/** Where the first `count` lines end. */
function endOfLines(text: Buffer, count: number): number {
  let end = 0;
  for (let line = 0; line < count; line++) end = text.indexOf(0x0a, end) + 1;
  return end;
}

function viewOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  try {
    if (code !== undefined) return errnoText(errnoNumber(code));
  } catch {
    // Not a name of errno(3): the message will have to do.
  }
  return messageOf(error);
}

/** Epoch milliseconds with a fraction: the clock's, refined while it runs evenly. */
function preciseNow(): number {
  const wall = Date.now();
  const fine = performance.timeOrigin + performance.now();
  return Math.abs(fine - wall) < 2 ? fine : wall;
}
