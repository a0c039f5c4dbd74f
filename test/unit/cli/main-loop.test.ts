/** Whole command lines against a table of pretend commands: global flags, dispatch, help, errors, exit codes. */
import { describe, expect, test } from "bun:test";
import type { CommandContext, CommandSpec, Output } from "../../../src/cli/command-spec.ts";
import type { CommandEntry, CommandTable } from "../../../src/cli/command-table.ts";
import { runCli } from "../../../src/cli/main-loop.ts";
import type { ParsedArguments } from "../../../src/cli/parse-argv.ts";
import { BockerError } from "../../../src/errors.ts";

type Run = (context: CommandContext, parsed: ParsedArguments) => Promise<number>;

function entryOf(spec: Omit<CommandSpec, "summary" | "example">, isHot: boolean): CommandEntry {
  const command: CommandSpec = { summary: `Do ${spec.name}`, example: `bocker ${spec.name} web`, ...spec };
  return {
    name: spec.name,
    aliases: spec.aliases ?? [],
    summary: command.summary,
    isHot,
    load: async () => ({ command }),
  };
}

function tableOf(run: Run): CommandTable {
  const all = { name: "all", short: "a", kind: "boolean", help: "Show all" } as const;
  return [
    entryOf(
      { name: "show", aliases: ["box ls"], usage: "[OPTIONS] [NAME]", options: [all], maxArguments: 1, run },
      true,
    ),
    entryOf(
      {
        name: "cold",
        aliases: ["box cold"],
        usage: "NAME",
        options: [all],
        minArguments: 1,
        maxArguments: 2,
        run,
      },
      false,
    ),
    entryOf(
      {
        name: "go",
        usage: "NAME [ARG...]",
        options: [],
        minArguments: 1,
        stopAtArgument: true,
        failureCode: 125,
        run,
      },
      true,
    ),
    entryOf({ name: "none", usage: "", options: [], maxArguments: 0, run }, true),
    entryOf({ name: "one", usage: "NAME", options: [], minArguments: 1, maxArguments: 1, run }, true),
  ];
}

async function cli(
  line: string,
  run: Run = async () => 0,
  env: Record<string, string> = {},
  isTerminal = false,
) {
  const written = { out: "", err: "" };
  const output = (key: "out" | "err"): Output => ({
    write: (text) => {
      written[key] += text;
    },
    isTerminal,
    columns: 80,
  });
  const argv = line === "" ? [] : line.split(" ");
  const code = await runCli(
    { argv, env, out: output("out"), err: output("err"), version: "1.2.3" },
    tableOf(run),
  );
  return { code, ...written };
}

/** Runs the line and gives what the command was called with. */
async function callOf(line: string, env: Record<string, string> = {}) {
  let call: { context: CommandContext; parsed: ParsedArguments } | undefined;
  const result = await cli(
    line,
    async (context, parsed) => {
      call = { context, parsed };
      return 7;
    },
    env,
  );
  if (!call) throw new Error(`not called: ${result.err}`);
  return { ...call, result };
}

describe("dispatch", () => {
  for (const line of ["show -a x", "box ls -a x", "cold -a x", "box cold -a x"]) {
    test(line, async () => {
      const { parsed, result } = await callOf(line);
      expect([parsed.boolean("all"), parsed.positionals, result.code]).toEqual([true, ["x"], 7]);
    });
  }

  test("a cold command's repeated and odd words go through citty unharmed", async () => {
    const { parsed } = await callOf("cold -- --no-x --all=false");
    expect(parsed.positionals).toEqual(["--no-x", "--all=false"]);
  });

  test("what follows the first argument is the container's", async () => {
    expect((await callOf("go x --help -a")).parsed.positionals).toEqual(["x", "--help", "-a"]);
  });
});

describe("global flags", () => {
  test("stand before the command and reach it", async () => {
    const { context } = await callOf("-D --config /c --root=/r --run-root /u show");
    expect(context.global).toEqual({ debug: true, config: "/c", root: "/r", runRoot: "/u" });
  });

  test("BOCKER_DEBUG is --debug", async () => {
    expect((await callOf("show", { BOCKER_DEBUG: "1" })).context.global.debug).toBe(true);
    expect((await callOf("show", { BOCKER_DEBUG: "0" })).context.global.debug).toBe(false);
  });

  test("--KEY=VALUE is BOCKER_KEY", async () => {
    const { context } = await callOf("--MEM_LIMIT=100 --root /r --X --A=b=c show", { HOME: "/" });
    expect(context.env).toEqual({ HOME: "/", BOCKER_MEM_LIMIT: "100", BOCKER_X: "x", BOCKER_A: "b=c" });
    expect((await cli("show --MEM_LIMIT=1")).err).toContain("unknown flag: --MEM_LIMIT");
  });

  test("--version and -v", async () => {
    for (const line of ["--version", "-v", "--debug -v show"]) {
      expect(await cli(line)).toEqual({ code: 0, out: "bocker version 1.2.3\n", err: "" });
    }
  });
});

describe("usage errors", () => {
  const pointer = (name: string) => `\nRun 'bocker${name} --help' for more information\n`;
  const cases: readonly (readonly [string, number, string])[] = [
    ["foo", 1, `bocker: unknown command: bocker foo\n${pointer("")}`],
    ["shwo", 1, `bocker: unknown command: bocker shwo\n  hint: did you mean "bocker show"?\n${pointer("")}`],
    [
      "box cld x",
      1,
      `bocker: unknown command: bocker box cld\n  hint: did you mean "bocker box cold"?\n${pointer("")}`,
    ],
    ["--foo show", 125, `unknown flag: --foo\n\nUsage:  bocker [OPTIONS] COMMAND [ARG...]\n${pointer("")}`],
    [
      "show --al",
      125,
      `unknown flag: --al\n  hint: did you mean "--all"?\n\nUsage:  bocker show [OPTIONS] [NAME]\n${pointer(" show")}`,
    ],
    [
      "show a b",
      1,
      `bocker: 'bocker show' requires at most 1 argument\n\nUsage:  bocker show [OPTIONS] [NAME]\n${pointer(" show")}`,
    ],
    [
      "cold",
      1,
      `bocker: 'bocker cold' requires at least 1 and at most 2 arguments\n\nUsage:  bocker cold NAME\n${pointer(" cold")}`,
    ],
    [
      "go",
      1,
      `bocker: 'bocker go' requires at least 1 argument\n\nUsage:  bocker go NAME [ARG...]\n${pointer(" go")}`,
    ],
    ["none x", 1, `bocker: 'bocker none' accepts no arguments\n\nUsage:  bocker none\n${pointer(" none")}`],
    ["one", 1, `bocker: 'bocker one' requires 1 argument\n\nUsage:  bocker one NAME\n${pointer(" one")}`],
  ];
  for (const [line, code, err] of cases) {
    test(line, async () => expect(await cli(line)).toEqual({ code, out: "", err }));
  }

  test("a value that cannot be points to the help", async () => {
    const result = await cli("go x", async () => {
      throw new BockerError("invalid containerPort: foo", { kind: "usage", exitCode: 125 });
    });
    expect(result).toEqual({
      code: 125,
      out: "",
      err: `bocker: invalid containerPort: foo\n${pointer(" go")}`,
    });
  });
});

describe("errors of commands", () => {
  const failing = (error: unknown) => async () => {
    throw error;
  };

  test("exit code 1, or 125 for run, or the error's own", async () => {
    const missing = new BockerError("No such container: x", { kind: "not-found", hint: "see bocker ps" });
    expect(await cli("show", failing(missing))).toEqual({
      code: 1,
      out: "",
      err: "Error: No such container: x\n  hint: see bocker ps\n",
    });
    expect(await cli("go x", failing(missing))).toMatchObject({
      code: 125,
      err: expect.stringContaining("bocker: No such"),
    });
    expect((await cli("go x", failing(new BockerError("no", { exitCode: 127 })))).code).toBe(127);
  });

  test("through citty too", async () => {
    expect(await cli("cold x", failing(new BockerError("no", { exitCode: 3 })))).toEqual({
      code: 3,
      out: "",
      err: "Error: no\n",
    });
  });

  test("the stack only with --debug", async () => {
    const error = new BockerError("no");
    expect((await cli("show", failing(error))).err).toBe("Error: no\n");
    expect((await cli("-D show", failing(error))).err).toContain("main-loop.test.ts");
  });

  test("colours on a terminal, unless they are refused", async () => {
    const error = new BockerError("no", { hint: "h" });
    expect((await cli("show", failing(error), {}, true)).err).toBe(
      "\u001b[31mError: \u001b[39mno\n  \u001b[36mhint:\u001b[39m h\n",
    );
    for (const env of [{ NO_COLOR: "1" }, { TERM: "dumb" }]) {
      expect((await cli("show", failing(error), env, true)).err).toBe("Error: no\n  hint: h\n");
    }
  });
});

describe("help", () => {
  const page =
    "Usage:  bocker show [OPTIONS] [NAME]\n\nDo show\n\nAliases:\n  bocker box ls, bocker show\n\nOptions:\n  -a, --all   Show all\n\nExample:\n  bocker show web\n";
  for (const line of ["show --help", "show -h", "help show", "--help show", "help box ls"]) {
    test(line, async () => expect(await cli(line)).toEqual({ code: 0, out: page, err: "" }));
  }

  test("no command: the main page on standard error, as docker", async () => {
    const nothing = await cli("");
    expect([nothing.code, nothing.out]).toEqual([0, ""]);
    expect(await cli("--help")).toEqual({ code: 0, out: nothing.err, err: "" });
    expect(await cli("help")).toEqual({ code: 0, out: nothing.err, err: "" });
    expect(nothing.err).toContain("  show  Do show\n");
  });

  test("a group lists its commands", async () => {
    const group = await cli("box");
    expect(group.out).toContain("Manage boxs\n\nCommands:\n  cold  Do cold\n  ls    Do show\n");
    expect(await cli("help box")).toEqual(group);
    expect(await cli("box --help")).toEqual(group);
  });
});
