/**
 * Command lines in runc's and crun's spellings.
 */
import { describe, expect, test } from "bun:test";
import { ociCommands } from "../../../src/oci/command-table.ts";
import { type OciOption, parseOciOptions } from "../../../src/oci/option.ts";

const table: readonly OciOption[] = [
  { name: "bundle", short: "b", kind: "value", help: "" },
  { name: "tty", short: "t", kind: "flag", help: "" },
  { name: "detach", short: "d", kind: "flag", help: "" },
  { name: "env", short: "e", kind: "list", help: "" },
  { name: "preserve-fds", kind: "value", help: "" },
];

const parse = (words: string, stopAt?: number) => parseOciOptions(table, words.split(" "), stopAt);

describe("options", () => {
  test.each([
    ["--bundle /x id"],
    ["--bundle=/x id"],
    ["-bundle /x id"],
    ["-bundle=/x id"],
    ["-b /x id"],
    ["-b/x id"],
    ["-b=/x id"],
    ["id -b /x"],
    ["-tdb /x id"],
    ["-b /y --bundle /x id"],
  ])("%s", (words) => {
    const { options, arguments: rest } = parse(words);
    expect([options.value("bundle"), rest]).toEqual(["/x", ["id"]]);
  });

  test("flags, lists and numbers", () => {
    const { options } = parse("-td --tty=false -e A=1 --env B=2 --preserve-fds 3 id");
    expect([options.flag("tty"), options.flag("detach")]).toEqual([false, true]);
    expect(options.list("env")).toEqual(["A=1", "B=2"]);
    expect(options.count("preserve-fds")).toBe(3);
    expect(options.count("nothing")).toBe(0);
    expect([options.has("env"), options.has("bundle")]).toEqual([true, false]);
  });

  test("what follows the command of an exec is its own", () => {
    const { options, arguments: rest } = parse("-t id ls -d --bundle -- x", 1);
    expect([options.flag("detach"), rest]).toEqual([false, ["id", "ls", "-d", "--bundle", "--", "x"]]);
  });

  test("-- ends them", () => {
    expect(parse("-t -- -d id").arguments).toEqual(["-d", "id"]);
    expect(parse("-").arguments).toEqual(["-"]);
  });

  test.each([
    ["--nope", "flag provided but not defined: -nope"],
    ["-x", "flag provided but not defined: -x"],
    ["-tx", "flag provided but not defined: -tx"],
    ["--bundle", "flag needs an argument: -bundle"],
    ["-b", "flag needs an argument: -bundle"],
    ["--tty=maybe", 'invalid boolean value "maybe" for -tty'],
  ])("%s is refused", (words, message) => {
    expect(() => parse(words)).toThrow(message);
  });

  test.each(["x", "1.5", "", "99999999999999999999"])("%p is no number", (word) => {
    const { options } = parseOciOptions(table, [`--preserve-fds=${word}`]);
    expect(() => options.count("preserve-fds")).toThrow("not an integer");
  });

  test("a negative count is refused", () => {
    expect(() => parse("--preserve-fds=-1").options.count("preserve-fds")).toThrow("negative");
  });
});

describe("the command table", () => {
  test("has every command of the specification and of runc", () => {
    const runc =
      "create start state kill delete run exec list ps pause resume update events spec features checkpoint restore";
    expect(Object.keys(ociCommands).sort()).toEqual(runc.split(" ").sort());
  });

  test("names no option twice, each with its help", () => {
    for (const { options } of Object.values(ociCommands)) {
      const names = options.flatMap(({ name, short }) => (short === undefined ? [name] : [name, short]));
      expect(names).toEqual([...new Set(names)]);
      expect(options.filter(({ help }) => help === "")).toEqual([]);
    }
  });

  test("every command can be loaded", async () => {
    for (const entry of Object.values(ociCommands)) expect(typeof (await entry.load()).run).toBe("function");
  });
});
