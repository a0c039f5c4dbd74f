import { expect, test } from "bun:test";
import { measure, median, renderTimings } from "../../bench/measure.ts";

test.each([
  [[3, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[7], 7],
])("the median of %p is %p", (values, expected) => {
  expect(median(values)).toBe(expected);
});

test("ratios are to the first contestant", () => {
  const table = renderTimings("x", [
    { name: "a", medianMs: 10, fastestMs: 9, runs: 3 },
    { name: "b", medianMs: 25, fastestMs: 20, runs: 3 },
  ]);
  expect(table).toContain("| a | 10.0 | 9.0 | 1.00 |\n| b | 25.0 | 20.0 | 2.50 |");
});

test("a contestant that fails is no contestant", () => {
  expect(() => measure([{ name: "bad", argv: ["sh", "-c", "echo why >&2; exit 3"] }], 1)).toThrow(
    "bad: exit 3: why",
  );
});
