/**
 * splice(2): bytes from one socket to another through a pipe, without their ever being in this process's memory.
 */
import { closeQuietly, pipe2, read } from "./file.ts";
import { fcntlCommands, openFlags } from "./flags.ts";
import { syscall, trySyscall } from "./libc.ts";

const SPLICE_F_MOVE = 1;
const SPLICE_F_NONBLOCK = 2;
const flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
/** fs.pipe-max-size for everybody; root could have more. */
const pipeBytes = 1 << 20;
/** What is left of one is copied when the other side is full. */
const chunkBytes = 512 << 10;

/** One pipe for all: it is empty whenever splicing ends. */
export class Splicer implements Disposable {
  readonly #readEnd: number;
  readonly #writeEnd: number;

  constructor() {
    [this.#readEnd, this.#writeEnd] = pipe2(openFlags.O_NONBLOCK);
    try {
      syscall(
        "fcntl",
        [this.#writeEnd, fcntlCommands.F_SETPIPE_SZ, pipeBytes],
        () => `${this.#writeEnd}, F_SETPIPE_SZ`,
      );
    } catch {
      // Over the user's share of pipe memory: the 64 KiB that it has will do.
    }
  }

  /**
   * Moves what can be moved at once between two non-blocking sockets, about `budget` bytes at most. Gives what was taken
   * from the one and not accepted by the other; undefined: nothing. Ends of streams and errors are left for the next
   * read or write to find.
   */
  move(from: number, to: number, budget: number): Uint8Array | undefined {
    for (let moved = 0; moved < budget; ) {
      const taken = trySyscall("splice", [from, null, this.#writeEnd, null, chunkBytes, flags]);
      if (taken <= 0) return undefined;
      for (let left = taken; left > 0; ) {
        const given = trySyscall("splice", [this.#readEnd, null, to, null, left, flags]);
        if (given <= 0) return this.#drain(left);
        left -= given;
      }
      moved += taken;
    }
    return undefined;
  }

  #drain(bytes: number): Uint8Array {
    const rest = new Uint8Array(bytes);
    for (let at = 0; at < bytes; ) at += read(this.#readEnd, rest.subarray(at));
    return rest;
  }

  [Symbol.dispose](): void {
    closeQuietly(this.#readEnd, this.#writeEnd);
  }
}
