import { describe, expect, test } from "bun:test";
import {
  isInitialRoot,
  launchFacts,
  mountPointsIn,
  ownCapabilities,
} from "../../../src/runtime/launch-facts.ts";
import { exitOf } from "../../../src/runtime/wait-for-exit.ts";

describe("own capabilities", () => {
  test("are what both sets hold", () => {
    const status =
      "Name:\tx\nCapInh:\t0000000000000000\nCapPrm:\t00000000000000ff\nCapEff:\t0\nCapBnd:\t000001ffffffff0f\n";
    expect(ownCapabilities(status)).toBe(0x0fn);
    expect(ownCapabilities("Name:\tx\n")).toBe(0n);
  });

  test("are read from this process", () => {
    expect(launchFacts()).toBe(launchFacts());
    expect(launchFacts().availableCapabilities).toBeGreaterThanOrEqual(0n);
  });
});

describe("the initial root file system", () => {
  test.each([
    ["1 1 0:2 / / rw - rootfs rootfs rw\n", true],
    ["1 0 0:2 / / rw - rootfs none rw,size=1k\n", true],
    ["2 2 0:2 / / rw - tmpfs none rw\n", true],
    ["20 1 0:19 / / rw,relatime shared:1 - tmpfs tmpfs rw\n21 20 0:20 / /proc rw - proc proc rw\n", false],
    ["1 1 0:2 / / rw - rootfs rootfs rw\n25 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw\n", false],
    ["", true],
  ])("%j", (mountinfo, initial) => {
    expect(isInitialRoot(mountinfo)).toBe(initial);
  });
});

test("the host's mounts, children first, names as they are", () => {
  const mountinfo = [
    "1 1 0:2 / / rw - rootfs rootfs rw",
    "20 1 0:19 / /proc rw - proc proc rw",
    "21 1 0:20 / /a\\040b rw - tmpfs tmpfs rw",
    "22 20 0:19 / /proc/x rw - proc proc rw",
    "",
  ];
  expect(mountPointsIn(mountinfo.join("\n"))).toEqual(["/proc/x", "/a b", "/proc"]);
});

test("docker's exit codes", () => {
  expect(exitOf({ by: "exit", code: 3 })).toEqual({ exitCode: 3, coreDumped: false });
  expect(exitOf({ by: "signal", signal: 11, coreDumped: true })).toEqual({
    exitCode: 139,
    signal: 11,
    coreDumped: true,
  });
});
