import { expect, test } from "bun:test";
import { parseRunArguments } from "../../../src/cli/run-arguments.ts";
import { parseDuration, renderDuration } from "../../../src/image/duration.ts";
import { memoryHost } from "./option-host.ts";

test.each([
  ["0s", 0],
  ["1ns", 1],
  ["1.5µs", 1500],
  ["500ms", 5e8],
  ["1.5s", 1.5e9],
  ["30s", 30e9],
  ["1m30s", 90e9],
  ["1h0m0s", 3600e9],
  ["25h1m0.5s", 90_060.5e9],
])("%s reads and renders back", (text, ns) => {
  expect(parseDuration(text)).toBe(ns);
  expect(renderDuration(ns)).toBe(text);
});

test.each(["0", "-1s", "+2m", ".5s", "1.s"])("%s is one to Go", (text) => {
  expect(Number.isFinite(parseDuration(text))).toBe(true);
});

test.each(["", "5", "s", "1 s", "1s5", "1d", "--1s", "1e3s"])("%p is none", (text) => {
  expect(() => parseDuration(text)).toThrow(`time: invalid duration ${JSON.stringify(text)}`);
});

test.each([
  [["--health-interval", "-1s"], "--health-interval cannot be negative"],
  [["--health-timeout", "10us"], "timeout in Healthcheck cannot be less than 1ms"],
  [["--health-retries", "-1"], "--health-retries cannot be negative"],
  [["--health-cmd", "x", "--no-healthcheck"], "--no-healthcheck conflicts with --health-* options"],
  [["--health-on-failure", "panic"], "supported actions are none,kill,restart,stop"],
])("%p is refused", async (flags, phrase) => {
  await expect(parseRunArguments([...flags, "busybox"], memoryHost({}, {}))).rejects.toThrow(phrase);
});
