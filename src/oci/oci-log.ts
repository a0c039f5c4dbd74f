/**
 * What a caller of an OCI runtime reads when something goes wrong: entries in the formats of runc's log.
 *
 *   text  time="2026-11-21T12:17:38Z" level=error msg="container does not exist"
 *   json  {"level":"error","msg":"container does not exist","time":"2026-11-21T12:17:38Z"}
 *
 * containerd, podman and docker give --log a file, read the JSON from it and look for phrases in `msg`. Without
 * --log the entries go to standard error; with it, errors are said there in plain words as well.
 */
import { closeSync, openSync, writeSync } from "node:fs";
import { messageOf } from "../errors.ts";
import { nowMs } from "../host/clock.ts";

export type LogLevel = "debug" | "warning" | "error";

export interface OciLog {
  readonly write: (level: LogLevel, message: string) => void;
  /** The last words of a command that failed: the log, and standard error. */
  readonly fail: (message: string) => void;
}

export interface LogOptions {
  /** Absent: standard error. */
  readonly file?: string | undefined;
  readonly format: "text" | "json";
  readonly debug: boolean;
}

const standardError = 2;

/** Opens the log; entries are appended. Throws node's error when the file cannot be opened. */
export function openOciLog({ file, format, debug }: LogOptions): OciLog {
  const path = file === undefined || file === "" || file === "/dev/stderr" ? undefined : file;
  // Found out at once, as a caller who gets no log would look for errors in vain.
  if (path !== undefined) closeSync(openSync(path, "a", 0o644));
  const write = (level: LogLevel, message: string): void => {
    if (level === "debug" && !debug) return;
    append(path, `${renderLogEntry(format, level, message, nowMs())}\n`);
  };
  return {
    write,
    fail: (message) => {
      write("error", message);
      if (path !== undefined) append(undefined, `${message}\n`);
    },
  };
}

/** A log that nobody can be told of is no reason to fail once more. */
function append(path: string | undefined, text: string): void {
  try {
    const fd = path === undefined ? standardError : openSync(path, "a", 0o644);
    writeSync(fd, text);
    if (path !== undefined) closeSync(fd);
  } catch {
    // Standard error is closed, or the disk is full.
  }
}

/** One entry, without the line end. Pure. */
export function renderLogEntry(
  format: LogOptions["format"],
  level: LogLevel,
  message: string,
  atMs: number,
): string {
  const time = new Date(atMs).toISOString().replace(/\.\d+Z$/, "Z");
  if (format === "json") return JSON.stringify({ level, msg: message, time });
  return `time="${time}" level=${level} msg=${quoteForLog(message)}`;
}

/** logrus leaves plain words bare. */
function quoteForLog(text: string): string {
  return /^[A-Za-z0-9\-._/@^+]+$/.test(text) ? text : JSON.stringify(text);
}

/** An error's own words, with those of what caused it and what to do. */
export function failureText(error: unknown): string {
  const message = messageOf(error).replace(/^OCI runtime (create|exec) failed: (exec failed: )?/, "");
  const hint = error instanceof Error && "hint" in error ? error.hint : undefined;
  return typeof hint === "string" ? `${message} (${hint})` : message;
}
