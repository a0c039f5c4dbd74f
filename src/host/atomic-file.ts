/**
 * Files that are there whole or not at all: written beside the target, then renamed over it.
 *
 * A crash leaves at most a `.NAME.xxxx.tmp` beside the target, which sweepTemporaryFiles removes. The durable
 * variant survives a power cut too: fsync of the file before and of its folder after the rename (rename(2), fsync(2)).
 */
import {
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { nowMs } from "./clock.ts";
import { randomHex } from "./random-id.ts";

export interface AtomicWriteOptions {
  /** Permission bits of the new file, narrowed by the umask; 0o644 when absent. */
  readonly mode?: number;
  /** Wait until it is on the disk. */
  readonly durable?: boolean;
}

/** Replaces `path`, or makes it; readers see the old content or the new. Throws node's error with its `code`. */
export function writeFileAtomic(
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): void {
  const temporary = join(dirname(path), `.${basename(path)}.${randomHex(6)}.tmp`);
  try {
    writeNew(temporary, data, options);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  if (options.durable === true) syncFolder(dirname(path));
}

/** Makes the names in a folder durable: after a rename, a link or an unlink in it. */
export function syncFolder(path: string): void {
  const fd = openSync(path, "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Removes temporary files that a crash left in a folder, once they are older than `minAgeMs`. */
export function sweepTemporaryFiles(folder: string, minAgeMs: number): void {
  for (const name of readdirSync(folder)) {
    if (!/^\..*\.[0-9a-f]{12}\.tmp$/.test(name)) continue;
    const path = join(folder, name);
    const stat = statSync(path, { throwIfNoEntry: false });
    if (stat !== undefined && nowMs() - stat.mtimeMs >= minAgeMs) rmSync(path, { force: true });
  }
}

function writeNew(path: string, data: string | Uint8Array, options: AtomicWriteOptions): void {
  const fd = openSync(path, "wx", options.mode ?? 0o644);
  try {
    const bytes = typeof data === "string" ? Buffer.from(data) : data;
    for (let offset = 0; offset < bytes.length; ) offset += writeSync(fd, bytes, offset);
    if (options.durable === true) fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
