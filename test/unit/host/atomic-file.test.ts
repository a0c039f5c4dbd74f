import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sweepTemporaryFiles, writeFileAtomic } from "../../../src/host/atomic-file.ts";
import { isKernelAtLeast, parseKernelRelease } from "../../../src/host/host-facts.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-atomic-"));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each([false, true])("replaces a file whole, durable: %p", (durable) => {
  const path = join(folder, "file");
  writeFileAtomic(path, "old", { durable });
  const before = statSync(path).ino;
  writeFileAtomic(path, new TextEncoder().encode("new"), { mode: 0o600, durable });
  expect(readFileSync(path, "utf8")).toBe("new");
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(statSync(path).ino).not.toBe(before);
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("a write that fails leaves the target and no temporary file", () => {
  const path = join(folder, "dir");
  mkdirSync(join(path, "inside"), { recursive: true });
  expect(() => writeFileAtomic(path, "x")).toThrow();
  expect(readdirSync(folder)).toEqual(["dir"]);
});

test("the sweep takes old temporary files and nothing else", () => {
  const names = [".a.0123456789ab.tmp", ".keep", "b.tmp"];
  for (const name of names) writeFileSync(join(folder, name), "");
  sweepTemporaryFiles(folder, 60_000);
  expect(readdirSync(folder).sort()).toEqual(names);
  utimesSync(join(folder, ".a.0123456789ab.tmp"), 1000, 1000);
  sweepTemporaryFiles(folder, 60_000);
  expect(readdirSync(folder).sort()).toEqual([".keep", "b.tmp"]);
});

test.each([
  ["6.1.0-18-amd64", 6, 1],
  ["5.10", 5, 10],
  ["6.18.44-fc-v669", 6, 18],
  ["weird", 0, 0],
])("kernel release %s", (text, major, minor) => {
  expect(parseKernelRelease(text)).toEqual({ major, minor, release: text });
});

test("kernel versions compare by number", () => {
  const kernel = parseKernelRelease("5.10.0");
  expect(isKernelAtLeast(5, 9, kernel)).toBe(true);
  expect(isKernelAtLeast(5, 10, kernel)).toBe(true);
  expect(isKernelAtLeast(5, 11, kernel)).toBe(false);
  expect(isKernelAtLeast(4, 19, kernel)).toBe(true);
  expect(isKernelAtLeast(6, 0, kernel)).toBe(false);
});
