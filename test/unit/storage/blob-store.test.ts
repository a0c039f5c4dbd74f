/** Blobs: verified, resumed, downloaded once, never half there. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../../../src/image/digest.ts";
import { BlobStore } from "../../../src/storage/blob-store.ts";
import { chunksOf, describeBytes, openTemporaryRoot, type TemporaryRoot } from "./storage-fixture.ts";

let root: TemporaryRoot;
let blobs: BlobStore;
const bytes = Buffer.alloc(100_000, "0123456789abcdef");
const blob = describeBytes(bytes);

beforeEach(() => {
  root = openTemporaryRoot();
  blobs = new BlobStore(root.paths);
});
afterEach(() => root[Symbol.dispose]());

const from = (content: Uint8Array, failAfter?: number) => async (offset: number) => ({
  offset,
  body: chunksOf(content.subarray(offset), 1000, failAfter),
});

/** Names under tmp/ that are no locks. */
function leftovers(): string[] {
  return readdirSync(root.paths.tmp).filter((name) => !name.endsWith(".lock"));
}

describe("write", () => {
  test("stores what matches its descriptor", async () => {
    expect(await blobs.write(blob, from(bytes))).toBe("written");
    expect(readFileSync(blobs.path(blob.digest)).equals(bytes)).toBe(true);
    expect(blobs.has(blob.digest)).toBe(true);
    expect(blobs.size(blob.digest)).toBe(bytes.length);
    expect(leftovers()).toEqual([]);
  });

  test("does not ask for what is there", async () => {
    await blobs.writeBytes(blob, bytes);
    const refuse = () => Promise.reject(new Error("asked"));
    expect(await blobs.write(blob, refuse)).toBe("present");
  });

  test("an empty blob is a blob", async () => {
    const empty = describeBytes(Buffer.alloc(0));
    expect(await blobs.writeBytes(empty, Buffer.alloc(0))).toBe("written");
    expect(blobs.size(empty.digest)).toBe(0);
  });

  test("progress ends at the size, and every byte is seen once", async () => {
    const progress: number[] = [];
    const seen: Buffer[] = [];
    await blobs.write(blob, from(bytes), {
      onProgress: (done) => progress.push(done),
      onBytes: (chunk) => void seen.push(Buffer.from(chunk)),
    });
    expect(progress.at(-1)).toBe(bytes.length);
    expect(Buffer.concat(seen).equals(bytes)).toBe(true);
  });

  test("wrong content: got and want in the error, nothing left", async () => {
    const wrong = Buffer.alloc(bytes.length, "x");
    const error = await blobs.write(blob, from(wrong)).catch((thrown) => thrown);
    expect(error).toMatchObject({ kind: "corrupt" });
    expect(error.message).toContain(`got ${describeBytes(wrong).digest}, want ${blob.digest}`);
    expect(blobs.has(blob.digest)).toBe(false);
    expect(leftovers()).toEqual([]);
  });

  test("an endless body is cut at the size", async () => {
    async function* endless() {
      for (;;) yield bytes;
    }
    const write = blobs.write(blob, async () => ({ offset: 0, body: endless() }));
    await expect(write).rejects.toThrow("size mismatch: got more than 100000 bytes, want 100000");
    expect(leftovers()).toEqual([]);
  });

  test("a short body is an error, and the part stays", async () => {
    const short = async () => ({ offset: 0, body: chunksOf(bytes.subarray(0, 5000), 1000) });
    await expect(blobs.write(blob, short)).rejects.toThrow("got 5000 bytes, want 100000");
    expect(statSync(blobs.partPath(blob.digest)).size).toBe(5000);
  });

  test("sha512 has a folder of its own", async () => {
    const digest = `sha512:${new Bun.CryptoHasher("sha512").update(bytes).digest("hex")}` as Digest;
    await blobs.write({ ...blob, digest }, from(bytes));
    expect(blobs.path(digest)).toContain("/blobs/sha512/");
    expect(blobs.readBytes(digest, 1 << 20).equals(bytes)).toBe(true);
  });
});

describe("resuming", () => {
  test("asks for the rest and verifies the whole", async () => {
    await blobs.write(blob, from(bytes, 30_000)).catch(() => {});
    const asked: number[] = [];
    const seen: Buffer[] = [];
    await blobs.write(
      blob,
      (offset) => {
        asked.push(offset);
        return from(bytes)(offset);
      },
      { onBytes: (chunk) => void seen.push(Buffer.from(chunk)) },
    );
    expect(asked).toEqual([30_000]);
    expect(Buffer.concat(seen).equals(bytes)).toBe(true);
    expect(leftovers()).toEqual([]);
  });

  test("takes the whole from a source that cannot start in the middle", async () => {
    await blobs.write(blob, from(bytes, 30_000)).catch(() => {});
    await blobs.write(blob, async () => ({ offset: 0, body: chunksOf(bytes, 1000) }));
    expect(blobs.readBytes(blob.digest, 1 << 20).equals(bytes)).toBe(true);
  });

  test("a part with other bytes is found out, and the next attempt starts afresh", async () => {
    await blobs.write(blob, from(bytes, 30_000)).catch(() => {});
    const part = blobs.partPath(blob.digest);
    const damaged = readFileSync(part);
    damaged[17] = 0;
    writeFileSync(part, damaged);
    await expect(blobs.write(blob, from(bytes))).rejects.toThrow("digest mismatch");
    expect(await blobs.write(blob, from(bytes))).toBe("written");
  });

  test("a whole part needs no source, a longer one is thrown away", async () => {
    await blobs.write(blob, from(bytes, 1000)).catch(() => {});
    writeFileSync(blobs.partPath(blob.digest), bytes);
    const refuse = () => Promise.reject(new Error("asked"));
    expect(await blobs.write(blob, refuse)).toBe("written");
    const other = describeBytes(Buffer.from("short"));
    writeFileSync(blobs.partPath(other.digest), bytes);
    expect(await blobs.write(other, from(Buffer.from("short")))).toBe("written");
  });
});

describe("several writers", () => {
  test("download once", async () => {
    let asked = 0;
    const slow = async (offset: number) => {
      asked += 1;
      await Bun.sleep(30);
      return { offset, body: chunksOf(bytes.subarray(offset), 1000) };
    };
    const results = await Promise.all([1, 2, 3].map(() => new BlobStore(root.paths).write(blob, slow)));
    expect(results.sort()).toEqual(["present", "present", "written"]);
    expect(asked).toBe(1);
    expect(leftovers()).toEqual([]);
  });

  test("one goes on where another failed", async () => {
    const first = blobs.write(blob, from(bytes, 10_000));
    const second = blobs.write(blob, from(bytes));
    await expect(first).rejects.toThrow("connection lost");
    expect(await second).toBe("written");
  });
});

describe("streams of unknown digest", () => {
  test("take their name at their end", async () => {
    expect(await blobs.importStream(chunksOf(bytes, 999))).toEqual({
      digest: blob.digest,
      size: bytes.length,
    });
    expect(await blobs.importStream(chunksOf(bytes, 999))).toMatchObject({ digest: blob.digest });
    expect(readFileSync(blobs.path(blob.digest)).equals(bytes)).toBe(true);
    expect(readdirSync(root.paths.tmp)).toEqual([]);
  });

  test("leave nothing when they break", async () => {
    await expect(blobs.importStream(chunksOf(bytes, 999, 5000))).rejects.toThrow("connection lost");
    expect(readdirSync(root.paths.tmp)).toEqual([]);
  });
});

describe("readBytes", () => {
  test("verifies, limits and names what is missing", async () => {
    expect(() => blobs.readBytes(blob.digest, 10)).toThrow(`blob ${blob.digest} is not in the store`);
    await blobs.writeBytes(blob, bytes);
    expect(() => blobs.readBytes(blob.digest, 10)).toThrow("more than 10");
    writeFileSync(blobs.path(blob.digest), "rot");
    expect(() => blobs.readBytes(blob.digest, 1 << 20)).toThrow("digest mismatch");
  });
});

test("an empty store is a valid OCI layout", async () => {
  await blobs.writeBytes(blob, bytes);
  expect(JSON.parse(readFileSync(join(root.paths.imageLayout, "oci-layout"), "utf8"))).toEqual({
    imageLayoutVersion: "1.0.0",
  });
  expect(existsSync(join(root.paths.imageLayout, "index.json"))).toBe(true);
});
