/** argv as pflag reads it: clusters, glued values, lists, `--`, and pflag's messages. */
import { describe, expect, test } from "bun:test";
import { type ParseRules, parseArgv } from "../../../src/cli/parse-argv.ts";
import { UsageError } from "../../../src/cli/usage-error.ts";
import type { OptionSpec } from "../../../src/config/option-spec.ts";

const options: readonly OptionSpec[] = [
  { name: "all", short: "a", kind: "boolean", help: "" },
  { name: "tty", short: "t", kind: "boolean", help: "" },
  { name: "env", short: "e", aliases: ["environment"], kind: "list", help: "" },
  { name: "name", short: "n", kind: "string", help: "" },
  { name: "tail", kind: "int", help: "" },
  { name: "secret", kind: "string", help: "", hidden: true },
  { name: "even", kind: "string", help: "", check: checkEven },
];

function checkEven(text: string): void {
  if (Number(text) % 2 !== 0) throw new Error("odd");
}

function parse(line: string, rules: Partial<ParseRules> = {}) {
  const parsed = parseArgv(line === "" ? [] : line.split(" "), { options, ...rules });
  return { raw: Object.fromEntries(parsed.raw), words: [...parsed.positionals], before: parsed.beforeDashes };
}

const readings: readonly (readonly [string, Record<string, unknown>, readonly string[]])[] = [
  ["", {}, []],
  ["x y", {}, ["x", "y"]],
  ["-a x -t y", { all: true, tty: true }, ["x", "y"]],
  ["-at", { all: true, tty: true }, []],
  ["-ate A=1", { all: true, tty: true, env: ["A=1"] }, []],
  ["-ateA=1", { all: true, tty: true, env: ["A=1"] }, []],
  ["-e=A=1", { env: ["A=1"] }, []],
  ["-e =", { env: ["="] }, []],
  ["-e=", { env: ["="] }, []],
  ["--env A --env=B -eC --environment D", { env: ["A", "B", "C", "D"] }, []],
  ["--env=", { env: [""] }, []],
  ["--name=a=b", { name: "a=b" }, []],
  ["--name a --name b", { name: "b" }, []],
  ["--name -a", { name: "-a" }, []],
  ["--name --", { name: "--" }, []],
  ["--all=false", { all: false }, []],
  ["--all=T", { all: true }, []],
  ["-a=false", { all: false }, []],
  ["--all false", { all: true }, ["false"]],
  ["- x", {}, ["-", "x"]],
  ["-- -a --name", {}, ["-a", "--name"]],
  ["x -- -a", {}, ["x", "-a"]],
  ["--tail 0x10", { tail: "0x10" }, []],
];

describe("readings", () => {
  for (const [line, raw, words] of readings) {
    test(JSON.stringify(line), () => {
      const parsed = parse(line);
      const expected: unknown = raw;
      expect<unknown>(parsed.raw).toEqual(expected);
      expect(parsed.words).toEqual([...words]);
    });
  }

  test("where -- stood is known", () => {
    expect(parse("x -- y").before).toBe(1);
    expect(parse("x y").before).toBe(2);
  });
});

describe("the first argument ends the options", () => {
  test("for run and exec", () => {
    const rules = { stopAtArgument: true };
    expect(parse("-a alpine ls -t --name", rules)).toMatchObject({
      raw: { all: true },
      words: ["alpine", "ls", "-t", "--name"],
    });
    expect(parse("-a alpine -- ls", rules).words).toEqual(["alpine", "--", "ls"]);
    expect(parse("-- alpine -- ls", rules).words).toEqual(["alpine", "--", "ls"]);
  });

  test("unless an option that stands for it was given", () => {
    const rules = { stopAtArgument: true, continueAfter: "name" };
    expect(parse("--name x ls -a -- -t", rules)).toMatchObject({
      raw: { name: "x", all: true },
      words: ["ls", "-t"],
    });
  });
});

test("rewrites apply where an option may stand, and nowhere else", () => {
  const rules = { rewrites: { "-name": ["--name"], "--at": ["-a", "-t"] }, stopAtArgument: true };
  expect(parse("-name x --at img -name", rules)).toEqual({
    raw: { name: "x", all: true, tty: true },
    words: ["img", "-name"],
    before: 2,
  });
  expect(parse("-name=x --name -name", rules).raw).toEqual({ name: "-name" });
});

const errors: readonly (readonly [string, string, string | undefined])[] = [
  ["--foo", "unknown flag: --foo", undefined],
  ["--al", "unknown flag: --al", 'did you mean "--all"?'],
  ["--al=1", "unknown flag: --al", 'did you mean "--all"?'],
  ["--secre", "unknown flag: --secre", undefined],
  ["-x", "unknown shorthand flag: 'x' in -x", undefined],
  ["-atx", "unknown shorthand flag: 'x' in -x", undefined],
  ["-xat", "unknown shorthand flag: 'x' in -xat", undefined],
  ["-tial", "unknown shorthand flag: 'i' in -ial", undefined],
  ["-é", "unknown shorthand flag: 'é' in -é", undefined],
  ["--name", "flag needs an argument: --name", undefined],
  ["-n", "flag needs an argument: 'n' in -n", undefined],
  ["-an", "flag needs an argument: 'n' in -n", undefined],
  ["--=x", "bad flag syntax: --=x", undefined],
  ["---x", "bad flag syntax: ---x", undefined],
  [
    "--tail x",
    'invalid argument "x" for "--tail" flag: strconv.ParseInt: parsing "x": invalid syntax',
    undefined,
  ],
  [
    "-a=x",
    'invalid argument "x" for "-a, --all" flag: strconv.ParseBool: parsing "x": invalid syntax',
    undefined,
  ],
  ["--even 3", 'invalid argument "3" for "--even" flag: odd', undefined],
  ["--constructor", "unknown flag: --constructor", undefined],
];

describe("errors", () => {
  for (const [line, message, hint] of errors) {
    test(line, () => {
      try {
        parse(line);
      } catch (thrown) {
        if (!(thrown instanceof UsageError)) throw thrown;
        expect([thrown.message, thrown.hint, thrown.form, thrown.exitCode]).toEqual([
          message,
          hint,
          "flag",
          125,
        ]);
        return;
      }
      throw new Error("expected an error");
    });
  }
});

test("accessors give what was said, and refuse the wrong kind", () => {
  const parsed = parseArgv(["-a", "-e", "1", "--tail", "010", "--name", "x"], { options });
  expect([parsed.boolean("all"), parsed.boolean("tty"), parsed.has("tty")]).toEqual([true, false, false]);
  expect([parsed.list("env"), parsed.list("nothing")]).toEqual([["1"], []]);
  expect([parsed.string("name"), parsed.string("no"), parsed.int("tail"), parsed.int("no")]).toEqual([
    "x",
    undefined,
    8,
    undefined,
  ]);
  expect(() => parsed.boolean("name")).toThrow(TypeError);
  expect(() => parsed.string("all")).toThrow(TypeError);
  expect(() => parsed.list("name")).toThrow(TypeError);
});
