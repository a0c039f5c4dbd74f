/** TOML that is wrong: file, line and column, the line with a caret, what was expected, the nearest key, all at once. */
import { describe, expect, test } from "bun:test";
import { loadContainerToml, parseContainerToml } from "../../../src/config/container-toml.ts";
import { indexToml } from "../../../src/config/toml-position.ts";
import { lineAndColumn } from "../../../src/config/toml-problem.ts";
import { BockerError } from "../../../src/errors.ts";
import { memoryHost } from "./option-host.ts";

function errorOf(toml: string): BockerError {
  try {
    parseContainerToml(toml, "web.toml", memoryHost());
  } catch (thrown) {
    if (thrown instanceof BockerError) return thrown;
    throw thrown;
  }
  throw new Error("expected an error");
}

describe("one problem", () => {
  const cases: readonly (readonly [string, string])[] = [
    [
      "pubish = []",
      'web.toml:1:1: unknown key "pubish"\n   1 | pubish = []\n     | ^\n     = did you mean "publish"?',
    ],
    ["\n\timage = 3", "web.toml:2:10: must be a string\n   2 | \timage = 3\n     | \t        ^"],
    ["tty = 1", "web.toml:1:7: must be true or false\n   1 | tty = 1\n     |       ^"],
    [
      "memory = true",
      'web.toml:1:10: must be a size: a number of bytes or a string such as "64m"\n   1 | memory = true\n     |          ^',
    ],
    ['memory = "x"', "web.toml:1:10: invalid size: 'x'\n   1 | memory = \"x\"\n     |          ^"],
    [
      "stop-timeout = [1]",
      "web.toml:1:16: must be a whole number\n   1 | stop-timeout = [1]\n     |                ^",
    ],
    [
      "env = 3",
      'web.toml:1:7: must be a table of KEY = "value", or a list of "KEY=value"\n   1 | env = 3\n     |       ^',
    ],
    [
      'env = { "A=B" = 1 }',
      'web.toml:1:7: must be a table of KEY = "value", or a list of "KEY=value"\n   1 | env = { "A=B" = 1 }\n     |       ^',
    ],
    [
      "entrypoint = [1]",
      "web.toml:1:14: must be a string or a list of strings\n   1 | entrypoint = [1]\n     |              ^",
    ],
    ["dns = [1]", "web.toml:1:7: must be a list of strings\n   1 | dns = [1]\n     |       ^"],
    ["constructor = 1", 'web.toml:1:1: unknown key "constructor"\n   1 | constructor = 1\n     | ^'],
    ['"__proto__" = 1', 'web.toml:1:1: unknown key "__proto__"\n   1 | "__proto__" = 1\n     | ^'],
    [
      'user = "a\\u0000b"',
      'web.toml:1:8: must not contain a NUL byte\n   1 | user = "a\\u0000b"\n     |        ^',
    ],
    [
      'image = "a\nb = 1',
      'web.toml:1:11: not TOML: control characters are not allowed in strings\n   1 | image = "a\n     |           ^',
    ],
    ["pull = 2020-01-01", "web.toml:1:8: must be a string\n   1 | pull = 2020-01-01\n     |        ^"],
    [
      'file = "x"',
      'web.toml:1:1: unknown key "file"\n   1 | file = "x"\n     | ^\n     = did you mean "cidfile"?',
    ],
  ];
  for (const [toml, shown] of cases) {
    test(JSON.stringify(toml), () => {
      const error = errorOf(toml);
      const message = error.message.split("\n").slice(1).join("\n");
      expect(message.startsWith(shown.split("\n     = ")[0] ?? "")).toBe(true);
      if (shown.includes('     = did you mean "publish"')) expect(message).toBe(shown);
      expect([error.kind, error.exitCode]).toEqual(["invalid-config", 125]);
    });
  }
});

test("several at once, in the order of their lines, with words of lists placed", () => {
  const toml = `image = "alpine"
publish = [ "80:80",  # fine
  "x:y", "1:z" ]
cpus = "many"
[lable]
x = 1
[label]
a = []
`;
  expect(errorOf(toml).message).toBe(`cannot use "web.toml": 5 problems
web.toml:3:3: invalid containerPort: y
   3 |   "x:y", "1:z" ]
     |   ^
web.toml:3:10: invalid containerPort: z
   3 |   "x:y", "1:z" ]
     |          ^
web.toml:4:8: failed to parse many as a rational number
   4 | cpus = "many"
     |        ^
web.toml:5:2: unknown key "lable"
   5 | [lable]
     |  ^
     = did you mean "label"?
web.toml:7:2: must be a table of KEY = "value", or a list of "KEY=value"
   7 | [label]
     |  ^`);
});

test("a flood of problems is cut, and counted", () => {
  const toml = Array.from({ length: 30 }, (_, index) => `no${index} = 1`).join("\n");
  const { message } = errorOf(toml);
  expect(message).toContain("30 problems");
  expect(message).toEndWith("and 20 more");
});

test("a file that is nothing but mistakes is answered at once", () => {
  const toml = Array.from({ length: 30_000 }, (_, index) => `no${index} = 1`).join("\n");
  const started = performance.now();
  expect(errorOf(toml).message).toEndWith("and 29990 more");
  // Minutes, when it was quadratic.
  expect(performance.now() - started).toBeLessThan(3000);
});

test("of a long line, the part around the mistake is shown", () => {
  const { message } = errorOf(`labels = { a = "${"x".repeat(5000)}" }; name = "y"`);
  expect(message.length).toBeLessThan(500);
  const [, source = "", caret = ""] = message.split("\n").slice(-3);
  expect(source[caret.indexOf("^")]).toBe(";");
});

test("a file that is not there, and one that is no text", () => {
  const host = memoryHost({ "/home/me/b.toml": new Uint8Array([0xff, 0xfe]) });
  expect(() => loadContainerToml("a.toml", host)).toThrow("open /home/me/a.toml: no such file or directory");
  expect(() => loadContainerToml("b.toml", host)).toThrow('cannot read "/home/me/b.toml": not UTF-8 text');
});

describe("positions", () => {
  const text = `# [no] = "x"
a = 1
"b c".'d' = { x = [1, "]", { y = 2 }], z = """
two "" lines""" }
[t.u] # comment = 1
k = '''it's''''
"\\u00e9\\t" = true
[[arr]]
n = 1
[[arr]]
n = [
  1, # one
  2,
]
[arr.sub]
q = 1979-05-27T07:32:00Z
last = 5`;
  const index = indexToml(text);
  const at = (offset: number | undefined) => {
    if (offset === undefined) return undefined;
    const { line, column } = lineAndColumn(text, offset);
    return `${line}:${column}`;
  };
  const keys: readonly (readonly [readonly (string | number)[], string])[] = [
    [["a"], "2:1"],
    [["b c"], "3:1"],
    [["b c", "d"], "3:7"],
    [["b c", "d", "x"], "3:15"],
    [["b c", "d", "x", 2, "y"], "3:30"],
    [["b c", "d", "z"], "3:40"],
    [["t", "u"], "5:4"],
    [["t", "u", "k"], "6:1"],
    [["t", "u", "é\t"], "7:1"],
    [["arr", 0, "n"], "9:1"],
    [["arr", 1, "n"], "11:1"],
    [["arr", 1, "sub", "q"], "16:1"],
    [["arr", 1, "sub", "last"], "17:1"],
  ];
  for (const [path, place] of keys)
    test(`key ${path.join(".")}`, () => expect(at(index.key(path))).toBe(place));

  test("values", () => {
    expect(at(index.value(["a"]))).toBe("2:5");
    expect(at(index.value(["b c", "d", "x", 1]))).toBe("3:23");
    expect(at(index.value(["arr", 1, "n", 1]))).toBe("13:3");
    expect(at(index.value(["t"]))).toBe("5:2");
    expect(at(index.value(["nope"]))).toBeUndefined();
  });
});
