import { describe, expect, test } from "bun:test";
import type { RestartConfig } from "../../../src/config/container-config.ts";
import { planRestart } from "../../../src/engine/restart-policy.ts";

const always: RestartConfig = { policy: "always", maxRetries: 0 };
const ended = (exitCode: number, ranMs = 50) => ({ exitCode, ranMs });
const container = (restart?: RestartConfig, changes: object = {}) => ({
  config: restart === undefined ? {} : { restart },
  restartCount: 0,
  ...changes,
});

describe("whether", () => {
  test("no policy: never", () => {
    expect(planRestart(container(), ended(1))).toBeUndefined();
  });

  test.each(["always", "unless-stopped"] as const)("%s: whatever the exit code", (policy) => {
    const record = container({ policy, maxRetries: 0 });
    expect(planRestart(record, ended(0))).toBe(100);
    expect(planRestart(record, ended(137))).toBe(100);
  });

  test("on-failure: only after a failure, and at most so often", () => {
    const record = container({ policy: "on-failure", maxRetries: 2 });
    expect(planRestart(record, ended(0))).toBeUndefined();
    expect(planRestart({ ...record, restartCount: 1 }, ended(1))).toBe(100);
    expect(planRestart({ ...record, restartCount: 2 }, ended(1))).toBeUndefined();
    const endless = container({ policy: "on-failure", maxRetries: 0 }, { restartCount: 1_000_000 });
    expect(planRestart(endless, ended(1))).toBe(100);
  });

  test.each(["stop", "restart"] as const)("not after somebody's %s", (stopIntent) => {
    expect(planRestart(container(always, { stopIntent }), ended(1))).toBeUndefined();
  });
});

test("the pause doubles from 100 ms to a minute", () => {
  const pauses: number[] = [];
  for (let restartDelayMs = 0; pauses.length < 13; ) {
    restartDelayMs = planRestart(container(always, { restartDelayMs }), ended(1)) ?? 0;
    pauses.push(restartDelayMs);
  }
  expect(pauses).toEqual([
    100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 60_000, 60_000,
  ]);
});

test("a run of ten seconds makes the pause short again", () => {
  const record = container(always, { restartDelayMs: 25_600 });
  expect(planRestart(record, ended(1, 9_999))).toBe(51_200);
  expect(planRestart(record, ended(1, 10_000))).toBe(100);
});
