/**
 * The files of one log as a reader sees them while a writer rotates them: opened, told apart by inode, and where the
 * last N lines begin. Nothing here parses entries.
 */
import { closeSync, fstatSync, openSync, readSync, statSync } from "node:fs";
import { rotatedPath } from "./rotating-file.ts";

export interface LogFile {
  readonly fd: number;
  readonly inode: number;
  /** The start of a line: what is before has been read, or is not wanted. */
  offset: number;
}

/** More files than anybody keeps; bounds the search where a number is missing. */
const mostFiles = 1000;
const blockBytes = 64 * 1024;
const newline = 0x0a;

/**
 * Opens all files of a log, oldest first; none when nothing was logged. The live one is opened first: a file that
 * is rotated meanwhile is met again under its next name and left out. Caller closes them.
 */
export function openLogFiles(path: string): LogFile[] {
  const files: LogFile[] = [];
  for (let index = 0; index < mostFiles; index++) {
    const file = openLogFile(rotatedPath(path, index));
    if (file === undefined) {
      if (index > 0) break;
      continue;
    }
    if (files.some(({ inode }) => inode === file.inode)) closeSync(file.fd);
    else files.unshift(file);
  }
  return files;
}

/** Undefined when there is no such file. */
export function openLogFile(path: string): LogFile | undefined {
  try {
    const fd = openSync(path, "r");
    return { fd, inode: fstatSync(fd).ino, offset: 0 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

/** The path of the file that was begun after `inode` was full; undefined while it is the live one. */
export function successorPath(path: string, inode: number): string | undefined {
  const live = inodeOf(path);
  if (live === undefined || live === inode) return undefined;
  let oldest = path;
  for (let index = 1; index < mostFiles; index++) {
    const name = rotatedPath(path, index);
    const found = inodeOf(name);
    if (found === undefined) break;
    if (found === inode) return rotatedPath(path, index - 1);
    oldest = name;
  }
  return oldest;
}

function inodeOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}

/**
 * Keeps of `files` (oldest first) those that hold the last `count` lines, with offsets at the first of them; closes
 * the others. Reads backwards, so that its cost follows the count and not the size. A torn last line is no line.
 */
export function keepLastLines(files: readonly LogFile[], count: number): LogFile[] {
  const kept: LogFile[] = [];
  let wanted = count;
  for (const file of files.toReversed()) {
    if (wanted === 0 && kept.length > 0) {
      closeSync(file.fd);
      continue;
    }
    const { offset, lines } = startOfLastLines(file.fd, wanted);
    file.offset = offset;
    wanted -= lines;
    kept.unshift(file);
  }
  return kept;
}

/** Where the last `count` lines of a file begin, and how many there are. */
function startOfLastLines(fd: number, count: number): { readonly offset: number; readonly lines: number } {
  const block = Buffer.alloc(blockBytes);
  let lines = -1;
  for (let end = fstatSync(fd).size; end > 0; ) {
    const start = Math.max(0, end - blockBytes);
    const length = readSync(fd, block, 0, end - start, start);
    for (let at = lastNewline(block, length); at >= 0; at = lastNewline(block, at)) {
      lines++;
      if (lines === count) return { offset: start + at + 1, lines };
    }
    end = start;
  }
  return { offset: 0, lines: lines + 1 };
}

function lastNewline(block: Buffer, before: number): number {
  return before === 0 ? -1 : block.subarray(0, before).lastIndexOf(newline);
}
