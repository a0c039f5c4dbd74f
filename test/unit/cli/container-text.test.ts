import { describe, expect, test } from "bun:test";
import {
  renderCommand,
  renderDuration,
  renderGoTime,
  renderStatus,
} from "../../../src/cli/container-text.ts";
import type { ContainerRecord } from "../../../src/state/record.ts";

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;
const day = 24 * hour;

describe("renderDuration follows docker's units.HumanDuration", () => {
  const table: [number, string][] = [
    [450, "Less than a second"],
    [1 * second, "1 second"],
    [47 * second, "47 seconds"],
    [1 * minute, "About a minute"],
    [3 * minute, "3 minutes"],
    [35 * minute, "35 minutes"],
    [35 * minute + 40 * second, "35 minutes"],
    [1 * hour, "About an hour"],
    [1 * hour + 45 * minute, "2 hours"],
    [3 * hour, "3 hours"],
    [3 * hour + 59 * minute, "4 hours"],
    [47 * hour, "47 hours"],
    [3 * day, "3 days"],
    [13 * day, "13 days"],
    [14 * day, "2 weeks"],
    [59 * day, "8 weeks"],
    [60 * day, "2 months"],
    [729 * day, "24 months"],
    [730 * day, "2 years"],
  ];
  for (const [duration, text] of table) {
    test(text, () => expect(renderDuration(duration)).toBe(text));
  }
});

describe("renderStatus", () => {
  const base = { status: "exited", exitCode: 137, finishedAtMs: 0 } as unknown as ContainerRecord;
  test("exited with its code", () => expect(renderStatus(base, 2 * hour)).toBe("Exited (137) 2 hours ago"));
  test("running", () =>
    expect(renderStatus({ ...base, status: "running", startedAtMs: 0 }, 3 * minute)).toBe("Up 3 minutes"));
  test("paused", () =>
    expect(renderStatus({ ...base, status: "paused", startedAtMs: 0 }, 5 * second)).toBe(
      "Up 5 seconds (Paused)",
    ));
  test("created", () => expect(renderStatus({ ...base, status: "created" }, 0)).toBe("Created"));
});

describe("renderCommand", () => {
  test("short words are quoted whole", () =>
    expect(renderCommand(["sh", "-c", "true"], false)).toBe('"sh -c true"'));
  test("twenty characters stay", () =>
    expect(renderCommand(["a".repeat(20)], false)).toBe(`"${"a".repeat(20)}"`));
  test("more are cut with an ellipsis", () =>
    expect(renderCommand(["a".repeat(21)], false)).toBe(`"${"a".repeat(19)}…"`));
  test("noTrunc keeps all", () => expect(renderCommand(["a".repeat(50)], true)).toHaveLength(52));
});

test("a time as Go prints it", () => {
  expect(renderGoTime(Date.UTC(2026, 0, 2, 3, 4, 5, 678))).toBe("2026-01-02 03:04:05 +0000 UTC");
});
