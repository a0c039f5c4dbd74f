/**
 * Every call number and every condition of a policy, asked of our filter and of the one that libseccomp makes.
 *
 * Three differences are meant. Two are runc's: calls newer than any the policy names answer ENOSYS, and what libseccomp
 * kills a thread for (a foreign ABI) ends the process. And x32, whose registers have 64 bits, is compared in all of them.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { capabilityNames, defaultCapabilities } from "../../src/security/capability.ts";
import { auditArch, syscallNumbers } from "../../src/security/seccomp-abi.ts";
import { compileSeccomp } from "../../src/security/seccomp-compile.ts";
import { defaultSeccompProfile } from "../../src/security/seccomp-default-profile.ts";
import { resolveSeccompProfile } from "../../src/security/seccomp-profile.ts";
import { type SeccompArch, type SeccompPolicy, seccompOperators } from "../../src/security/seccomp-rule.ts";
import { hasLibseccomp, type Libseccomp, openLibseccomp, type PeerFilter } from "../lib/libseccomp.ts";
import { decodeProgram, runProgram, type SeccompCall } from "../unit/security/bpf-interpreter.ts";

let peer: Libseccomp;
beforeAll(() => {
  if (hasLibseccomp) peer = openLibseccomp();
});
afterAll(() => peer?.[Symbol.dispose]());

const abisOf = { x86_64: ["x86_64", "x86", "x32"], aarch64: ["aarch64", "arm"] } as const;
const x32Bit = 0x4000_0000;
const enosys = 0x0005_0026;
const killed = (value: number) => (value === 0x8000_0000 ? 0 : value);

/** Around every value that a condition about this call's arguments names, with and without a high half. */
function argumentsFor(policy: SeccompPolicy, name: string): readonly (readonly bigint[])[] {
  const lists: bigint[][] = [[]];
  for (const { names, args = [] } of policy.syscalls ?? []) {
    if (!names.includes(name)) continue;
    for (const { index, value, valueTwo = 0 } of args) {
      const [first, second] = [BigInt(value), BigInt(valueTwo)];
      const near = [
        first - 1n,
        first,
        first + 1n,
        second,
        second ^ 1n,
        second | ~first,
        ~first,
        0n,
        first | (1n << 32n),
        second | (1n << 40n),
      ];
      for (const each of near) {
        const list = [0n, 0n, 0n, 0n, 0n, 0n];
        list[index] = BigInt.asUintN(64, each);
        lists.push(
          list,
          list.map((word, at) => (at === index ? word : first)).map((word) => BigInt.asUintN(64, word)),
        );
      }
    }
  }
  return lists;
}

/** Call numbers of every ABI of the machine, with what the tables call them. */
function* callsOf(arch: SeccompArch) {
  for (const abi of abisOf[arch]) {
    const names = new Map([...syscallNumbers(abi)].map(([name, number]) => [number, name]));
    const base = abi === "x32" ? x32Bit : 0;
    const extra = abi === "arm" ? [0x0f_0001, 0x0f_0002, 0x0f_0005] : [];
    for (const nr of [...Array.from({ length: 600 }, (_, index) => base + index), ...extra])
      yield { abi, nr, name: names.get(nr) ?? "" };
  }
}

/** What a failure needs to show. */
function rulesOf({ syscalls = [] }: SeccompPolicy, what: string): string {
  const rules = syscalls.filter(({ names }) => names.includes(what.split(" ")[2] ?? ""));
  return rules
    .map(({ action, args = [] }) => `${action} ${args.map((arg) => Object.values(arg).join(" "))}`)
    .join("; ");
}

function hasLongValues({ syscalls = [] }: SeccompPolicy, name: string): boolean {
  const args = syscalls.filter(({ names }) => names.includes(name)).flatMap((rule) => rule.args ?? []);
  return args.some(
    ({ value, valueTwo = 0 }) => BigInt(value) >> 32n !== 0n || BigInt(valueTwo) >> 32n !== 0n,
  );
}

/** Fails at the first call that the two answer differently; how many were compared. */
function compare(policy: SeccompPolicy, arch: SeccompArch, theirs: PeerFilter): number {
  const own = decodeProgram(compileSeccomp(policy, arch));
  const other = decodeProgram(theirs.program);
  let compared = 0;
  const check = (call: SeccompCall, what: string) => {
    const [value, expected] = [killed(runProgram(own, call).value), killed(runProgram(other, call).value)];
    if (value !== expected)
      expect([what, rulesOf(policy, what), call.args, value.toString(16)]).toEqual([
        what,
        rulesOf(policy, what),
        call.args,
        expected.toString(16),
      ]);
    compared++;
  };
  for (const { abi, nr, name } of callsOf(arch)) {
    const isNewer =
      nr > (theirs.newest.get(abi) ?? 0) && runProgram(own, { arch: auditArch[abi], nr }).value === enosys;
    if (theirs.unknown.has(name) || isNewer || (abi === "x32" && hasLongValues(policy, name))) continue;
    const bits = abi === "x86_64" || abi === "aarch64" ? 64 : 32;
    for (const args of argumentsFor(policy, name).map((list) =>
      list.map((word) => BigInt.asUintN(bits, word)),
    ))
      check({ arch: auditArch[abi], nr, args }, `${abi} ${nr} ${name}`);
  }
  for (const foreign of [0, 0x8000_0016, arch === "x86_64" ? auditArch.aarch64 : auditArch.x86_64])
    check({ arch: foreign, nr: 1 }, "a foreign ABI");
  return compared;
}

describe.skipIf(!hasLibseccomp)("docker's default profile", () => {
  const sets = [
    ["default", defaultCapabilities],
    ["no", []],
    ["all", capabilityNames],
  ] as const;
  for (const arch of ["x86_64", "aarch64"] as const) {
    test.each(sets)(`on ${arch} with %s capabilities`, (_name, caps) => {
      const policy = resolveSeccompProfile(defaultSeccompProfile(), { arch, caps, kernel: "6.18" });
      expect(compare(policy, arch, peer.compile(policy, abisOf[arch]))).toBeGreaterThan(1000);
    });
  }

  test("a common call costs no more than 1.2 times the instructions of libseccomp's binary tree", () => {
    const policy = resolveSeccompProfile(defaultSeccompProfile(), {
      arch: "x86_64",
      caps: defaultCapabilities,
      kernel: "6.18",
    });
    const own = decodeProgram(compileSeccomp(policy, "x86_64"));
    const tree = decodeProgram(peer.compile(policy, abisOf.x86_64, 2).program);
    const common =
      "read write close fstat mmap futex openat epoll_wait getpid clock_gettime sendto recvfrom clone statx";
    for (const name of common.split(" ")) {
      const call = { arch: auditArch.x86_64, nr: syscallNumbers("x86_64").get(name) ?? -1 };
      const [steps, theirs] = [runProgram(own, call).steps, runProgram(tree, call).steps];
      expect([name, steps <= 1.2 * theirs]).toEqual([name, true]);
    }
  });
});

describe.skipIf(!hasLibseccomp)("policies made at random", () => {
  /** The same ones each time: a linear congruential generator (Numerical Recipes). */
  let seed = 20_260;
  const random = (below: number) => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed % below;
  };
  const names = ["read", "socket", "ioctl", "personality", "kill", "prctl", "fcntl", "clone"];
  const values = [
    0n,
    1n,
    8n,
    0xffn,
    0x7fff_ffffn,
    0x8000_0000n,
    0xffff_ffffn,
    0x1_0000_0000n,
    0xdead_beef_0000_0001n,
  ];
  const make = (): SeccompPolicy => ({
    defaultAction: random(2) === 0 ? "SCMP_ACT_ERRNO" : "SCMP_ACT_ALLOW",
    architectures: ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_X32"],
    // One rule a call: where several overlap with different actions, the order of libseccomp's tests is its own.
    syscalls: names
      .filter(() => random(3) > 0)
      .map((name) => ({
        names: [name],
        action: random(2) === 0 ? "SCMP_ACT_TRAP" : "SCMP_ACT_LOG",
        args: [0, 1, 2]
          .filter(() => random(2) === 0)
          .map((index) => ({
            index,
            op: seccompOperators[random(seccompOperators.length)] ?? "SCMP_CMP_EQ",
            value: values[random(values.length)] ?? 0n,
            valueTwo: values[random(values.length)] ?? 0n,
          })),
      })),
  });

  test("answer alike", () => {
    for (let times = 0; times < 60; times++) {
      const policy = make();
      compare(policy, "x86_64", peer.compile(policy, abisOf.x86_64, times % 2 === 0 ? 1 : 2));
    }
  }, 60_000);
});
