/**
 * Writing to a pipe, a socket or a pty that may be full, without blocking the event loop and without growing.
 *
 * A write is tried at once; only what does not fit waits. Bun's FileSink waits with epoll for pipes and
 * sockets, but makes a pty blocking again (measured), so ptys are asked again in growing steps: what is typed or pasted
 * is small, and a program that does not read its terminal is not worth waking for.
 */
import { closeSync, writeSync } from "node:fs";
import { setNonBlocking } from "../../ffi/terminal.ts";

const firstWaitMs = 1;
const longestWaitMs = 50;

export class DescriptorWriter {
  readonly #fd: number;
  readonly #isPty: boolean;
  #sink: Bun.FileSink | undefined;
  #closed = false;
  #queue: Promise<void> | undefined;

  /** Owns `fd`, which must be an open file of our own: it is made non-blocking. */
  constructor(fd: number, kind: "pipe" | "pty") {
    this.#fd = fd;
    this.#isPty = kind === "pty";
    setNonBlocking(fd, true);
  }

  /**
   * Writes all of it, behind what was written before. Gives nothing when it is done already, else a promise.
   * Throws or rejects with EPIPE or EIO when nobody can read any more.
   */
  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#queue !== undefined) return this.#enqueue(chunk);
    const rest = this.#writeNow(chunk);
    if (rest !== undefined) return this.#enqueue(rest);
  }

  /** Everything was written. */
  get isIdle(): boolean {
    return this.#queue === undefined;
  }

  /** Closes once everything is written. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#queue === undefined) this.#closeNow();
    else void this.#queue.catch(() => undefined).then(() => this.#closeNow());
  }

  #enqueue(chunk: Uint8Array): Promise<void> {
    const before = this.#queue ?? Promise.resolve();
    const mine = before.then(() => this.#writeLater(chunk));
    const settled = mine.finally(() => {
      if (this.#queue === settled) this.#queue = undefined;
    });
    this.#queue = settled;
    return settled;
  }

  /** What the descriptor did not take. */
  #writeNow(chunk: Uint8Array): Uint8Array | undefined {
    for (let rest = chunk; rest.byteLength > 0; ) {
      try {
        rest = rest.subarray(writeSync(this.#fd, rest));
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code === "EAGAIN") return rest;
        if (code !== "EINTR") throw error;
      }
    }
    return undefined;
  }

  async #writeLater(chunk: Uint8Array): Promise<void> {
    if (!this.#isPty) {
      this.#sink ??= Bun.file(this.#fd).writer();
      // Either of the two can be the one that fails.
      await this.#sink.write(chunk);
      await this.#sink.flush();
      return;
    }
    let waitMs = firstWaitMs;
    for (let rest: Uint8Array | undefined = chunk; rest !== undefined; ) {
      const left: Uint8Array | undefined = this.#writeNow(rest);
      if (left === undefined) return;
      waitMs = left.byteLength < rest.byteLength ? firstWaitMs : Math.min(waitMs * 2, longestWaitMs);
      rest = left;
      await Bun.sleep(waitMs);
    }
  }

  #closeNow(): void {
    Promise.resolve(this.#sink?.end()).catch(() => undefined);
    closeSync(this.#fd);
  }
}
