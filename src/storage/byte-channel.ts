/**
 * Bytes from one loop to another, a few pieces at a time: who writes waits for who reads, so memory stays flat.
 */

/** Pieces that may wait. */
const capacity = 4;

/** One writer, one reader. The reader is the `for await`; leaving it early closes the channel. */
export class ByteChannel implements AsyncIterable<Uint8Array> {
  readonly #pieces: Uint8Array[] = [];
  #state: "open" | "ended" | "closed" = "open";
  #failure: unknown;
  #wake: (() => void) | undefined;

  /** Waits for room. False: the reader has gone, and the piece with it. */
  async push(piece: Uint8Array): Promise<boolean> {
    while (this.#pieces.length >= capacity && this.#state === "open") await this.#change();
    if (this.#state !== "open") return false;
    this.#pieces.push(piece);
    this.#tell();
    return true;
  }

  /** No more pieces will come. */
  end(): void {
    if (this.#state === "open") this.#state = "ended";
    this.#tell();
  }

  /** The reader's next step throws `error`. */
  fail(error: unknown): void {
    if (this.#state === "closed") return;
    this.#failure = error;
    this.#pieces.length = 0;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece !== undefined) {
          this.#tell();
          yield piece;
        } else if (this.#state === "open") await this.#change();
        else break;
      }
      if (this.#failure !== undefined) throw this.#failure;
    } finally {
      this.#state = "closed";
      this.#tell();
    }
  }

  /** Either side waits only while the other can go on: one waiter at a time. */
  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #tell(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
