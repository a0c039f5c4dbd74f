/** What others name, on terminals and elsewhere. */
import { describe, expect, test } from "bun:test";
import { printable, shownInLine, shownOn } from "../../../src/cli/printable.ts";

const terminal = { isTerminal: true };
const pipe = { isTerminal: false };
const hostile = "a\x1b[2J\r\x9b31m\x7f\tb\nc";

describe("names on a terminal", () => {
  test("control characters are escaped, C1 and DEL too; newlines and tabs stay", () => {
    expect(printable(hostile)).toBe("a\\x1b[2J\\x0d\\x9b31m\\x7f\tb\nc");
    expect(shownOn(terminal, hostile)).toBe(printable(hostile));
  });

  test("what is to stay in its line does", () => {
    expect(shownInLine(terminal, "x\nA /etc")).toBe("x\\x0aA /etc");
  });

  test("other letters are left alone", () => {
    expect(shownInLine(terminal, "é😀 ü")).toBe("é😀 ü");
  });
});

test("a file or a program gets the bytes as they are", () => {
  expect(shownOn(pipe, hostile)).toBe(hostile);
  expect(shownInLine(pipe, hostile)).toBe(hostile);
});
