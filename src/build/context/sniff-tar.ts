/**
 * Whether bytes are a tar, compressed or not, told from what they begin with: no name and no media type is asked.
 */
import { decompress } from "../../storage/decompress.ts";
import { blockBytes, parseTarHeader } from "../../storage/tar-header.ts";

export interface SniffedTar {
  readonly isTar: boolean;
  /** All of it, decompressed. */
  readonly body: AsyncIterable<Buffer>;
}

/** Reads no more than the first blocks before it answers. Damaged compression is no tar. */
export async function sniffTar(input: AsyncIterable<Uint8Array>): Promise<SniffedTar> {
  const plain = decompress(input);
  const pieces: Buffer[] = [];
  let length = 0;
  while (length < blockBytes) {
    const next = await plain.next();
    if (next.done === true) break;
    pieces.push(next.value);
    length += next.value.length;
  }
  const start = Buffer.concat(pieces);
  return { isTar: isTarStart(start), body: resume(start, plain) };
}

function isTarStart(start: Buffer): boolean {
  if (start.length < blockBytes) return false;
  try {
    parseTarHeader(start.subarray(0, blockBytes), 0);
    return true;
  } catch {
    return false;
  }
}

async function* resume(start: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (start.length > 0) yield start;
  yield* rest;
}
