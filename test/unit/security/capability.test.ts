/** Capabilities by docker's rules, within what the machine has. */
import { describe, expect, test } from "bun:test";
import {
  capabilitiesOfMask,
  capabilityMask,
  capabilityNames,
  capabilitySetsFor,
  defaultCapabilities,
  parseBoundingSet,
  parseCapability,
  resolveCapabilities,
} from "../../../src/security/capability.ts";
import { rlimitNumber, rlimitType } from "../../../src/security/rlimit.ts";

const everything = (1n << 41n) - 1n;
const none = { privileged: false, capAdd: [], capDrop: [], bounding: everything };
const without = (name: (typeof capabilityNames)[number]): bigint =>
  everything & ~(1n << BigInt(capabilityNames.indexOf(name)));

describe("resolveCapabilities", () => {
  test("docker's fourteen by default", () => {
    expect(defaultCapabilities).toHaveLength(14);
    expect(resolveCapabilities(none)).toEqual(defaultCapabilities);
    expect(capabilityMask(defaultCapabilities)).toBe(0xa80425fbn);
  });

  test.each([
    [["NET_ADMIN"], [], [...defaultCapabilities, "CAP_NET_ADMIN"]],
    [["cap_net_admin", "NET_ADMIN"], [], [...defaultCapabilities, "CAP_NET_ADMIN"]],
    [["CHOWN"], [], defaultCapabilities],
    [[], ["ALL"], []],
    [["NET_RAW", "KILL"], ["all"], ["CAP_NET_RAW", "CAP_KILL"]],
    [["ALL"], [], capabilityNames],
    [["ALL"], ["SYS_ADMIN"], capabilityNames.filter((name) => name !== "CAP_SYS_ADMIN")],
    [["ALL"], ["ALL"], capabilityNames],
    [["MKNOD"], ["MKNOD"], [...defaultCapabilities.filter((name) => name !== "CAP_MKNOD"), "CAP_MKNOD"]],
    [[], ["CAP_CHOWN", "mknod"], defaultCapabilities.filter((n) => n !== "CAP_CHOWN" && n !== "CAP_MKNOD")],
  ])("add %p, drop %p", (capAdd, capDrop, expected) => {
    expect(resolveCapabilities({ ...none, capAdd, capDrop })).toEqual([...expected] as never);
  });

  test("--privileged and ALL take what the bounding set holds", () => {
    const bounding = without("CAP_SYS_RESOURCE");
    const available = capabilityNames.filter((name) => name !== "CAP_SYS_RESOURCE");
    expect(resolveCapabilities({ ...none, privileged: true, bounding })).toEqual(available);
    expect(resolveCapabilities({ ...none, capAdd: ["ALL"], bounding })).toEqual(available);
  });

  test("defaults are cut to the bounding set, a capability asked for by name is not", () => {
    const bounding = without("CAP_MKNOD");
    expect(resolveCapabilities({ ...none, bounding })).not.toContain("CAP_MKNOD");
    expect(() => resolveCapabilities({ ...none, capAdd: ["MKNOD"], bounding })).toThrow(
      'cannot add capability "CAP_MKNOD": not in this process\'s bounding set',
    );
  });

  test.each([
    ["NET_ADMN", 'unknown capability: "CAP_NET_ADMN"', "did you mean CAP_NET_ADMIN?"],
    ["cap_syschroot", 'unknown capability: "CAP_SYSCHROOT"', "did you mean CAP_SYS_CHROOT?"],
    ["", 'unknown capability: "CAP_"', undefined],
    ["everything", 'unknown capability: "CAP_EVERYTHING"', undefined],
  ])("%p is refused", (name, message, hint) => {
    for (const request of [{ capAdd: [name] }, { capDrop: [name] }]) {
      expect(() => resolveCapabilities({ ...none, ...request })).toThrow(
        expect.objectContaining({ message: `invalid capability: ${message}`, hint }),
      );
    }
  });
});

describe("the five sets", () => {
  test("root holds them, nothing is inheritable or ambient", () => {
    const sets = capabilitySetsFor(defaultCapabilities, 0);
    expect(sets.bounding).toEqual(defaultCapabilities);
    expect(sets.effective).toEqual(defaultCapabilities);
    expect(sets.permitted).toEqual(defaultCapabilities);
    expect([...sets.inheritable, ...sets.ambient]).toEqual([]);
  });

  test("another user only has the bounding set", () => {
    const sets = capabilitySetsFor(defaultCapabilities, 1000);
    expect(sets.bounding).toEqual(defaultCapabilities);
    expect([...sets.effective, ...sets.permitted, ...sets.inheritable, ...sets.ambient]).toEqual([]);
  });
});

test("masks and names are each other's inverse", () => {
  for (const name of capabilityNames) expect(capabilitiesOfMask(capabilityMask([name]))).toEqual([name]);
  expect(capabilityMask(["ALL"])).toBe(everything);
  expect(capabilitiesOfMask(1n << 63n)).toEqual([]);
  expect(parseCapability("sys_admin")).toBe("CAP_SYS_ADMIN");
});

test("the bounding set is read from /proc/PID/status", () => {
  expect(parseBoundingSet("CapEff:\t0\nCapBnd:\t000001fffeffffff\nCapAmb:\t0\n")).toBe(0x1fffeffffffn);
  expect(parseBoundingSet("Name: x\n")).toBeUndefined();
});

test("rlimits by either name", () => {
  expect(rlimitNumber("nofile")).toBe(7);
  expect(rlimitNumber("RLIMIT_CORE")).toBe(4);
  expect(rlimitNumber("rttime")).toBe(15);
  expect(rlimitNumber("files")).toBeUndefined();
  expect(rlimitType("nproc")).toBe("RLIMIT_NPROC");
});
