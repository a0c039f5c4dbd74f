/**
 * Where an archive is written to: a file that is there whole or not at all, or a descriptor (standard output).
 *
 * Bytes go out on Bun's thread pool, so that reading the next ones and writing these overlap.
 */
import { closeSync, openSync, renameSync, rmSync, type Stats, statSync, write } from "node:fs";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { poll } from "../../ffi/file.ts";
import { BockerError } from "../errors.ts";
import { randomHex } from "../host/random-id.ts";

export interface ByteTarget {
  writeAll(bytes: AsyncIterable<Uint8Array>): Promise<void>;
}

const POLLOUT = 4;
const writeAsync = promisify(write);

/** An open descriptor, which stays the caller's. Throws kind `host` when its reader goes before the end. */
export function descriptorTarget(fd: number): ByteTarget {
  return { writeAll: (bytes) => writeTo(fd, bytes) };
}

/** The file `path`, replaced at the end; nothing of it stays after an error. Only root may read it: docker's 0600. */
export function fileTarget(path: string): ByteTarget {
  return { writeAll: (bytes) => replaceFile(path, bytes) };
}

async function replaceFile(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  const stat: Stats | undefined = statSync(path, { throwIfNoEntry: false });
  if (stat !== undefined && !stat.isFile()) {
    await writeOpened(openSync(path, "w"), bytes);
    return;
  }
  const temporary = join(dirname(path), `.${basename(path).slice(0, 200)}.${randomHex(6)}.tmp`);
  try {
    await writeOpened(openSync(temporary, "wx", 0o600), bytes);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
}

async function writeOpened(fd: number, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    await writeTo(fd, bytes);
  } finally {
    closeSync(fd);
  }
}

/** One piece is on its way while the next is made. */
async function writeTo(fd: number, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  try {
    for await (const piece of bytes) {
      await writing;
      writing = writePiece(fd, piece);
      writing.catch(() => {});
    }
  } finally {
    await writing;
  }
}

async function writePiece(fd: number, piece: Uint8Array): Promise<void> {
  for (let done = 0; done < piece.length; ) {
    try {
      done += (await writeAsync(fd, piece, done, piece.length - done, null)).bytesWritten;
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : undefined;
      if (code === "EPIPE") throw new BockerError("write: broken pipe", { kind: "host" });
      if (code !== "EAGAIN") throw error;
      // A pipe that another process has made non-blocking, and full.
      poll(fd, POLLOUT, 1000);
    }
  }
}
