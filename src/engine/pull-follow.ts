/**
 * Reads a file while another part of this process is still writing it, so that a layer unpacks as it arrives.
 *
 * The writer says how far it is; bytes come back out of the page cache. Unlike a queue between the two this holds
 * nothing in memory and lets the download run ahead of the unpacking. The reader's own descriptor stays good when
 * the file is renamed to its final name or unlinked as corrupt.
 */
import { closeSync, openSync, read } from "node:fs";
import { promisify } from "node:util";

const readAsync = promisify(read);
const chunkBytes = 256 * 1024;

export class FileFollower {
  readonly #paths: readonly string[];
  #written = 0;
  #complete = false;
  #failure: unknown;
  #wake: (() => void) | undefined;
  readonly #onRead: (doneBytes: number) => void;

  /** `paths`: where the file is, or will have been renamed to, in that order. */
  constructor(paths: readonly string[], onRead: (doneBytes: number) => void) {
    this.#paths = paths;
    this.#onRead = onRead;
  }

  /** The file has its first `bytes` bytes. */
  advance(bytes: number): void {
    this.#written = bytes;
    this.#wake?.();
  }

  /** Nothing more will be written. */
  finish(): void {
    this.#complete = true;
    this.#wake?.();
  }

  /** The writer gave up: so does the reader, with the same error. */
  fail(error: unknown): void {
    this.#failure = error ?? new Error("the download was given up");
    this.#wake?.();
  }

  /** The bytes in order, to the end. The file is opened at the first read. */
  async *read(): AsyncGenerator<Uint8Array, void, void> {
    if (this.#failure !== undefined) throw this.#failure;
    const fd = openFirst(this.#paths);
    try {
      for (let at = 0; await this.#hasMoreThan(at); ) {
        const chunk = Buffer.allocUnsafeSlow(Math.min(chunkBytes, this.#written - at));
        const { bytesRead } = await readAsync(fd, chunk, 0, chunk.byteLength, at);
        if (bytesRead === 0) throw new Error(`"${this.#paths[0]}" shrank while it was read`);
        at += bytesRead;
        this.#onRead(at);
        yield chunk.subarray(0, bytesRead);
      }
    } finally {
      closeSync(fd);
    }
  }

  async #hasMoreThan(at: number): Promise<boolean> {
    while (this.#failure === undefined && this.#written <= at && !this.#complete) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
    return this.#written > at;
  }
}

/** Opens the first path that exists; the last one's error is the one thrown. */
function openFirst(paths: readonly string[]): number {
  for (const path of paths.slice(0, -1)) {
    try {
      return openSync(path, "r");
    } catch (error) {
      if ((error as { code?: unknown }).code !== "ENOENT") throw error;
    }
  }
  return openSync(paths.at(-1) ?? "", "r");
}
