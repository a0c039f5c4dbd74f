import { describe, expect, test } from "bun:test";
import { matchGlob, mayMatchBelow, parseGlob } from "../../../src/build/glob.ts";
import { cleanRelative, parseIgnoreFile } from "../../../src/build/ignore-file.ts";

describe("globs", () => {
  test.each([
    ["*.go", "a.go", true],
    ["*.go", "x/a.go", false],
    ["**/*.go", "x/y/a.go", true],
    ["**/*.go", "a.go", true],
    ["a/**", "a/b/c", true],
    ["a/**", "a", false],
    ["a/**/b", "a/b", true],
    ["a/**/b", "a/x/y/b", true],
    ["a/**/b", "a/xb", false],
    ["**/foo", "barfoo", false],
    ["**foo", "x/yfoo", true],
    ["foo**", "foobar/baz", true],
    ["**", "a/b", true],
    ["[a-c]x", "bx", true],
    ["[^a-c]x", "bx", false],
    ["[]x", undefined, false],
    ["[\\]]", "]", true],
    ["?x", "é", false],
    ["?x", "éx", true],
    ["a\\*", "a*", true],
    ["a\\*", "ab", false],
    ["a?b", "a/b", false],
    ["*", ".hidden", true],
  ] as const)("%s and %s: %p", (pattern, path, wanted) => {
    if (path === undefined) expect(() => parseGlob(pattern)).toThrow("syntax error in pattern");
    else expect(matchGlob(parseGlob(pattern), path)).toBe(wanted);
  });

  test("a directory is worth entering where something below it could match", () => {
    expect(mayMatchBelow(parseGlob("a/b/c"), "a/b")).toBe(true);
    expect(mayMatchBelow(parseGlob("a/b/c"), "a/x")).toBe(false);
    expect(mayMatchBelow(parseGlob("a/*/c"), "a/x")).toBe(true);
    expect(mayMatchBelow(parseGlob("a/*/c"), "b")).toBe(false);
    expect(mayMatchBelow(parseGlob("**/c"), "any/where")).toBe(true);
  });
});

test("paths are cleaned as Go's filepath does", () => {
  for (const [path, wanted] of [
    ["/a//b/", "a/b"],
    ["./a/../b", "b"],
    ["../a", "../a"],
    ["/../a", "a"],
    [".", "."],
    ["a/..", "."],
  ] as const) {
    expect(cleanRelative(path)).toBe(wanted);
  }
});

describe(".dockerignore", () => {
  const rules = parseIgnoreFile(
    "\ufeff# comment\nnode_modules\n!node_modules/keep\n\n*.log\n!important.log\r\n/dist/\n**/*.tmp\n",
    ".dockerignore",
  );

  test.each([
    ["node_modules", true],
    ["node_modules/a/b", true],
    ["node_modules/keep", false],
    ["node_modules/keep/x", false],
    ["a.log", true],
    ["sub/a.log", false],
    ["important.log", false],
    ["dist/x", true],
    ["src/dist/x", false],
    ["a/b/c.tmp", true],
    ["a/b/c.tmpx", false],
  ])("%s: %p", (path, wanted) => {
    expect(rules.isIgnored(path)).toBe(wanted);
  });

  test("an ignored directory is entered only for the sake of an exception", () => {
    expect(rules.canSkip("node_modules")).toBe(false);
    expect(rules.canSkip("node_modules/other")).toBe(true);
    expect(rules.canSkip("dist")).toBe(true);
    expect(parseIgnoreFile("*\n!src", "x").canSkip("other")).toBe(true);
    expect(parseIgnoreFile("*\n!src/**/keep", "x").canSkip("src")).toBe(false);
  });

  test("says which line it was", () => {
    expect(rules.reasonFor("x/y.tmp")).toEqual({ pattern: "**/*.tmp", line: 8 });
    expect(rules.reasonFor("important.log")).toBeUndefined();
  });

  test("everything but", () => {
    const only = parseIgnoreFile("**\n!src\n!*.json", "x");
    expect(
      ["src/a", "package.json", "sub/package.json", "README"].map((path) => only.isIgnored(path)),
    ).toEqual([false, false, true, true]);
  });

  test("bad patterns are refused with their line", () => {
    expect(() => parseIgnoreFile("a\n[x", ".dockerignore")).toThrow(
      '.dockerignore:2: "[x": syntax error in pattern',
    );
    expect(() => parseIgnoreFile("!", ".dockerignore")).toThrow('illegal exclusion pattern: "!"');
  });
});
