import { describe, expect, test } from "bun:test";
import { healthCheckOf, mergeHealth, nextHealth, startingHealth } from "../../../src/engine/health-check.ts";
import type { HealthRecord } from "../../../src/state/record.ts";

const check = { retries: 3, startPeriodMs: 0 };
const at = (startMs: number, exitCode: number) => ({ startMs, endMs: startMs + 1, exitCode, output: "" });

function after(exitCodes: readonly number[], settings = check, stepMs = 1000): HealthRecord {
  return exitCodes.reduce<HealthRecord>(
    (health, exitCode, index) => nextHealth(health, at((index + 1) * stepMs, exitCode), settings, 0),
    startingHealth,
  );
}

describe("what results make of a container", () => {
  test("one success is health, at any time", () => {
    expect(after([0])).toMatchObject({ status: "healthy", failingStreak: 0 });
    expect(after([1, 1, 1, 1, 0])).toMatchObject({ status: "healthy", failingStreak: 0 });
  });

  test("so many failures in a row are none; fewer change nothing", () => {
    expect(after([1, 1])).toMatchObject({ status: "starting", failingStreak: 2 });
    expect(after([0, 2, 2])).toMatchObject({ status: "healthy", failingStreak: 2 });
    expect(after([0, 1, -1, 127])).toMatchObject({ status: "unhealthy", failingStreak: 3 });
  });

  test("failures in the start period do not count, unless it was healthy once", () => {
    const slow = { retries: 2, startPeriodMs: 3500 };
    expect(after([1, 1, 1], slow)).toMatchObject({ status: "starting", failingStreak: 0 });
    expect(after([1, 1, 1, 1, 1], slow)).toMatchObject({ status: "unhealthy", failingStreak: 2 });
    expect(after([0, 1, 1], slow)).toMatchObject({ status: "unhealthy", failingStreak: 2 });
  });

  test("the last five results are kept, oldest first", () => {
    expect(after([1, 2, 3, 4, 5, 6, 7]).log.map(({ exitCode }) => exitCode)).toEqual([3, 4, 5, 6, 7]);
  });
});

describe("which check", () => {
  const image = { Healthcheck: { Test: ["CMD", "curl", "x"], Interval: 1e9, Retries: 7 } };

  test("the image's, with docker's defaults for what it leaves open", () => {
    expect(healthCheckOf(undefined, image)).toEqual({
      args: ["curl", "x"],
      intervalMs: 1000,
      timeoutMs: 30_000,
      startPeriodMs: 0,
      startIntervalMs: 5000,
      retries: 7,
    });
  });

  test("what was asked for wins member by member; zero in an image is a default", () => {
    const asked = { test: ["CMD-SHELL", "true"], timeoutNs: 2e9 };
    expect(healthCheckOf(asked, image)).toMatchObject({
      args: ["/bin/sh", "-c", "true"],
      intervalMs: 1000,
      timeoutMs: 2000,
      retries: 7,
    });
    expect(healthCheckOf(undefined, { Healthcheck: { Test: ["CMD", "x"], Interval: 0 } })?.intervalMs).toBe(
      30_000,
    );
    expect(healthCheckOf(asked, { ...image, Shell: ["/bin/bash", "-o", "pipefail", "-c"] })?.args).toEqual([
      "/bin/bash",
      "-o",
      "pipefail",
      "-c",
      "true",
    ]);
  });

  test("none: switched off, never said, or without a command", () => {
    expect(healthCheckOf({ test: ["NONE"] }, image)).toBeUndefined();
    expect(healthCheckOf(undefined, {})).toBeUndefined();
    expect(healthCheckOf({ retries: 2 }, {})).toBeUndefined();
    expect(healthCheckOf(undefined, { Healthcheck: { Test: [] } })).toBeUndefined();
    expect(mergeHealth(undefined, {})).toBeUndefined();
  });
});
