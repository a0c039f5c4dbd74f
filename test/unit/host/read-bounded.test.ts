/** Files that users name, with an end and without one. */
import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readBounded } from "../../../src/host/read-bounded.ts";

describe("readBounded", () => {
  test("reads files to their end, of any size up to the limit", () => {
    const folder = mkdtempSync(join(tmpdir(), "bocker-read-"));
    try {
      const path = join(folder, "file");
      for (const size of [0, 1, 65_536, 65_537, 200_000]) {
        const bytes = new Uint8Array(size).map((_, index) => index % 251);
        writeFileSync(path, bytes);
        expect(Buffer.compare(readBounded(path, 200_000), bytes)).toBe(0);
      }
      expect(() => readBounded(path, 199_999)).toThrow("EFBIG: file too large");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test("a device has no end and is refused, another is empty", () => {
    expect(() => readBounded("/dev/zero")).toThrow("EFBIG");
    expect(readBounded("/dev/null")).toHaveLength(0);
  });

  test("a folder and what is not there have Node's codes", () => {
    expect(() => readBounded("/")).toThrow("EISDIR");
    expect(() => readBounded("/nope/nope")).toThrow("ENOENT");
  });
});
