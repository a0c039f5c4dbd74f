/**
 * Golden files: what was reviewed once must come out again. `UPDATE_GOLDEN=1 bun test test/golden` writes them anew;
 * the diff is then for a person to read.
 */
import { expect } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** Compares `text` with test/golden/NAME. */
export function expectGolden(name: string, text: string): void {
  const path = join(import.meta.dir, name);
  if (process.env.UPDATE_GOLDEN) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  }
  expect(text).toBe(readFileSync(path, "utf8"));
}
