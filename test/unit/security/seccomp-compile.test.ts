/** The compiler's rules: comparisons, precedence, ABIs, limits; on policies made for each case. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { auditArch, type SeccompAbi, syscallNumbers, x32Bit } from "../../../src/security/seccomp-abi.ts";
import { compileSeccomp } from "../../../src/security/seccomp-compile.ts";
import type { SeccompArg, SeccompOperator, SeccompPolicy } from "../../../src/security/seccomp-rule.ts";
import { decodeProgram, runProgram, verifyProgram } from "./bpf-interpreter.ts";

const allow = 0x7fff_0000;
const eperm = 0x0005_0001;
const everyArchitecture = ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"];

function compile(policy: Partial<SeccompPolicy>) {
  const program = decodeProgram(compileSeccomp({ defaultAction: "SCMP_ACT_ERRNO", ...policy }, "x86_64"));
  verifyProgram(program);
  return (abi: SeccompAbi, name: string, args: readonly bigint[] = []): number => {
    const nr = syscallNumbers(abi).get(name) ?? -1;
    return runProgram(program, { arch: auditArch[abi], nr, args }).value;
  };
}

const words = [
  0n,
  1n,
  2n,
  0x7fff_ffffn,
  0xffff_ffffn,
  0x1_0000_0000n,
  0x1_0000_0001n,
  0x5_0000_0002n,
  (1n << 63n) + 5n,
  (1n << 64n) - 1n,
];

const comparisons: readonly (readonly [SeccompOperator, (a: bigint, b: bigint) => boolean])[] = [
  ["SCMP_CMP_EQ", (a, b) => a === b],
  ["SCMP_CMP_NE", (a, b) => a !== b],
  ["SCMP_CMP_LT", (a, b) => a < b],
  ["SCMP_CMP_LE", (a, b) => a <= b],
  ["SCMP_CMP_GE", (a, b) => a >= b],
  ["SCMP_CMP_GT", (a, b) => a > b],
];

test.each(comparisons)("%s on i386: the lower half decides, of the value too", (op, holds) => {
  const low = (word: bigint) => BigInt.asUintN(32, word);
  for (const value of words) {
    const answer = compile({
      architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86"],
      syscalls: [{ names: ["ioctl"], action: "SCMP_ACT_ALLOW", args: [{ index: 1, value, op }] }],
    });
    for (const word of words)
      expect(answer("x86", "ioctl", [0n, low(word)])).toBe(holds(low(word), low(value)) ? allow : eperm);
  }
});

describe("64-bit comparisons", () => {
  test.each(comparisons)("%s", (op, holds) => {
    for (const value of words) {
      for (let index = 0; index < 6; index++) {
        const answer = compile({
          syscalls: [{ names: ["ioctl"], action: "SCMP_ACT_ALLOW", args: [{ index, value, op }] }],
        });
        for (const word of words) {
          const args = Array.from({ length: 6 }, (_, i) => (i === index ? word : 77n));
          expect(answer("x86_64", "ioctl", args)).toBe(holds(word, value) ? allow : eperm);
        }
      }
    }
  });

  test("SCMP_CMP_MASKED_EQ: value is the mask, valueTwo what must remain", () => {
    for (const mask of words) {
      for (const wanted of [undefined, 0n, 1n, 0x1_0000_0000n, mask]) {
        const arg: SeccompArg = {
          index: 1,
          value: mask,
          op: "SCMP_CMP_MASKED_EQ",
          ...(wanted === undefined ? {} : { valueTwo: wanted }),
        };
        const answer = compile({ syscalls: [{ names: ["ioctl"], action: "SCMP_ACT_ALLOW", args: [arg] }] });
        for (const word of words) {
          const holds = (word & mask) === ((wanted ?? 0n) & mask);
          expect(answer("x86_64", "ioctl", [0n, word])).toBe(holds ? allow : eperm);
        }
      }
    }
  });
});

describe("rules about one call", () => {
  const arg = (index: number, value: number, op: SeccompOperator = "SCMP_CMP_EQ"): SeccompArg => ({
    index,
    value,
    op,
  });

  test("arguments of one rule must all hold, rules stand beside each other", () => {
    const answer = compile({
      syscalls: [
        { names: ["fcntl"], action: "SCMP_ACT_ALLOW", args: [arg(0, 1), arg(1, 2)] },
        { names: ["fcntl"], action: "SCMP_ACT_ERRNO", errnoRet: 9, args: [arg(0, 3)] },
      ],
    });
    expect(answer("x86_64", "fcntl", [1n, 2n])).toBe(allow);
    expect(answer("x86_64", "fcntl", [1n, 3n])).toBe(eperm);
    expect(answer("x86_64", "fcntl", [3n, 2n])).toBe(0x0005_0009);
  });

  test("two tests of one argument stand alone, as in runc", () => {
    const answer = compile({
      syscalls: [{ names: ["fcntl"], action: "SCMP_ACT_ALLOW", args: [arg(0, 1), arg(0, 2)] }],
    });
    expect([1n, 2n, 3n].map((value) => answer("x86_64", "fcntl", [value]))).toEqual([allow, allow, eperm]);
  });

  test("a rule without arguments wins over those with, wherever it stands", () => {
    const conditional = {
      names: ["socket"],
      action: "SCMP_ACT_ERRNO",
      errnoRet: 9,
      args: [arg(0, 40)],
    } as const;
    const plain = { names: ["socket"], action: "SCMP_ACT_ALLOW" } as const;
    for (const syscalls of [
      [conditional, plain],
      [plain, conditional],
    ]) {
      expect(compile({ syscalls })("x86_64", "socket", [40n])).toBe(allow);
    }
  });

  test("the first rule without arguments wins", () => {
    const answer = compile({
      syscalls: [
        { names: ["socket"], action: "SCMP_ACT_ERRNO", errnoRet: 9 },
        { names: ["socket"], action: "SCMP_ACT_ALLOW" },
      ],
    });
    expect(answer("x86_64", "socket")).toBe(0x0005_0009);
  });

  test("rules that say what the default says change nothing", () => {
    const answer = compile({
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [
        { names: ["socket"], action: "SCMP_ACT_ALLOW" },
        { names: ["socket"], action: "SCMP_ACT_ERRNO", errnoRet: 9 },
      ],
    });
    expect(answer("x86_64", "socket")).toBe(0x0005_0009);
  });

  test("a call with hundreds of conditions still jumps right", () => {
    const values = Array.from({ length: 300 }, (_, value) => value * 3);
    const answer = compile({
      syscalls: values.map((value) => ({
        names: ["ioctl"],
        action: "SCMP_ACT_ALLOW",
        args: [arg(1, value)],
      })),
    });
    expect(answer("x86_64", "ioctl", [0n, 897n])).toBe(allow);
    expect(answer("x86_64", "ioctl", [0n, 898n])).toBe(eperm);
    expect(answer("x86_64", "write")).toBe(eperm);
    expect(answer("x86_64", "readv")).toBe(0x0005_0026);
  });

  test("more than the kernel takes is an error that says so", () => {
    const syscalls = Array.from({ length: 2000 }, (_, value) => ({
      names: ["ioctl"],
      action: "SCMP_ACT_ALLOW" as const,
      args: [arg(1, value)],
    }));
    expect(() => compile({ syscalls })).toThrow(
      /cannot compile seccomp profile: \d+ instructions, the kernel takes 4096/,
    );
  });
});

describe("actions", () => {
  test.each([
    ["SCMP_ACT_KILL", 0],
    ["SCMP_ACT_KILL_THREAD", 0],
    ["SCMP_ACT_KILL_PROCESS", 0x8000_0000],
    ["SCMP_ACT_TRAP", 0x0003_0000],
    ["SCMP_ACT_ERRNO", 0x0005_0001],
    ["SCMP_ACT_TRACE", 0x7ff0_0001],
    ["SCMP_ACT_LOG", 0x7ffc_0000],
    ["SCMP_ACT_ALLOW", allow],
  ] as const)("%s", (action, value) => {
    const answer = compile({
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 5,
      syscalls: [{ names: ["getpid"], action }],
    });
    expect(answer("x86_64", "getpid")).toBe(value);
  });

  test("SCMP_ACT_NOTIFY needs somebody who listens", () => {
    expect(() => compile({ syscalls: [{ names: ["mount"], action: "SCMP_ACT_NOTIFY" }] })).toThrow(
      "needs a listener",
    );
    const listenerPath = "/run/agent.sock";
    const syscalls = [{ names: ["mount"], action: "SCMP_ACT_NOTIFY" as const }];
    expect(compile({ listenerPath, syscalls })("x86_64", "mount")).toBe(0x7fc0_0000);
    const writes = [{ names: ["read", "write"], action: "SCMP_ACT_NOTIFY" as const }];
    expect(() => compile({ listenerPath, syscalls: writes })).toThrow('cannot be used for "write"');
    expect(() => compile({ listenerPath, defaultAction: "SCMP_ACT_NOTIFY" })).toThrow("default action");
  });

  test("an allow-list by default leaves calls newer than the profile alone, a deny-list answers ENOSYS", () => {
    const syscalls = [{ names: ["mseal"], action: "SCMP_ACT_KILL" as const }];
    expect(compile({ defaultAction: "SCMP_ACT_ALLOW", syscalls })("x86_64", "setxattrat")).toBe(allow);
    expect(compile({ defaultAction: "SCMP_ACT_LOG", syscalls })("x86_64", "setxattrat")).toBe(0x7ffc_0000);
    expect(compile({ defaultAction: "SCMP_ACT_KILL_PROCESS", syscalls })("x86_64", "setxattrat")).toBe(
      0x0005_0026,
    );
  });
});

describe("ABIs", () => {
  const readOnly = [{ names: ["read"], action: "SCMP_ACT_ALLOW" as const }];

  test("only the native one when no other is listed: i386 and x32 are killed", () => {
    const program = decodeProgram(
      compileSeccomp({ defaultAction: "SCMP_ACT_ERRNO", syscalls: readOnly }, "x86_64"),
    );
    const run = (arch: number, nr: number): number => runProgram(program, { arch, nr }).value;
    expect(run(auditArch.x86_64, 0)).toBe(allow);
    expect(run(auditArch.x86, 3)).toBe(0x8000_0000);
    expect(run(auditArch.x86_64, x32Bit)).toBe(0x8000_0000);
    // What a tracer writes to cancel a call.
    expect(run(auditArch.x86_64, -1)).toBe(eperm);
  });

  test("numbers differ: fork is 57 on x86-64 and 2 on i386", () => {
    const answer = compile({
      architectures: everyArchitecture,
      syscalls: [{ names: ["fork"], action: "SCMP_ACT_ALLOW" }],
    });
    expect(answer("x86_64", "fork")).toBe(allow);
    expect(answer("x86", "fork")).toBe(allow);
    expect(answer("x32", "fork")).toBe(allow);
    expect(answer("x86_64", "open")).toBe(eperm);
  });

  test("i386's socketcall and ipc obey the rules of what they carry", () => {
    const answer = compile({
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: everyArchitecture,
      syscalls: [{ names: ["socket", "shmget"], action: "SCMP_ACT_ERRNO" }],
    });
    expect(answer("x86", "socket")).toBe(eperm);
    expect(answer("x86", "socketcall", [1n])).toBe(eperm);
    expect(answer("x86", "socketcall", [2n])).toBe(allow);
    expect(answer("x86", "ipc", [23n])).toBe(eperm);
    expect(answer("x86", "ipc", [23n | (1n << 16n)])).toBe(eperm);
    expect(answer("x86", "ipc", [24n])).toBe(allow);
  });

  test("an architecture of another machine is passed over, nonsense is an error", () => {
    expect(compile({ architectures: ["SCMP_ARCH_S390X"], syscalls: readOnly })("x86_64", "read")).toBe(allow);
    expect(() => compile({ architectures: ["amd64"], syscalls: readOnly })).toThrow(
      'unknown architecture "amd64"',
    );
  });
});

describe("the tables", () => {
  const headers = [
    ["x86_64", "unistd_64.h"],
    ["x86", "unistd_32.h"],
    ["x32", "unistd_x32.h"],
  ] as const;

  test.each(headers)("%s agrees with the kernel's %s", (abi, file) => {
    const path = `/usr/include/x86_64-linux-gnu/asm/${file}`;
    if (!existsSync(path)) return;
    const numbers = syscallNumbers(abi);
    const defined = readFileSync(path, "utf8").matchAll(
      /^#define __NR_(\w+) (?:\(__X32_SYSCALL_BIT \+ )?(\d+)\)?$/gm,
    );
    for (const [, name = "", number] of defined) {
      expect([name, numbers.get(name)]).toEqual([name, Number(number) + (abi === "x32" ? x32Bit : 0)]);
    }
  });

  test("no two calls share a number", () => {
    for (const abi of Object.keys(auditArch) as SeccompAbi[]) {
      const numbers = [...syscallNumbers(abi).values()];
      expect(new Set(numbers).size).toBe(numbers.length);
    }
  });

  test.each([
    ["aarch64", "openat", 56],
    ["aarch64", "execve", 221],
    ["aarch64", "rseq", 293],
    ["arm", "execve", 11],
    ["arm", "socket", 281],
    ["arm", "set_tls", 0x0f_0005],
    ["x32", "execve", x32Bit + 520],
    ["x32", "read", x32Bit],
    ["x86_64", "mseal", 462],
  ] as const)("%s %s is %d", (abi, name, number) => {
    expect(syscallNumbers(abi).get(name)).toBe(number);
  });
});
