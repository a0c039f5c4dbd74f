/**
 * The digest that a stored blob really has: what `system check --deep` compares with its name.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { type Digest, DigestHasher, digestAlgorithm } from "../image/digest.ts";

const chunkBytes = 1 << 20;

/** Reads the whole file, with the algorithm of `named`. */
export function hashBlob(path: string, named: Digest): Digest {
  const hasher = new DigestHasher(digestAlgorithm(named));
  const buffer = Buffer.allocUnsafe(chunkBytes);
  const fd = openSync(path, "r");
  try {
    for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
      hasher.update(buffer.subarray(0, count));
    }
  } finally {
    closeSync(fd);
  }
  return hasher.digest();
}
