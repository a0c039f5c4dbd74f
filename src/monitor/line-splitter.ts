/**
 * Cuts one stream's bytes into what a log can take: whole lines, and 16 KiB parts of lines that are longer.
 *
 * Pure. Keeps less than 16 KiB. Parts are never cut inside a UTF-8 character; docker's may be. As docker, an unfinished
 * line waits for its end.
 */
/** As docker's copier. */
export const partBytes = 16 * 1024;

const newline = 0x0a;

/** In order: runs of whole lines, and parts. */
export type Segment = { readonly kind: "lines" | "part"; readonly bytes: Uint8Array };

export class LineSplitter {
  #rest: Buffer = Buffer.alloc(0);

  push(chunk: Uint8Array): Segment[] {
    const bytes = this.#rest.byteLength === 0 ? viewOf(chunk) : Buffer.concat([this.#rest, chunk]);
    const segments: Segment[] = [];
    let at = 0;
    while (bytes.byteLength - at > 0) {
      const end = endOfShortLines(bytes, at);
      if (end > at) segments.push({ kind: "lines", bytes: bytes.subarray(at, end) });
      at = end;
      if (bytes.byteLength - at < partBytes) break;
      const cut = characterStart(bytes, at + partBytes);
      segments.push({ kind: "part", bytes: bytes.subarray(at, cut) });
      at = cut;
    }
    // A copy: the chunk it came from may be a hundred times larger.
    this.#rest = Buffer.from(bytes.subarray(at));
    return segments;
  }

  /** No unfinished line is kept. */
  get isEmpty(): boolean {
    return this.#rest.byteLength === 0;
  }

  /** What is left at the end of the stream. */
  finish(): Segment[] {
    const bytes = this.#rest;
    this.#rest = Buffer.alloc(0);
    return bytes.byteLength === 0 ? [] : [{ kind: "part", bytes }];
  }
}

/** End of the last newline that is reached from `at` by lines of at most partBytes, hopping, not line by line. */
function endOfShortLines(bytes: Buffer, at: number): number {
  let end = at;
  while (end < bytes.byteLength) {
    const last = bytes.lastIndexOf(newline, end + partBytes - 1);
    if (last < end) break;
    end = last + 1;
  }
  return end;
}

/** The start of the character that the byte at `index` is in the middle of, at most three bytes before. */
function characterStart(bytes: Buffer, index: number): number {
  for (let start = index; start > index - 4; start--) {
    if (((bytes[start] ?? 0) & 0xc0) !== 0x80) return start;
  }
  return index;
}

function viewOf(chunk: Uint8Array): Buffer {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
}
