import { describe, expect, test } from "bun:test";
import { LineSplitter, partBytes, type Segment } from "../../../src/monitor/line-splitter.ts";

const shown = (segments: readonly Segment[]) =>
  segments.map(({ kind, bytes }) => [kind, Buffer.from(bytes).toString()] as const);

function splitAll(chunks: readonly (string | Uint8Array)[]): Segment[] {
  const splitter = new LineSplitter();
  const segments = chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk as string)));
  return [...segments, ...splitter.finish()];
}

describe("LineSplitter", () => {
  test("hands over whole lines together and keeps the unfinished one", () => {
    const splitter = new LineSplitter();
    expect(shown(splitter.push(Buffer.from("a\nb\nc")))).toEqual([["lines", "a\nb\n"]]);
    expect(splitter.push(Buffer.from("d"))).toEqual([]);
    expect(shown(splitter.push(Buffer.from("e\n")))).toEqual([["lines", "cde\n"]]);
    expect(splitter.finish()).toEqual([]);
  });

  test("gives what is left at the end, once", () => {
    const splitter = new LineSplitter();
    splitter.push(Buffer.from("no newline"));
    expect(shown(splitter.finish())).toEqual([["part", "no newline"]]);
    expect(splitter.finish()).toEqual([]);
  });

  test("cuts long lines at 16 KiB, as docker", () => {
    const segments = splitAll([`short\n${"x".repeat(40_000)}\nafter\n`]);
    expect(segments.map(({ kind, bytes }) => [kind, bytes.byteLength])).toEqual([
      ["lines", 6],
      ["part", partBytes],
      ["part", partBytes],
      ["lines", 40_000 - 2 * partBytes + 1 + 6],
    ]);
  });

  test("takes a line of exactly 16 KiB with its newline whole", () => {
    const line = `${"x".repeat(partBytes - 1)}\n`;
    expect(shown(splitAll([line]))).toEqual([["lines", line]]);
  });

  test("does not cut a character", () => {
    const parts = splitAll([`a${"✓".repeat(10_000)}`]);
    expect(parts.length).toBeGreaterThan(1);
    expect(parts.map(({ bytes }) => Buffer.from(bytes).toString()).join("")).toBe(`a${"✓".repeat(10_000)}`);
    for (const { bytes } of parts) expect(Buffer.from(bytes).toString()).not.toContain("\ufffd");
  });

  test("does not loop on bytes that are no UTF-8", () => {
    const junk = new Uint8Array(50_000).fill(0x80);
    const total = splitAll([junk]).reduce((sum, { bytes }) => sum + bytes.byteLength, 0);
    expect(total).toBe(50_000);
  });

  test("loses and adds nothing, however the bytes are cut", () => {
    const text = Array.from({ length: 300 }, (_, n) => "é".repeat((n * 977) % 12_000)).join("\n");
    const bytes = Buffer.from(text);
    for (const size of [1000, 4096, 65_536, 1_000_003]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.byteLength; at += size) chunks.push(bytes.subarray(at, at + size));
      const segments = splitAll(chunks);
      expect(Buffer.concat(segments.map((segment) => segment.bytes)).equals(bytes)).toBe(true);
      const unfinished = segments
        .slice(0, -1)
        .filter(({ kind, bytes: part }) => kind === "lines" && part.at(-1) !== 10);
      expect(unfinished).toEqual([]);
    }
  });
});
