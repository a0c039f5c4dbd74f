/** The compression that a file's name asks for, and that everybody's programs read it. */
import { describe, expect, test } from "bun:test";
import { compress, compressionOfName } from "../../../src/storage/compress.ts";
import { decompress } from "../../../src/storage/decompress.ts";

const names = {
  "a.tar": "none",
  "a.tar.gz": "gzip",
  "a.tgz": "gzip",
  "a.tar.xz": "xz",
  "a.txz": "xz",
  "a.tar.zst": "zstd",
  "./a": "none",
  gz: "none",
  "a.gz": "none",
} as const;

test("names", () => {
  for (const [name, compression] of Object.entries(names))
    expect([name, compressionOfName(name)]).toEqual([name, compression]);
});

describe("round trip", () => {
  const bytes = Buffer.alloc(3 << 20, "some text, and again ");
  async function* source(): AsyncGenerator<Buffer> {
    for (let at = 0; at < bytes.length; at += 300_000) yield bytes.subarray(at, at + 300_000);
  }
  for (const compression of ["none", "gzip", "xz", "zstd"] as const) {
    test(compression, async () => {
      const plain = Buffer.concat(await Array.fromAsync(decompress(compress(source(), compression))));
      expect(plain.equals(bytes)).toBe(true);
    });
  }
});
