/**
 * An append-only file of lines that is cut into pieces of limited size: PATH (live), PATH.1 (newer) … PATH.N (older).
 *
 * The files of docker's json-file driver. A reader that has the live file open keeps it across a rotation: files are
 * renamed, never copied. With one file only there is nothing to rename, and it starts again at zero.
 */
import { closeSync, fstatSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from "node:fs";
import { openFlags } from "../../ffi/flags.ts";

export interface RotationLimits {
  /** Not positive: no limit. */
  readonly maxSizeBytes: number;
  /** The live one included; at least 1. */
  readonly maxFiles: number;
}

const newline = 0x0a;
const openForAppend = openFlags.O_RDWR | openFlags.O_APPEND | openFlags.O_CREAT | openFlags.O_CLOEXEC;

/** The `index`th file of a log: 0 is the live one. */
export function rotatedPath(path: string, index: number): string {
  return index === 0 ? path : `${path}.${index}`;
}

export class RotatingFile {
  readonly #path: string;
  readonly #limits: RotationLimits;
  #fd: number | undefined;
  #size = 0;
  /** A crash stopped the last write in the middle of a line. */
  #torn = false;
  #appended = 0;

  constructor(path: string, limits: RotationLimits) {
    this.#path = path;
    this.#limits = limits;
  }

  /**
   * Appends whole lines; a file exceeds its limit by less than a line. Throws what open(2) and write(2) do, with the lines
   * in the file that fitted.
   */
  append(lines: Buffer): void {
    this.#appended = 0;
    while (this.#appended < lines.byteLength) {
      const fd = this.#open();
      this.#write(fd, lines.subarray(this.#appended, this.#endOfWhatFits(lines, this.#appended)));
    }
  }

  /** How many bytes of the last append are in the file. */
  get appendedBytes(): number {
    return this.#appended;
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
    this.#fd = undefined;
  }

  #open(): number {
    if (this.#fd !== undefined && !this.#isFull()) return this.#fd;
    if (this.#fd === undefined) {
      this.#fd = openSync(this.#path, openForAppend, 0o640);
      this.#size = fstatSync(this.#fd).size;
      this.#torn = !endsInNewline(this.#fd, this.#size);
    }
    return this.#isFull() ? this.#rotate(this.#fd) : this.#fd;
  }

  #isFull(): boolean {
    return this.#limits.maxSizeBytes > 0 && this.#size >= this.#limits.maxSizeBytes;
  }

  #rotate(old: number): number {
    if (this.#limits.maxFiles <= 1) {
      ftruncateSync(old, 0);
      this.#size = 0;
      this.#torn = false;
      return old;
    }
    // First what can fail for want of space, so that a failure leaves all as it was.
    const fresh = `${this.#path}.new`;
    const next = openSync(fresh, openForAppend | openFlags.O_TRUNC, 0o640);
    for (let index = this.#limits.maxFiles - 1; index > 0; index--) {
      renameExisting(rotatedPath(this.#path, index - 1), rotatedPath(this.#path, index));
    }
    renameSync(fresh, this.#path);
    closeSync(old);
    this.#fd = next;
    this.#size = 0;
    this.#torn = false;
    return next;
  }

  #endOfWhatFits(lines: Buffer, at: number): number {
    const room = this.#limits.maxSizeBytes > 0 ? this.#limits.maxSizeBytes - this.#size : lines.byteLength;
    if (lines.byteLength - at <= room) return lines.byteLength;
    const end = lines.indexOf(newline, at + room - 1);
    return end < 0 ? lines.byteLength : end + 1;
  }

  #write(fd: number, lines: Buffer): void {
    if (this.#torn) {
      this.#size += writeSync(fd, "\n");
      this.#torn = false;
    }
    let done = 0;
    try {
      while (done < lines.byteLength) done += writeSync(fd, lines, done, lines.byteLength - done);
    } catch (error) {
      // Half a line looks like a whole one in some formats.
      const whole = done === 0 ? 0 : lines.lastIndexOf(newline, done - 1) + 1;
      if (whole < done) ftruncateSync(fd, this.#size + whole);
      done = whole;
      throw error;
    } finally {
      this.#size += done;
      this.#appended += done;
    }
  }
}

/** False after a crash in the middle of a write. */
function endsInNewline(fd: number, size: number): boolean {
  const last = Buffer.alloc(1);
  return size === 0 || readSync(fd, last, 0, 1, size - 1) !== 1 || last[0] === newline;
}

function renameExisting(from: string, to: string): void {
  try {
    renameSync(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
  }
}
