/** What --debug tells: lines with times, and nothing at all when nobody listens. */
import { afterEach, expect, test } from "bun:test";
import { isTracing, listenToTrace, trace } from "../../../src/host/trace.ts";

afterEach(() => listenToTrace(undefined));

test("a line a step, with the time of day and the time since the beginning", () => {
  const lines: string[] = [];
  listenToTrace((line) => lines.push(line));
  trace("one");
  trace(() => "two");
  expect(isTracing()).toBe(true);
  expect(lines).toHaveLength(2);
  for (const line of lines) expect(line).toMatch(/^DEBUG \d\d:\d\d:\d\d\.\d{3} +\+\d+\.\dms {2}(one|two)\n$/);
});

test("words are not even made when nobody listens", () => {
  trace(() => {
    throw new Error("was asked");
  });
  expect(isTracing()).toBe(false);
});
