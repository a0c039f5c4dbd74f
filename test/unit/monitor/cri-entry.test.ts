import { describe, expect, test } from "bun:test";
import { padLogTime, parseCriEntry, renderCriLines, renderCriPart } from "../../../src/monitor/cri-entry.ts";
import { logEncoder, logParser } from "../../../src/monitor/log-format.ts";

const time = "2026-01-02T03:04:05.6789Z";
const padded = "2026-01-02T03:04:05.678900000Z";

describe("k8s-file entries", () => {
  test("are lines with time, stream and F; parts have P", () => {
    expect(renderCriLines("stdout", "one\n\ntwo words\n", time)).toBe(
      `${padded} stdout F one\n${padded} stdout F \n${padded} stdout F two words\n`,
    );
    expect(renderCriPart("stderr", "half", time)).toBe(`${padded} stderr P half\n`);
  });

  test.each(["plain\n", "\n", " leading and trailing \n", "F P stdout\n", "äöü 漢字\n", "$& $1\n"])(
    "%j comes back",
    (text) => {
      const written = renderCriLines("stderr", text, time).slice(0, -1);
      expect(parseCriEntry(written)).toEqual({ stream: "stderr", time: padded, text });
    },
  );

  test("read what podman and containerd write", () => {
    expect(parseCriEntry("2026-01-02T03:04:05.678901234+01:00 stdout P a b")).toEqual({
      stream: "stdout",
      time: "2026-01-02T03:04:05.678901234+01:00",
      text: "a b",
    });
  });

  test.each([
    "",
    "x",
    `${padded} stdout F`,
    `${padded} stdin F x`,
    `${padded} stdout X x`,
    `${padded} stdout FF x`,
    `yesterday stdout F x`,
    ` stdout F x`,
    `{"log":"x\\n","stream":"stdout","time":"${time}"}`,
  ])("%j is none", (line) => {
    expect(parseCriEntry(line)).toBeUndefined();
  });
});

test.each([
  ["2026-01-02T03:04:05Z", "2026-01-02T03:04:05.000000000Z"],
  ["2026-01-02T03:04:05.1Z", "2026-01-02T03:04:05.100000000Z"],
  ["2026-01-02T03:04:05.123456789Z", "2026-01-02T03:04:05.123456789Z"],
  ["2026-01-02T03:04:05.1+00:00", "2026-01-02T03:04:05.100000000Z"],
  ["2026-01-02T03:04:05.1+02:00", "2026-01-02T03:04:05.100000000+02:00"],
])("the time %s is shown as %s", (given, expected) => {
  expect(padLogTime(given)).toBe(expected);
});

test("json-file says attributes with each entry, where docker does", () => {
  const encoder = logEncoder("json-file", { label: 'a "b"', tag: "x" });
  const attrs = '"attrs":{"label":"a \\"b\\"","tag":"x"}';
  expect(encoder.lines("stdout", "a\nb\\\n", time)).toBe(
    `{"log":"a\\n","stream":"stdout",${attrs},"time":"${time}"}\n` +
      `{"log":"b\\\\\\n","stream":"stdout",${attrs},"time":"${time}"}\n`,
  );
  expect(logParser("json-file")(encoder.part("stderr", "half", time).trimEnd())).toEqual({
    stream: "stderr",
    time,
    text: "half",
    attributes: { label: 'a "b"', tag: "x" },
  });
});
