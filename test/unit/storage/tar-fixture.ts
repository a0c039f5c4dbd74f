/**
 * Reads a tar with the product's reader into a list, for tests.
 */
import type { TarEntry } from "../../../src/storage/tar-entry.ts";
import { TarReader } from "../../../src/storage/tar-reader.ts";

export interface ReadMember {
  readonly entry: TarEntry;
  readonly data: Buffer;
}

/** Feeds the archive in chunks of `chunkBytes` and returns what came out. */
export function readTar(tar: Buffer, chunkBytes = tar.length): readonly ReadMember[] {
  const members: { entry: TarEntry; data: Buffer }[] = [];
  let chunks: Buffer[] = [];
  const reader = new TarReader({
    entry: (entry) => {
      chunks = [];
      members.push({ entry, data: Buffer.alloc(0) });
    },
    data: (chunk) => void chunks.push(Buffer.from(chunk)),
    endEntry: () => {
      const last = members.at(-1);
      if (last !== undefined) last.data = Buffer.concat(chunks);
    },
  });
  for (let at = 0; at < tar.length; at += chunkBytes) reader.write(tar.subarray(at, at + chunkBytes));
  reader.end();
  return members;
}

/** The only member's entry. */
export function readOne(tar: Buffer): TarEntry {
  const [first] = readTar(tar);
  if (first === undefined) throw new Error("the archive is empty");
  return first.entry;
}
