import { describe, expect, test } from "bun:test";
import {
  createPlainProgress,
  createQuietProgress,
  renderListing,
} from "../../../src/cli/build/build-progress.ts";
import { LineSplitter, printableLine } from "../../../src/cli/build/line-splitter.ts";
import { createLiveProgress } from "../../../src/cli/build/live-progress.ts";
import { createRawProgress } from "../../../src/cli/build/raw-progress.ts";
import type { BuildEvent } from "../../../src/engine/run-build.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const source = { text: "FROM base\nRUN make\nCMD x\n", path: "Dockerfile" };
const from: BuildEvent = { kind: "started", step: 4, title: "[1/2] FROM base" };
const make: BuildEvent = {
  kind: "started",
  step: 7,
  title: "[2/2] RUN make",
  location: { line: 2, endLine: 2 },
};
const output = (step: number, text: string): BuildEvent => ({
  kind: "output",
  step,
  stream: "stdout",
  bytes: bytes(text),
});

function recorder(columns = 80) {
  const written: string[] = [];
  return {
    output: { write: (text: string) => void written.push(text), isTerminal: true, columns },
    text: () => written.join(""),
    written,
  };
}

describe("plain", () => {
  function show(...events: readonly BuildEvent[]): string {
    const { output: to, text } = recorder();
    const progress = createPlainProgress(to, () => 0);
    progress.source(source);
    for (const event of events) progress.event(event);
    progress.end();
    return text();
  }

  test("a step, its output in whole lines, its end", () => {
    const shown = show(make, output(7, "one\ntw"), output(7, "o\n"), { kind: "done", step: 7, ms: 1234 });
    expect(shown).toBe("#1 [2/2] RUN make\n#1 0.000 one\n#1 0.000 two\n#1 DONE 1.2s\n\n");
  });

  test("a last line without an end is shown when the step ends", () => {
    expect(show(make, output(7, "tail"), { kind: "done", step: 7, ms: 0 })).toContain(
      "#1 0.000 tail\n#1 DONE 0.0s",
    );
  });

  test("a step that starts while another has the word waits for its turn", () => {
    const shown = show(from, make, output(4, "a\n"), { kind: "cached", step: 4, ms: 0 }, output(7, "b\n"));
    expect(shown).toBe("#1 [1/2] FROM base\n#1 0.000 a\n#1 CACHED\n\n#2 [2/2] RUN make\n#2 0.000 b\n\n");
  });

  test("a step that speaks before its turn is named, and the other one again", () => {
    const shown = show(from, make, output(7, "b\n"), output(4, "a\n"));
    expect(shown).toBe(
      "#1 [1/2] FROM base\n\n#2 [2/2] RUN make\n#2 0.000 b\n\n#1 [1/2] FROM base\n#1 0.000 a\n\n",
    );
  });

  test("a step that fails: its output again, and its place", () => {
    const message = 'process "/bin/sh -c make" did not complete successfully: exit code: 2';
    const shown = show(make, output(7, "no rule\n"), { kind: "failed", step: 7, ms: 10, message });
    expect(shown).toEndWith(
      `#1 ERROR: ${message}\n\n------\n > [2/2] RUN make:\nno rule\n------\n` +
        "Dockerfile:2\n--------------------\n   1 |     FROM base\n   2 | >>> RUN make\n   3 |     CMD x\n--------------------\n",
    );
  });

  test("only the first failure is explained", () => {
    const failed = (step: number): BuildEvent => ({ kind: "failed", step, ms: 0, message: "no" });
    expect(show(from, make, failed(7), failed(4))).not.toContain(" > [1/2] FROM");
  });

  test("warnings come at the end, counted", () => {
    const warning: BuildEvent = { kind: "warning", message: "do not", location: { line: 3, endLine: 3 } };
    expect(show(warning)).toBe(" 1 warning found:\n - do not (line 3)\n");
    expect(show(warning, warning)).toContain(" 2 warnings found:\n");
  });
});

test("quiet: nothing unless a step fails", () => {
  const { output: to, text } = recorder();
  const progress = createQuietProgress(to, () => 0);
  progress.event(make);
  progress.event(output(7, "why\n"));
  expect(text()).toBe("");
  progress.event({ kind: "failed", step: 7, ms: 0, message: "no" });
  progress.end();
  expect(text()).toBe("------\n > [2/2] RUN make:\nwhy\n------\n");
});

describe("lines of a program", () => {
  test("a character that comes in two pieces stays one", () => {
    const splitter = new LineSplitter();
    const [euro] = [bytes("€\n")];
    expect([...splitter.push(euro.subarray(0, 1)), ...splitter.push(euro.subarray(1))]).toEqual(["€"]);
  });

  test("a line without an end is handed on before it fills the memory", () => {
    const splitter = new LineSplitter();
    expect(splitter.push(bytes("x".repeat(20_000))).length).toBe(1);
    expect(splitter.end()).toEqual([]);
  });

  test.each([
    ["plain", "plain"],
    ["\u001b[31mred\u001b[0m", "red"],
    ["\u001b]0;title\u0007shown", "shown"],
    ["10%\r50%\r100%", "100%"],
    ["windows\r", "windows"],
    ["bell\u0007 and\u0000 more\u009b", "bell and more"],
    ["tab\tstays", "tab\tstays"],
  ])("%j is shown as %j", (line, shown) => {
    expect(printableLine(line)).toBe(shown);
  });
});

describe("a listing", () => {
  const long = { path: "df", text: Array.from({ length: 12 }, (_, index) => `L${index + 1}`).join("\n") };

  test("marks every line of an instruction, and shows three around it", () => {
    const rows = renderListing(long, { line: 5, endLine: 6 }).split("\n");
    expect(rows[0]).toBe("df:5");
    expect(rows.slice(2, -2)).toEqual([
      "   2 |     L2",
      "   3 |     L3",
      "   4 |     L4",
      "   5 | >>> L5",
      "   6 | >>> L6",
      "   7 |     L7",
      "   8 |     L8",
      "   9 |     L9",
    ]);
  });

  test("ends with the file", () => {
    expect(renderListing(long, { line: 12, endLine: 12 })).toContain("  12 | >>> L12\n-----");
  });
});

describe("live", () => {
  const plain = { blue: String, red: String, dim: String };

  function board(rows: number, columns = 60) {
    const { output: to, text, written } = recorder(columns);
    const progress = createLiveProgress(to, { rows: () => rows, nowMs: () => 0, colors: plain });
    return { progress, text, written };
  }

  test("ends with every step on a row of its own, times at the right", () => {
    const { progress, text } = board(24);
    progress.event(from);
    progress.event({ kind: "cached", step: 4, ms: 0 });
    progress.event(make);
    progress.event({ kind: "done", step: 7, ms: 2500 });
    progress.end();
    const rows = text().trimEnd().split("\n");
    expect(rows[0]).toBe("[+] Building 0.0s (2/2) FINISHED");
    expect(rows[1]).toMatch(/^ => CACHED \[1\/2\] FROM base +0\.0s$/);
    expect(rows[2]).toMatch(/^ => \[2\/2\] RUN make +2\.5s$/);
    expect(rows.slice(1).map((row) => row.length)).toEqual([59, 59]);
  });

  test("draws the last lines of what runs, never more rows than there are", async () => {
    const { progress, written } = board(8);
    for (let step = 1; step <= 20; step++) {
      progress.event({ kind: "started", step, title: `step ${step}` });
      if (step < 20) progress.event({ kind: "done", step, ms: 0 });
    }
    progress.event(output(20, "a\nb\nc\nd\ne\nf\ng\nh\n"));
    for (let tries = 0; written.length === 0 && tries < 1000; tries++) await Bun.sleep(20);
    const first = written[0] ?? "";
    progress.end();
    expect(first.split("\n").length).toBeLessThanOrEqual(8);
    expect(first).toContain(" => => # h");
    expect(first).not.toContain(" => => # a");
  });

  test("shows output on a terminal that does not know its rows", async () => {
    const { progress, written } = board(0);
    for (let step = 1; step <= 4; step++) progress.event({ kind: "started", step, title: `step ${step}` });
    progress.event(output(1, "first\n"));
    for (let tries = 0; written.length === 0 && tries < 1000; tries++) await Bun.sleep(20);
    progress.end();
    expect(written[0]).toContain(" => step 1 ");
    expect(written[0]).toContain(" => => # first");
  });

  test("a long title does not wrap", () => {
    const { progress, text } = board(24, 40);
    progress.event({ kind: "started", step: 1, title: "x".repeat(200) });
    progress.end();
    expect(
      Math.max(
        ...text()
          .split("\n")
          .map((row) => row.length),
      ),
    ).toBe(39);
  });
});

test("rawjson: docker's objects, one a line", () => {
  const { output: to, text } = recorder();
  const progress = createRawProgress(to, () => new Date(0));
  progress.source(source);
  progress.event(make);
  progress.event(output(7, "hi\n"));
  progress.event({ kind: "warning", message: "w", location: { line: 1, endLine: 1 } });
  progress.event({ kind: "failed", step: 7, ms: 0, message: "no" });
  progress.end();
  const [started, logged, warned, failed] = text()
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  const { digest } = started.vertexes[0];
  expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  expect(started.vertexes[0]).toMatchObject({ name: "[2/2] RUN make", started: "1970-01-01T00:00:00.000Z" });
  expect(logged.logs).toEqual([
    { vertex: digest, stream: 1, data: btoa("hi\n"), timestamp: "1970-01-01T00:00:00.000Z" },
  ]);
  expect(warned.warnings[0].range).toEqual([{ start: { line: 1 }, end: { line: 1 } }]);
  expect(failed.vertexes[0]).toMatchObject({ digest, error: "no", completed: "1970-01-01T00:00:00.000Z" });
});
