/**
 * Ranges of /etc/subuid, and room among them.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findFreeIds, loadSubordinateIds } from "../../../src/engine/subordinate-ids.ts";

const folder = mkdtempSync(join(tmpdir(), "bocker-subuid-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("lines that give nothing to anybody are passed over", () => {
  const path = join(folder, "subuid");
  writeFileSync(path, "# a comment\nme:1000:10\n1000:5:1\nbroken\n:1:1\nnone:7:0\n\n");
  expect(loadSubordinateIds("uid", path)).toEqual([
    { name: "me", start: 1000, size: 10 },
    { name: "1000", start: 5, size: 1 },
  ]);
  expect(loadSubordinateIds("uid", join(folder, "absent"))).toEqual([]);
});

test.each([
  ["nothing is taken", [], 100],
  ["the first is taken", [[100, 10]], 110],
  [
    "a gap is large enough",
    [
      [100, 10],
      [120, 50],
    ],
    110,
  ],
  [
    "a gap is too small",
    [
      [100, 10],
      [115, 50],
    ],
    165,
  ],
  ["what lies before does not count", [[0, 50]], 100],
  ["the first range is full", [[100, 100]], 500],
  [
    "taken across the end",
    [
      [150, 100],
      [500, 1],
    ],
    100,
  ],
  [
    "in any order",
    [
      [120, 75],
      [100, 15],
    ],
    500,
  ],
  ["all is full", [[0, 1000]], undefined],
] as const)("where %s", (_, used, start) => {
  const ranges = [
    { start: 100, size: 100 },
    { start: 500, size: 20 },
  ];
  const taken = used.map(([first, size]) => ({ start: first, size }));
  expect(findFreeIds(ranges, taken, 10)).toBe(start);
});
