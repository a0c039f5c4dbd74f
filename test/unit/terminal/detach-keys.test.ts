import { describe, expect, test } from "bun:test";
import { DetachKeyScanner, parseDetachKeys } from "../../../src/terminal/detach-keys.ts";

describe("parseDetachKeys", () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ["", [16, 17]],
    ["ctrl-p,ctrl-q", [16, 17]],
    ["ctrl-a", [1]],
    ["ctrl-@,ctrl-[,ctrl-\\,ctrl-],ctrl-^,ctrl-_", [0, 27, 28, 29, 30, 31]],
    ["a,b", [97, 98]],
    ["ctrl-x,x", [24, 120]],
    ["-", [45]],
  ];
  for (const [text, keys] of cases) {
    test(`${JSON.stringify(text)} is ${keys}`, () => expect([...parseDetachKeys(text)]).toEqual([...keys]));
  }

  for (const text of ["ctrl-", "ctrl-A", "ctrl-1", "ctrl-pp", "foo", "a,,b", ",", "ä", "shift-a", "CTRL-p"]) {
    test(`refuses ${JSON.stringify(text)} with docker's words`, () => {
      expect(() => parseDetachKeys(text)).toThrow(`invalid detach keys (${text}) provided`);
    });
  }
});

describe("DetachKeyScanner", () => {
  const scan = (keys: string, ...typed: readonly string[]) => {
    const scanner = new DetachKeyScanner(parseDetachKeys(keys));
    let text = "";
    for (const chunk of typed) {
      const { input, detach } = scanner.scan(Buffer.from(chunk));
      text += Buffer.from(input).toString();
      if (detach) return { text, detach, held: "" };
    }
    return { text, detach: false, held: Buffer.from(scanner.finish()).toString() };
  };

  test("passes on what is typed", () => {
    expect(scan("", "ls -l\r", "exit\r")).toEqual({ text: "ls -l\rexit\r", detach: false, held: "" });
  });

  test("finds the keys in one chunk and over several, and gives what was before them", () => {
    expect(scan("", "abc\x10\x11after")).toEqual({ text: "abc", detach: true, held: "" });
    expect(scan("", "abc\x10", "\x11")).toEqual({ text: "abc", detach: true, held: "" });
  });

  test("holds a started sequence back, and lets it go when it was none", () => {
    expect(scan("", "a\x10")).toEqual({ text: "a", detach: false, held: "\x10" });
    expect(scan("", "a\x10b")).toEqual({ text: "a\x10b", detach: false, held: "" });
  });

  test("sees a sequence that begins where another one failed", () => {
    expect(scan("", "\x10\x10\x11")).toEqual({ text: "\x10", detach: true, held: "" });
    expect(scan("a,b,c", "ababc")).toEqual({ text: "ab", detach: true, held: "" });
  });

  test("one key is enough", () => {
    expect(scan("ctrl-c", "x\x03")).toEqual({ text: "x", detach: true, held: "" });
  });
});
