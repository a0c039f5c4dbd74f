/** Device rules, as lines for cgroup v1 and as a program for v2, which must say the same. */
import { describe, expect, test } from "bun:test";
import { compileDeviceProgram } from "../../../src/security/device-program.ts";
import {
  allowAllDevices,
  type DeviceRule,
  defaultDeviceRules,
  denyAllDevices,
  deviceWrites,
  renderDeviceRule,
} from "../../../src/security/device-rule.ts";

interface Access {
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  readonly access: string;
}

/** What the list means: the last rule that covers the access decides. */
function listAnswer(rules: readonly DeviceRule[], { type, major, minor, access }: Access): boolean {
  const covers = (rule: DeviceRule): boolean =>
    ((rule.type ?? "a") === "a" || rule.type === type) &&
    ((rule.major ?? -1) < 0 || rule.major === major) &&
    ((rule.minor ?? -1) < 0 || rule.minor === minor) &&
    [...access].every((letter) => (rule.access ?? "rwm").includes(letter));
  return rules.findLast(covers)?.allow ?? false;
}

/** How the few instructions of eBPF there are change a register (linux/bpf.h). */
const arithmetic: Readonly<Record<number, (left: number, right: number, value: number) => number>> = {
  191: (_left, right) => right,
  183: (_left, _right, value) => value,
  84: (left, _right, value) => (left & value) >>> 0,
  116: (left, _right, value) => left >>> value,
};

const accessBits: Readonly<Record<string, number>> = { m: 1, r: 2, w: 4 };

/** Runs the program as the kernel does at an open or mknod. */
function programAnswer(bytes: Uint8Array, call: Access): boolean {
  const view = new DataView(bytes.buffer);
  const access = [...call.access].reduce((sum, letter) => sum | (accessBits[letter] ?? 0), 0);
  const context = [(access << 16) | (call.type === "b" ? 1 : 2), call.major, call.minor];
  const registers = new Array<number>(11).fill(0);
  for (let at = 0; at < bytes.length / 8; at++) {
    const code = view.getUint8(at * 8);
    const to = view.getUint8(at * 8 + 1) & 0xf;
    const offset = view.getInt16(at * 8 + 2, true);
    const value = view.getInt32(at * 8 + 4, true);
    const [left = 0, right = 0] = [registers[to], registers[view.getUint8(at * 8 + 1) >> 4]];
    if (code === 0x95) return registers[0] === 1;
    if (code === 0x61) registers[to] = context[offset / 4] ?? 0;
    else if (code === 0x55) at += left === value ? 0 : offset;
    else if (code === 0x5d) at += left === right ? 0 : offset;
    else registers[to] = arithmetic[code]?.(left, right, value) ?? Number.NaN;
  }
  throw new Error("ran off the end");
}

const calls: readonly Access[] = (["b", "c"] as const).flatMap((type) =>
  [
    [1, 3],
    [1, 9],
    [5, 2],
    [8, 0],
    [10, 229],
    [136, 77],
  ].flatMap(([major = 0, minor = 0]) =>
    ["r", "w", "m", "rw", "rwm"].map((access) => ({ type, major, minor, access })),
  ),
);

const lists: readonly (readonly [string, readonly DeviceRule[]])[] = [
  ["docker's default", defaultDeviceRules()],
  [
    "a disk for reading",
    [...defaultDeviceRules(), { allow: true, type: "b", major: 8, minor: 0, access: "r" }],
  ],
  ["all allowed", [allowAllDevices]],
  ["all denied", [denyAllDevices]],
  ["nothing said", []],
  ["denied after allowed", [allowAllDevices, { allow: false, type: "c", major: 1, access: "w" }]],
  [
    "a rule about everything in the middle",
    [{ allow: true, type: "c", major: 1 }, denyAllDevices, { allow: true, type: "c", major: 5 }],
  ],
  ["any minor as -1", [denyAllDevices, { allow: true, type: "b", major: 8, minor: -1 }]],
  ["a rule for both kinds", [denyAllDevices, { allow: true, major: 1, access: "rw" }]],
];

describe("the v2 program", () => {
  test.each(lists)("answers as the list does: %s", (_, rules) => {
    const program = compileDeviceProgram(rules);
    for (const call of calls)
      expect([call, programAnswer(program, call)]).toEqual([call, listAnswer(rules, call)]);
  });

  test("leaves out what a rule about everything hides, for the verifier refuses dead code", () => {
    const short = compileDeviceProgram([allowAllDevices]);
    expect(compileDeviceProgram([{ allow: false, type: "c", major: 1 }, allowAllDevices])).toEqual(short);
  });
});

describe("docker's default list", () => {
  test.each([
    [{ type: "c", major: 1, minor: 3, access: "rw" }, true],
    [{ type: "c", major: 136, minor: 4, access: "rwm" }, true],
    [{ type: "b", major: 8, minor: 0, access: "m" }, true],
    [{ type: "b", major: 8, minor: 0, access: "r" }, false],
    [{ type: "c", major: 10, minor: 229, access: "rw" }, false],
    [{ type: "c", major: 1, minor: 1, access: "r" }, false],
  ] as const)("%j: %p", (call, expected) => {
    expect(listAnswer(defaultDeviceRules(), call)).toBe(expected);
  });
});

test("the v1 lines: everything is `a`, the rest by name", () => {
  expect(
    deviceWrites([denyAllDevices, { allow: true, type: "c", major: 1, minor: 3, access: "rw" }]),
  ).toEqual([
    { file: "devices.deny", line: "a" },
    { file: "devices.allow", line: "c 1:3 rw" },
  ]);
  expect(deviceWrites([allowAllDevices])).toEqual([{ file: "devices.allow", line: "a" }]);
  expect(renderDeviceRule({ allow: true, type: "b", major: 8 })).toBe("b 8:* rwm");
  expect(renderDeviceRule({ allow: true, minor: -1, access: "m" })).toBe("a *:* m");
});
