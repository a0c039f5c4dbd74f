/**
 * A response's body, read with care: it may stall, drip, never end, or be far larger than it should.
 *
 * Time counts only while waiting for the network, so that a slow disk on our side is not blamed on theirs.
 */
import { BockerError } from "../errors.ts";
import type { TransportTiming } from "./registry-settings.ts";
import { TransportError, transportErrorOf } from "./transport-error.ts";

const maxDrainBytes = 64 * 1024;

/** May be read once: by `chunks`, by `bytes`, or not at all, and then `drain` or `discard` must be called. */
export class HttpBody {
  readonly #host: string;
  readonly #timing: TransportTiming;
  readonly #abort: AbortController;
  /** Announced; NaN when it is not. */
  readonly #length: number;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;

  constructor(response: Response, host: string, timing: TransportTiming, abort: AbortController) {
    this.#host = host;
    this.#timing = timing;
    this.#abort = abort;
    this.#length = Number(response.headers.get("content-length") ?? Number.NaN);
    this.#reader = response.body?.getReader() as ReadableStreamDefaultReader<Uint8Array> | undefined;
  }

  /** The pieces as they come. Throws TransportError; leaving the loop early closes the connection. */
  async *chunks(): AsyncGenerator<Uint8Array, void, void> {
    const reader = this.#reader;
    if (reader === undefined) return;
    const pace = new Pace(this.#host, this.#timing, this.#abort);
    let ended = false;
    try {
      for (;;) {
        const { done, value } = await pace.wait(() => reader.read());
        if (done) break;
        pace.count(value.byteLength);
        yield value;
      }
      ended = true;
    } finally {
      pace.stop();
      if (!ended) this.discard();
    }
  }

  /** All of it. More than `limitBytes` is an error naming `what`, and is not read. */
  async bytes(what: string, limitBytes: number): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    let length = 0;
    for await (const chunk of this.chunks()) {
      length += chunk.byteLength;
      if (length > limitBytes) {
        throw new BockerError(`${what} is larger than ${limitBytes} bytes`, { kind: "corrupt" });
      }
      pieces.push(chunk);
    }
    return Buffer.concat(pieces, length);
  }

  /** Reads a short rest, so that the connection can serve again, or gives it up. Never throws. */
  async drain(): Promise<void> {
    if (!(this.#length <= maxDrainBytes)) return this.discard();
    await this.bytes("rest", maxDrainBytes).catch(() => {});
  }

  /** Gives the connection up: what is not read would otherwise keep it. */
  discard(): void {
    this.#abort.abort();
    this.#reader?.cancel().catch(() => {});
  }
}

/** Watches how fast a body comes in: a dead line by timer, a dripping one by count. */
class Pace {
  readonly #host: string;
  readonly #timing: TransportTiming;
  readonly #abort: AbortController;
  #timer: Timer | undefined;
  #waitedMs = 0;
  #bytes = 0;

  constructor(host: string, timing: TransportTiming, abort: AbortController) {
    this.#host = host;
    this.#timing = timing;
    this.#abort = abort;
  }

  async wait<T>(read: () => Promise<T>): Promise<T> {
    const begin = performance.now();
    this.#timer = setTimeout(() => this.#abort.abort(this.#stalled()), this.#timing.stallMs);
    try {
      return await read();
    } catch (error) {
      throw transportErrorOf(this.#host, error);
    } finally {
      this.stop();
      this.#waitedMs += performance.now() - begin;
    }
  }

  count(bytes: number): void {
    this.#bytes += bytes;
    if (this.#waitedMs < this.#timing.stallMs) return;
    const least = (this.#timing.minBytesPerSecond * this.#waitedMs) / 1000;
    if (this.#bytes < least) throw this.#stalled();
    this.#waitedMs = 0;
    this.#bytes = 0;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #stalled(): TransportError {
    const seconds = Math.round(this.#timing.stallMs / 1000);
    return new TransportError(`registry "${this.#host}" stalled: hardly any data for ${seconds} s`, {
      temporary: true,
      kind: "timeout",
    });
  }
}
