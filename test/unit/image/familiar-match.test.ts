/** Patterns of names: Go's path.Match over familiar names. */
import { describe, expect, test } from "bun:test";
import { matchesFamiliar, parsePattern } from "../../../src/image/familiar-match.ts";
import { parseReference } from "../../../src/image/reference.ts";

describe("parsePattern is path.Match", () => {
  // The rows are Go's own: https://go.dev/src/path/match_test.go
  const rows: readonly (readonly [string, string, boolean])[] = [
    ["abc", "abc", true],
    ["*", "abc", true],
    ["*c", "abc", true],
    ["a*", "a", true],
    ["a*", "ab/c", false],
    ["a*/b", "abc/b", true],
    ["a*/b", "a/c/b", false],
    ["a*b*c*d*e*/f", "axbxcxdxe/f", true],
    ["a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false],
    ["ab[c]", "abc", true],
    ["ab[b-d]", "abc", true],
    ["ab[e-g]", "abc", false],
    ["ab[^c]", "abc", false],
    ["ab[^e-g]", "abc", true],
    ["a\\*b", "a*b", true],
    ["a\\*b", "ab", false],
    ["a?b", "a☺b", true],
    ["a[^a]b", "a☺b", true],
    ["a???b", "a☺b", false],
    ["[a-ζ]*", "α", true],
    ["*[a-ζ]", "A", false],
    ["a?b", "a/b", false],
    ["a*b", "a/b", false],
    ["[\\]a]", "]", true],
    ["[\\-]", "-", true],
    ["[x\\-]", "z", false],
    ["*x", "xxx", true],
    ["a.c", "abc", false],
    ["(a|b)+", "a", false],
  ];
  test.each(rows)("%s on %s: %p", (pattern, text, expected) => {
    expect(parsePattern(pattern).test(text)).toBe(expected);
  });

  test.each(["[", "[]", "[^", "[^]", "[a", "a[", "[z-a]", "a\\"])("%s is a syntax error", (pattern) => {
    expect(() => parsePattern(pattern)).toThrow(
      `invalid filter 'reference=${pattern}': syntax error in pattern`,
    );
  });

  test("a thousand stars are as quick as one", () => {
    const begin = performance.now();
    expect(parsePattern(`${"*".repeat(1000)}x`).test("a".repeat(1000))).toBe(false);
    expect(performance.now() - begin).toBeLessThan(5000);
  });
});

describe("names are matched as docker shows them, with the tag and without", () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ["alpine", "alpine:3", true],
    ["alpine:3", "alpine:3", true],
    ["alpine:*", "alpine:3", true],
    ["alpine:4", "alpine:3", false],
    ["library/alpine", "alpine:3", false],
    ["*", "bitnami/redis:7", false],
    ["*/*", "bitnami/redis:7", true],
    ["localhost:5000/*", "localhost:5000/app:1", true],
  ];
  test.each(rows)("%s on %s: %p", (pattern, name, expected) => {
    expect(matchesFamiliar(parsePattern(pattern), parseReference(name))).toBe(expected);
  });
});
