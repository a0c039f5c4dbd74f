/** What --debug tells of a start: a container may have ended before it is looked at. */
import { expect, test } from "bun:test";
import { namespacesOf } from "../../../src/engine/describe-start.ts";

/** More than any kernel's pid_max (proc_sys_kernel(5)). */
const nobody = 2 ** 22 + 1;

test("a process that has ended has no namespaces, and is no error: --debug run of a short command failed", () => {
  expect(namespacesOf(nobody)).toBe("it has ended already");
});

test("what a process shares with this one is not named", () => {
  expect(namespacesOf(process.pid)).toBe("");
});
