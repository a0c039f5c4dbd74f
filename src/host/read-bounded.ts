/**
 * Reading a file that a user names, to its end or to what no such file has: a device has no end.
 */
import { closeSync, openSync, readSync } from "node:fs";

const chunkBytes = 64 * 1024;

/** No list of variables, options or system calls comes near. */
const defaultLimitBytes = 16 * 1024 * 1024;

/**
 * The bytes of a file, a pipe or a device. Throws Node's errors, and one with the code EFBIG where there are more than
 * `limitBytes`.
 */
export function readBounded(path: string, limitBytes = defaultLimitBytes): Uint8Array {
  const fd = openSync(path, "r");
  try {
    const chunks: Uint8Array[] = [];
    for (let total = 0; ; ) {
      const chunk = new Uint8Array(chunkBytes);
      const count = readSync(fd, chunk);
      if (count === 0) return Buffer.concat(chunks);
      total += count;
      if (total > limitBytes) {
        throw Object.assign(new Error(`EFBIG: file too large, read '${path}'`), { code: "EFBIG" });
      }
      chunks.push(chunk.subarray(0, count));
    }
  } finally {
    closeSync(fd);
  }
}
