/** gzip in blocks: one stream to anybody's gunzip, the same bytes for the same input, and random data not grown. */
import { describe, expect, test } from "bun:test";
import { gunzipSync } from "node:zlib";
import { gzipStream } from "../../../src/storage/gzip-stream.ts";

const MiB = 1 << 20;

async function* pieces(bytes: Buffer, size: number): AsyncGenerator<Buffer> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function compress(bytes: Buffer, size: number): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(gzipStream(pieces(bytes, size))));
}

/** Blocks of text between blocks of noise. */
function mixed(bytes: number): Buffer {
  const noise = Buffer.alloc(bytes);
  let state = 1;
  for (let at = 0; at < bytes; at++) {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    noise[at] = Math.floor(at / MiB) % 2 === 0 ? 97 + (at % 7) : state >>> 24;
  }
  return noise;
}

describe("round trip", () => {
  for (const size of [0, 1, 511, MiB - 1, MiB, MiB + 1, 4 * MiB + 17]) {
    test(`${size} bytes`, async () => {
      const bytes = mixed(size);
      expect(gunzipSync(await compress(bytes, 100_000)).equals(bytes)).toBe(true);
    });
  }
});

test("the result does not depend on how the input arrives", async () => {
  const bytes = mixed(3 * MiB + 5);
  const whole = await compress(bytes, bytes.length);
  for (const size of [4096 * 7, MiB, 2 * MiB + 1])
    expect((await compress(bytes, size)).equals(whole)).toBe(true);
});

test("noise is stored, text shrinks", async () => {
  const random = Buffer.from(crypto.getRandomValues(new Uint8Array(65536)));
  const noise = Buffer.concat(Array.from({ length: 16 }, () => random));
  const stored = (await compress(noise, MiB)).length;
  expect(stored).toBeGreaterThan(noise.length);
  expect(stored).toBeLessThan(noise.length * 1.001);
  expect((await compress(Buffer.alloc(MiB, "text "), MiB)).length).toBeLessThan(MiB / 50);
});

test("an error of the input comes out, and leaving early ends the input", async () => {
  async function* failing(): AsyncGenerator<Buffer> {
    yield Buffer.alloc(2 * MiB);
    throw new Error("the disk is gone");
  }
  expect(Array.fromAsync(gzipStream(failing()))).rejects.toThrow("the disk is gone");
  let ended = false;
  async function* endless(): AsyncGenerator<Buffer> {
    try {
      for (;;) yield Buffer.alloc(MiB);
    } finally {
      ended = true;
    }
  }
  for await (const block of gzipStream(endless())) {
    expect(block.length).toBeGreaterThan(0);
    break;
  }
  expect(ended).toBe(true);
});
