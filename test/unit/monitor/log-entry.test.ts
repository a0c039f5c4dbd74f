import { describe, expect, test } from "bun:test";
import { parseEntry, renderLines, renderLogTime, renderPart } from "../../../src/monitor/log-entry.ts";

const time = "2026-01-02T03:04:05.678901Z";
const parsed = (text: string) =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => parseEntry(line));

describe("renderLines", () => {
  test("writes docker's json-file format", () => {
    expect(renderLines("stdout", "hello\n", time)).toBe(
      `{"log":"hello\\n","stream":"stdout","time":"${time}"}\n`,
    );
  });

  const texts: readonly (readonly [string, string])[] = [
    ["several lines", "a\nb\nc\n"],
    ["empty lines", "\n\n\n"],
    ["quotes", 'say "hi"\nand "bye"\n'],
    ["a backslash", "C:\\new\\names\n"],
    ["a backslash before the end of a line", "a\\\nb\\n\n"],
    ["what looks like the format itself", '","stream":"stderr","time":"0"}\n{"log":"x\n'],
    ["control characters", "\x00\x01\x1b[31mred\x1b[0m\t\b\f\r\n"],
    ["other scripts", "äöü ✓ 漢字 😀\nnext\n"],
    ["line separators of JavaScript", "a\u2028b\u2029c\n"],
    ["replacement patterns", "$& $1 $$ $`\n"],
  ];
  for (const [name, text] of texts) {
    test(`${name}: every line is one JSON object and comes back`, () => {
      const rendered = renderLines("stderr", text, time);
      const lines = text.slice(0, -1).split("\n");
      expect(rendered.split("\n").length - 1).toBe(lines.length);
      expect(
        rendered
          .trimEnd()
          .split("\n")
          .map((line) => JSON.parse(line)),
      ).toEqual(lines.map((line) => ({ log: `${line}\n`, stream: "stderr", time })));
      expect(parsed(rendered)).toEqual(lines.map((line) => ({ text: `${line}\n`, stream: "stderr", time })));
    });
  }
});

describe("parseEntry", () => {
  test("reads parts, which have no newline", () => {
    expect(parsed(renderPart("stdout", "half", time))).toEqual([{ text: "half", stream: "stdout", time }]);
  });

  test("reads what docker writes: other order, escapes of Go, labels", () => {
    const line = `{"log":"\\u003ca\\u003e \\u0009x\\n","stream":"stderr","attrs":{"k":"v"},"time":"${time}"}`;
    expect(parseEntry(line)).toEqual({
      text: "<a> \tx\n",
      stream: "stderr",
      time,
      attributes: { k: "v" },
    });
  });

  test("takes of attrs what has a text", () => {
    const line = `{"log":"x\\n","stream":"stdout","attrs":{"a":{},"b":null,"c":"d"},"time":"${time}"}`;
    expect(parseEntry(line)?.attributes).toEqual({ c: "d" });
  });

  const notEntries = [
    "",
    "{",
    "null",
    "[]",
    "plain text",
    '{"log":"torn',
    '{"log":"a\\n","stream":"stdout","time":"2026',
    '{"log":1,"stream":"stdout","time":"x"}',
    '{"stream":"stdout","time":"x"}',
  ];
  for (const line of notEntries) {
    test(`passes over ${JSON.stringify(line)}`, () => expect(parseEntry(line)).toBeUndefined());
  }
});

describe("renderLogTime", () => {
  const cases: readonly (readonly [number, string])[] = [
    [0, "1970-01-01T00:00:00Z"],
    [1500, "1970-01-01T00:00:01.5Z"],
    [1000.25, "1970-01-01T00:00:01.00025Z"],
    [1_767_322_800_120, "2026-01-02T03:00:00.12Z"],
  ];
  for (const [ms, text] of cases) {
    test(`${ms} is ${text}, as Go writes it`, () => expect(renderLogTime(ms)).toBe(text));
  }
});
