/** --filter: docker's form, docker's errors. */
import { describe, expect, test } from "bun:test";
import { booleanFilter, filterOption, parseFilters } from "../../../src/cli/filter-option.ts";
import { parseArgv } from "../../../src/cli/parse-argv.ts";

const parse = (...words: readonly string[]) =>
  parseFilters(parseArgv(words, { options: [filterOption("Filter")] }).list("filter"), ["label", "dangling"]);

describe("parseFilters", () => {
  test("groups by name, keeps order, takes blanks and case away from names", () => {
    const filters = parse("-f", "label=a=b", "--filter", " Label = c ", "-fdangling=true");
    expect(Object.fromEntries(filters)).toEqual({ label: ["a=b", "c"], dangling: ["true"] });
  });

  test("no equals sign is a usage error", () => {
    expect(() => parse("-f", "label")).toThrow(
      'invalid argument "label" for "-f, --filter" flag: bad format of filter (expected name=value)',
    );
  });

  test.each(["colour=red", "=x", "__proto__=x"])("%s is unknown", (text) => {
    expect(() => parse("-f", text)).toThrow(`invalid filter '${text.split("=")[0]}'`);
  });
});

describe("booleanFilter", () => {
  test.each([
    ["true", true],
    ["1", true],
    ["TRUE", true],
    ["false", false],
    ["0", false],
  ] as const)("%s is %p", (text, expected) => {
    expect(booleanFilter(parse("-f", `dangling=${text}`), "dangling")).toBe(expected);
  });

  test("absent is undefined, anything else an error, the last one counts", () => {
    expect(booleanFilter(parse(), "dangling")).toBeUndefined();
    expect(() => booleanFilter(parse("-f", "dangling=maybe"), "dangling")).toThrow(
      "invalid filter 'dangling=[maybe]'",
    );
    expect(booleanFilter(parse("-f", "dangling=0", "-f", "dangling=1"), "dangling")).toBe(true);
  });
});
