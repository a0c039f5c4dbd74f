/** Decompression by content, of whole, split, concatenated and damaged streams. */
import { describe, expect, test } from "bun:test";
import { decompress, detectCompression } from "../../../src/storage/decompress.ts";
import { chunksOf } from "./storage-fixture.ts";

const plain = Buffer.from("the quick brown fox ".repeat(50_000));
const run = (argv: string[], input: Uint8Array) => Bun.spawnSync(argv, { stdin: Buffer.from(input) }).stdout;
const formats = {
  none: plain,
  gzip: Buffer.from(Bun.gzipSync(plain)),
  zstd: Buffer.from(Bun.zstdCompressSync(plain)),
  xz: Buffer.from(run(["xz", "-c"], plain)),
} as const;

async function unpack(bytes: Uint8Array, chunkBytes = 10_000): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of decompress(chunksOf(bytes, chunkBytes))) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks);
}

describe.each(Object.entries(formats))("%s", (format, bytes) => {
  test("is told from its first bytes", () => {
    expect<string>(detectCompression(bytes)).toBe(format);
  });

  test.each([1_000_000, 1000, 3])("comes out whole from chunks of %i bytes", async (chunkBytes) => {
    const part = chunkBytes === 3 ? bytes.subarray(0, Math.min(bytes.length, 60_000)) : bytes;
    if (part.length < bytes.length) return;
    expect((await unpack(part, chunkBytes)).equals(plain)).toBe(true);
  });
});

test("members and frames in a row are one stream", async () => {
  const twice = Buffer.concat([plain, plain]);
  expect((await unpack(Buffer.concat([formats.gzip, formats.gzip]))).equals(twice)).toBe(true);
  expect((await unpack(Buffer.concat([formats.zstd, formats.zstd]))).equals(twice)).toBe(true);
});

test("zstd may begin with a skippable frame", async () => {
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3]);
  expect((await unpack(Buffer.concat([skippable, formats.zstd]))).equals(plain)).toBe(true);
});

test("nothing is nothing", async () => {
  expect(await unpack(Buffer.alloc(0))).toHaveLength(0);
});

describe("damage", () => {
  test.each(["gzip", "xz"] as const)("a truncated %s stream", async (format) => {
    const half = formats[format].subarray(0, formats[format].length / 2);
    await expect(unpack(half)).rejects.toThrow(`${format} stream is damaged`);
  });

  test.each(["gzip", "zstd", "xz"] as const)("flipped bits in a %s stream", async (format) => {
    const flipped = Buffer.from(formats[format]);
    for (let at = 30; at < 60; at++) flipped[at] = (flipped[at] ?? 0) ^ 0xff;
    await expect(unpack(flipped)).rejects.toThrow(`${format} stream is damaged`);
  });

  test("an error of the source is the source's", async () => {
    const broken = decompress(chunksOf(formats.gzip, 500, 1000));
    await expect(Array.fromAsync(broken)).rejects.toThrow("connection lost");
  });
});
