import { expect, test } from "bun:test";
import { bootId } from "../../../src/host/clock.ts";
import {
  isProcessAlive,
  isProcessEnding,
  isSameProcess,
  parseProcessStat,
  readProcessIdentity,
} from "../../../src/host/process-identity.ts";
import { startCommand } from "../../../src/host/run-command.ts";

test("a command name full of parentheses and spaces does not shift the fields", () => {
  const rest = "S 1 2 3 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
  expect(parseProcessStat(`12 (a) b) (R 9) ${rest}`)).toEqual({
    state: "S",
    parentPid: 1,
    session: 3,
    isExiting: false,
    startTicks: "987654",
  });
});

test.each(["", "12 (x", "12 (x) S 1"])("what is no stat line is refused: %p", (line) => {
  expect(parseProcessStat(line)).toBeUndefined();
});

test("one that has begun to end says so", () => {
  const line = "12 (a) R 1 2 3 0 -1 4194564 1 2 3 4 5 6 7 8 20 0 1 0 987654 1 2";
  expect(parseProcessStat(line)?.isExiting).toBe(true);
});

test("this process is alive and the same as itself", () => {
  const self = readProcessIdentity(process.pid);
  if (self === undefined) throw new Error("no /proc/self");
  expect(isProcessAlive(self)).toBe(true);
  expect(isProcessEnding(self)).toBe(false);
  expect(isSameProcess(self, { ...self })).toBe(true);
  expect(isProcessAlive({ ...self, startTicks: "1" })).toBe(false);
  expect(isProcessAlive({ ...self, bootId: "another" })).toBe(false);
});

test("an ended process is not alive", async () => {
  const child = startCommand(["sleep", "60"], { stdin: "ignore", stdout: "ignore", stderr: "ignore" });
  const identity = readProcessIdentity(child.pid);
  if (identity === undefined) throw new Error("child not found");
  expect(isProcessAlive(identity)).toBe(true);
  child.kill("SIGKILL");
  await child.exited;
  expect(isProcessAlive(identity)).toBe(false);
});

test("the boot id is a uuid", () => {
  expect(bootId()).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
});
