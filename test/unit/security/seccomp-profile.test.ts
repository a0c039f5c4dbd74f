/** docker's profile format: conditions, and a reader that lets nothing pass unread. */
import { describe, expect, test } from "bun:test";
import { parseSeccompProfile } from "../../../src/security/parse-seccomp-profile.ts";
import { resolveSeccompProfile, type SeccompCondition } from "../../../src/security/seccomp-profile.ts";

const facts = { arch: "x86_64", caps: ["CAP_CHOWN"], kernel: "6.1.0-13-amd64" } as const;

function applies(conditions: { includes?: SeccompCondition; excludes?: SeccompCondition }): boolean {
  const rule = { names: ["mount"], action: "SCMP_ACT_ALLOW", ...conditions } as const;
  const policy = resolveSeccompProfile({ defaultAction: "SCMP_ACT_ERRNO", syscalls: [rule] }, facts);
  return policy.syscalls?.length === 1;
}

describe("conditions", () => {
  test.each([
    [{}, true],
    [{ includes: { caps: ["CAP_CHOWN"] } }, true],
    [{ includes: { caps: ["CAP_CHOWN", "CAP_KILL"] } }, false],
    [{ includes: { caps: [] } }, true],
    [{ includes: { arches: ["amd64", "arm64"] } }, true],
    [{ includes: { arches: ["arm64"] } }, false],
    [{ includes: { arches: [] } }, true],
    [{ includes: { minKernel: "4.8" } }, true],
    [{ includes: { minKernel: "6.1" } }, true],
    [{ includes: { minKernel: "6.2" } }, false],
    [{ includes: { minKernel: "10.0" } }, false],
    [{ excludes: { caps: ["CAP_KILL"] } }, true],
    [{ excludes: { caps: ["CAP_KILL", "CAP_CHOWN"] } }, false],
    [{ excludes: { arches: ["amd64"] } }, false],
    [{ excludes: { minKernel: "6.1" } }, false],
    [{ excludes: { minKernel: "6.9" } }, true],
    [{ includes: { caps: ["CAP_CHOWN"] }, excludes: { arches: ["amd64"] } }, false],
  ])("%j: %p", (conditions, expected) => {
    expect(applies(conditions)).toBe(expected);
  });

  test("resolved rules carry no conditions, archMap becomes architectures", () => {
    const policy = resolveSeccompProfile(
      {
        defaultAction: "SCMP_ACT_ERRNO",
        archMap: [
          { architecture: "SCMP_ARCH_AARCH64", subArchitectures: ["SCMP_ARCH_ARM"] },
          { architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] },
        ],
        syscalls: [
          { names: ["mount"], action: "SCMP_ACT_ALLOW", comment: "x", includes: { caps: ["CAP_CHOWN"] } },
        ],
      },
      facts,
    );
    expect(policy).toEqual({
      defaultAction: "SCMP_ACT_ERRNO",
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
      syscalls: [{ names: ["mount"], action: "SCMP_ACT_ALLOW" }],
    });
  });

  test("architectures and archMap together are refused", () => {
    const archMap = [{ architecture: "SCMP_ARCH_X86_64" }];
    const profile = {
      defaultAction: "SCMP_ACT_ERRNO",
      architectures: ["SCMP_ARCH_X86_64"],
      archMap,
    } as const;
    expect(() => resolveSeccompProfile(profile, facts)).toThrow(
      "both 'architectures' and 'archMap' are specified",
    );
  });
});

describe("parseSeccompProfile", () => {
  const parse = (value: unknown) => parseSeccompProfile(JSON.stringify(value), "p.json");
  const rule = (fields: object) => ({ defaultAction: "SCMP_ACT_ERRNO", syscalls: [fields] });

  test("reads docker's format", () => {
    const profile = {
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 38,
      archMap: [{ architecture: "SCMP_ARCH_X86_64", subArchitectures: ["SCMP_ARCH_X86"] }],
      syscalls: [
        {
          names: ["clone"],
          action: "SCMP_ACT_ALLOW",
          args: [{ index: 0, value: 2114060288, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" }],
          comment: "",
          includes: { minKernel: "4.8" },
          excludes: { caps: ["CAP_SYS_ADMIN"], arches: ["s390"] },
        },
      ],
    };
    expect(parse(profile)).toEqual(profile as never);
  });

  test("reads old single names, Go's nulls and podman's errno words", () => {
    const old = { name: "mount", action: "SCMP_ACT_ALLOW", args: null, errno: "EPERM" };
    expect(parse({ defaultAction: "SCMP_ACT_ERRNO", defaultErrno: "ENOSYS", syscalls: [old] })).toEqual({
      defaultAction: "SCMP_ACT_ERRNO",
      syscalls: [{ names: ["mount"], action: "SCMP_ACT_ALLOW" }],
    });
  });

  test("keeps all 64 bits of a value", () => {
    const text =
      '{"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["a"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":18446744073709551615,"op":"SCMP_CMP_EQ"}]}]}';
    expect(parseSeccompProfile(text, "p").syscalls?.[0]?.args?.[0]?.value).toBe(0xffff_ffff_ffff_ffffn);
  });

  test.each([
    ["not JSON", "{", "Decoding seccomp profile failed"],
    ["a list", [], "expected an object"],
    ["no default", {}, "at defaultAction: expected a string"],
    [
      "an unknown action",
      { defaultAction: "SCMP_ACT_ALOW" },
      'at defaultAction: unknown word "SCMP_ACT_ALOW"',
    ],
    ["an unknown field", { defaultAction: "SCMP_ACT_ERRNO", sycalls: [] }, "at sycalls: unknown field"],
    [
      "an unknown field in a rule",
      rule({ names: [], action: "SCMP_ACT_ALLOW", arg: [] }),
      "at syscalls[0].arg: unknown field",
    ],
    [
      "an unknown operator",
      rule({ names: ["a"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value: 1, op: "==" }] }),
      "at syscalls[0].args[0].op",
    ],
    [
      "a seventh argument",
      rule({ names: ["a"], action: "SCMP_ACT_ALLOW", args: [{ index: 6, value: 1, op: "SCMP_CMP_EQ" }] }),
      "args[0].index: expected 0 to 5",
    ],
    [
      "a negative value",
      rule({ names: ["a"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value: -1, op: "SCMP_CMP_EQ" }] }),
      "args[0].value: expected an unsigned",
    ],
    [
      "a fraction",
      rule({ names: ["a"], action: "SCMP_ACT_ALLOW", args: [{ index: 0, value: 1.5, op: "SCMP_CMP_EQ" }] }),
      "args[0].value: expected an unsigned",
    ],
    [
      "name and names",
      rule({ name: "a", names: ["b"], action: "SCMP_ACT_ALLOW" }),
      "both 'name' and 'names' are specified",
    ],
    ["no names", rule({ action: "SCMP_ACT_ALLOW" }), "at syscalls[0].names: expected a list"],
    [
      "a name that is none",
      rule({ names: [7], action: "SCMP_ACT_ALLOW" }),
      "at syscalls[0].names[0]: expected a string",
    ],
    [
      "a bad kernel",
      rule({ names: ["a"], action: "SCMP_ACT_ALLOW", includes: { minKernel: "4" } }),
      'invalid kernel version: "4"',
    ],
    [
      "kernel 0.0",
      rule({ names: ["a"], action: "SCMP_ACT_ALLOW", includes: { minKernel: "0.0" } }),
      'invalid kernel version: "0.0"',
    ],
    [
      "a huge errno",
      rule({ names: ["a"], action: "SCMP_ACT_ERRNO", errnoRet: 70000 }),
      "errnoRet: expected an errno",
    ],
    ["a listener", { defaultAction: "SCMP_ACT_ERRNO", listenerPath: "/x" }, "notification is not supported"],
  ])("refuses %s", (_, value, message) => {
    const text = typeof value === "string" ? value : JSON.stringify(value);
    expect(() => parseSeccompProfile(text, "p.json")).toThrow(message);
  });

  test("an error names the nearest word", () => {
    expect(() => parse({ defaultAction: "SCMP_ACT_ALOW" })).toThrow(
      expect.objectContaining({ hint: "did you mean SCMP_ACT_ALLOW?" }),
    );
    expect(() => parse({ defaultAction: "SCMP_ACT_ERRNO", sycalls: [] })).toThrow(
      expect.objectContaining({ hint: 'did you mean "syscalls"?' }),
    );
  });
});
