/** Columns and sizes as docker prints them. */
import { describe, expect, test } from "bun:test";
import { renderColumns, renderMemorySize, renderSize, renderTable, shortId } from "../../../src/cli/table.ts";

test("columns: three spaces, at least ten wide, the last as it is", () => {
  expect(
    renderTable(
      ["ID", "NAMES", "SIZE"],
      [
        ["1", "a-longer-name", "5B"],
        ["2", "", ""],
      ],
    ),
  ).toBe("ID        NAMES           SIZE\n1         a-longer-name   5B\n2                         \n");
});

test("letters are counted, not bytes", () => {
  expect(
    renderColumns([
      ["ééééééé…", "x"],
      ["a", "y"],
    ]),
  ).toBe("ééééééé…   x\na          y\n");
});

test("letters of two surrogates, and half a letter, are one each", () => {
  expect(
    renderColumns([
      ["🐳🐳🐳🐳🐳🐳🐳🐳", "x"],
      ["\ud83d", "y"],
      ["\u{10ffff}", "z"],
    ]),
  ).toBe("🐳🐳🐳🐳🐳🐳🐳🐳   x\n\ud83d          y\n\u{10ffff}          z\n");
});

test("nothing to show is nothing, a header alone is a line", () => {
  expect(renderTable([], [])).toBe("");
  expect(renderTable(["A", "B"], [])).toBe("A         B\n");
});

test("short ids", () => {
  expect(shortId(`sha256:${"ab".repeat(32)}`)).toBe("abababababab");
  expect(shortId("abc")).toBe("abc");
});

describe("sizes", () => {
  const cases: readonly (readonly [number, string, string])[] = [
    [0, "0B", "0B"],
    [999, "999B", "999B"],
    [1000, "1kB", "1000B"],
    [1024, "1.02kB", "1KiB"],
    [4_266_000, "4.27MB", "4.068MiB"],
    [78_100_000, "78.1MB", "74.48MiB"],
    [1_234_567_890, "1.23GB", "1.15GiB"],
  ];
  for (const [bytes, decimal, binary] of cases) {
    test(String(bytes), () =>
      expect([renderSize(bytes), renderMemorySize(bytes)]).toEqual([decimal, binary]),
    );
  }
});
