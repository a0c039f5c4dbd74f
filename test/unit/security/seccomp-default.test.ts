/** docker's default profile, call by call: what the compiled filter answers on each ABI. */
import { describe, expect, test } from "bun:test";
import { capabilityNames, defaultCapabilities } from "../../../src/security/capability.ts";
import {
  defaultSeccompFilter,
  resolveSeccompFilter,
  resolveSeccompPolicy,
} from "../../../src/security/seccomp.ts";
import { auditArch, type SeccompAbi, syscallNumbers } from "../../../src/security/seccomp-abi.ts";
import { compileSeccomp, unknownSyscalls } from "../../../src/security/seccomp-compile.ts";
import { defaultSeccompProfile } from "../../../src/security/seccomp-default-profile.ts";
import { resolveSeccompProfile } from "../../../src/security/seccomp-profile.ts";
import type { SeccompArch } from "../../../src/security/seccomp-rule.ts";
import { defaultFilterPath, renderDefaultFilters } from "../../golden/write-seccomp-filters.ts";
import { decodeProgram, runProgram, verifyProgram } from "./bpf-interpreter.ts";

const allow = 0x7fff_0000;
const errno = (number: number): number => 0x0005_0000 | number;
const eperm = errno(1);
const enosys = errno(38);
const killProcess = 0x8000_0000;

function filterFor(arch: SeccompArch, caps: readonly string[] = defaultCapabilities) {
  const policy = resolveSeccompProfile(defaultSeccompProfile(), { arch, caps, kernel: "6.18.0" });
  return decodeProgram(compileSeccomp(policy, arch));
}

const programs = { x86_64: filterFor("x86_64"), aarch64: filterFor("aarch64") };
const machineOf: Readonly<Record<SeccompAbi, SeccompArch>> = {
  x86_64: "x86_64",
  x86: "x86_64",
  x32: "x86_64",
  aarch64: "aarch64",
  arm: "aarch64",
};

function answer(
  abi: SeccompAbi,
  name: string,
  args: readonly bigint[] = [],
  program = programs[machineOf[abi]],
): number {
  const nr = syscallNumbers(abi).get(name);
  if (nr === undefined) throw new Error(`${abi} has no ${name}`);
  return runProgram(program, { arch: auditArch[abi], nr, args }).value;
}

/** What the profile says of a call without looking at arguments, worked out from its lists alone. */
function expectedAnswer(name: string): number | undefined {
  const rules = resolveSeccompProfile(defaultSeccompProfile(), {
    arch: "x86_64",
    caps: defaultCapabilities,
    kernel: "6.18.0",
  }).syscalls?.filter((rule) => rule.names.includes(name));
  const plain = rules?.find((rule) => rule.args === undefined);
  if (plain !== undefined) return plain.action === "SCMP_ACT_ALLOW" ? allow : errno(plain.errnoRet ?? 1);
  return rules?.length ? undefined : eperm;
}

describe("the default filter", () => {
  test("passes the kernel's checks on both machines", () => {
    for (const program of Object.values(programs)) verifyProgram(program);
    verifyProgram(filterFor("x86_64", capabilityNames));
    verifyProgram(filterFor("aarch64", []));
  });

  test("answers every x86-64 call as the profile's lists say", () => {
    const newest = syscallNumbers("x86_64").get("removexattrat") ?? 0;
    for (const [name, nr] of syscallNumbers("x86_64")) {
      const expected = nr > newest ? enosys : expectedAnswer(name);
      if (expected !== undefined) expect([name, answer("x86_64", name)]).toEqual([name, expected]);
    }
  });

  test("answers unused numbers with EPERM up to the newest call it names, then ENOSYS", () => {
    const arch = auditArch.x86_64;
    for (const nr of [337, 360, 400, 423])
      expect(runProgram(programs.x86_64, { arch, nr }).value).toBe(eperm);
    for (const nr of [467, 470, 600, 9999, 0x3fff_ffff]) {
      expect(runProgram(programs.x86_64, { arch, nr }).value).toBe(enosys);
    }
    const arm = auditArch.arm;
    expect(runProgram(programs.aarch64, { arch: arm, nr: 0x0f_0002 }).value).toBe(allow);
    expect(runProgram(programs.aarch64, { arch: arm, nr: 0x0f_0001 }).value).toBe(allow);
    expect(runProgram(programs.aarch64, { arch: arm, nr: 0x0e_ffff }).value).toBe(enosys);
    expect(runProgram(programs.aarch64, { arch: arm, nr: 0x0f_0006 }).value).toBe(eperm);
  });

  test.each([
    ["x86_64", "read", allow],
    ["x86", "read", allow],
    ["x32", "read", allow],
    ["aarch64", "read", allow],
    ["arm", "read", allow],
    ["x86_64", "arch_prctl", allow],
    ["x86_64", "modify_ldt", allow],
    ["x86", "socketcall", allow],
    ["x86", "waitpid", allow],
    ["arm", "breakpoint", allow],
    ["arm", "set_tls", allow],
    ["arm", "arm_fadvise64_64", allow],
    ["x86_64", "chroot", allow],
    ["x86_64", "ptrace", allow],
    ["x86_64", "mount", eperm],
    ["x86", "mount", eperm],
    ["x32", "mount", eperm],
    ["aarch64", "mount", eperm],
    ["arm", "umount2", eperm],
    ["x86_64", "unshare", eperm],
    ["x86_64", "setns", eperm],
    ["x86_64", "bpf", eperm],
    ["x86_64", "keyctl", eperm],
    ["x86_64", "io_uring_setup", eperm],
    ["x86_64", "userfaultfd", eperm],
    ["x86_64", "kexec_load", eperm],
    ["x86_64", "reboot", eperm],
    ["x86_64", "clone3", enosys],
    ["x86", "clone3", enosys],
    ["x32", "clone3", enosys],
    ["aarch64", "clone3", enosys],
    ["x86_64", "mseal", allow],
    ["x86_64", "cachestat", allow],
    ["x86_64", "uretprobe", allow],
  ] as const)("%s %s", (abi, name, expected) => {
    expect(answer(abi, name)).toBe(expected);
  });

  test("a foreign ABI is killed", () => {
    for (const arch of [0, 0xc000_00b7, 0x8000_0016]) {
      expect(runProgram(programs.x86_64, { arch, nr: 0 }).value).toBe(killProcess);
    }
    expect(runProgram(programs.aarch64, { arch: auditArch.x86_64, nr: 0 }).value).toBe(killProcess);
  });

  test("costs at most a dozen and a half instructions for a common call", () => {
    for (const name of ["read", "write", "futex", "epoll_wait", "openat", "clock_gettime"]) {
      const nr = syscallNumbers("x86_64").get(name) ?? -1;
      expect(runProgram(programs.x86_64, { arch: auditArch.x86_64, nr }).steps).toBeLessThanOrEqual(16);
    }
  });
});

describe("arguments", () => {
  test("clone without namespaces only", () => {
    expect(answer("x86_64", "clone", [0x0120_0011n])).toBe(allow);
    for (const flag of [
      0x0002_0000n,
      0x0200_0000n,
      0x0400_0000n,
      0x0800_0000n,
      0x1000_0000n,
      0x2000_0000n,
      0x4000_0000n,
    ]) {
      expect(answer("x86_64", "clone", [flag | 17n])).toBe(eperm);
      expect(answer("aarch64", "clone", [flag])).toBe(eperm);
      expect(answer("x86", "clone", [flag])).toBe(eperm);
    }
  });

  test("personality: the five that change nothing", () => {
    for (const value of [0n, 8n, 0x2_0000n, 0x2_0008n, 0xffff_ffffn]) {
      expect(answer("x86_64", "personality", [value])).toBe(allow);
    }
    for (const value of [1n, 0x4_0000n, 0x1_0000_0000n, 0xffff_ffff_ffff_ffffn]) {
      expect(answer("x86_64", "personality", [value])).toBe(eperm);
    }
  });

  test("socket: every family but AF_ALG and AF_VSOCK, whatever is in the upper half", () => {
    for (let family = 0n; family < 256n; family++) {
      const refused = family === 38n || family === 40n;
      expect([family, answer("x86_64", "socket", [family])]).toEqual([family, refused ? eperm : allow]);
    }
    for (const family of [38n, 40n]) {
      expect(answer("x86_64", "socket", [(1n << 32n) | family])).toBe(eperm);
      expect(answer("x86_64", "socket", [(0xffff_ffffn << 32n) | family])).toBe(eperm);
    }
  });
});

describe("capabilities", () => {
  test.each([
    ["CAP_SYS_ADMIN", "mount"],
    ["CAP_SYS_ADMIN", "clone3"],
    ["CAP_SYS_ADMIN", "setns"],
    ["CAP_SYS_TIME", "settimeofday"],
    ["CAP_SYS_MODULE", "init_module"],
    ["CAP_SYS_PTRACE", "kcmp"],
    ["CAP_SYSLOG", "syslog"],
    ["CAP_BPF", "bpf"],
    ["CAP_PERFMON", "perf_event_open"],
    ["CAP_SYS_BOOT", "reboot"],
    ["CAP_SYS_NICE", "mbind"],
    ["CAP_DAC_READ_SEARCH", "open_by_handle_at"],
  ])("%s opens %s", (cap, name) => {
    const program = filterFor("x86_64", [...defaultCapabilities, cap]);
    expect(answer("x86_64", name)).not.toBe(allow);
    expect(answer("x86_64", name, [], program)).toBe(allow);
  });

  test("CAP_SYS_ADMIN lets clone make namespaces", () => {
    const program = filterFor("x86_64", [...defaultCapabilities, "CAP_SYS_ADMIN"]);
    expect(answer("x86_64", "clone", [0x1000_0000n], program)).toBe(allow);
  });

  test("no capabilities, no chroot", () => {
    expect(answer("x86_64", "chroot", [], filterFor("x86_64", []))).toBe(eperm);
  });
});

describe("the precompiled filters", () => {
  test("are what the compiler makes of the profile", async () => {
    const committed = await Bun.file(defaultFilterPath).text();
    expect(renderDefaultFilters() === committed).toBe(true);
  });

  test.each(["x86_64", "aarch64"] as const)("serve docker's and an empty set on %s", async (arch) => {
    for (const caps of [defaultCapabilities, [], ["CAP_NET_ADMIN", "CAP_SYS_CHROOT"], ["CAP_NET_RAW"]]) {
      const request = { profile: "default", arch, caps, kernel: "6.1" } as const;
      const ready = defaultSeccompFilter(arch, caps);
      const compiled = compileSeccomp(await resolveSeccompPolicy(request), arch);
      expect(ready).toEqual(compiled);
      expect(await resolveSeccompFilter(request)).toEqual(compiled);
    }
  });

  test("leave other sets to the compiler", async () => {
    const caps = [...defaultCapabilities, "CAP_SYS_ADMIN"];
    expect(defaultSeccompFilter("x86_64", caps)).toBeUndefined();
    const filter = await resolveSeccompFilter({ profile: "default", arch: "x86_64", caps, kernel: "6.1" });
    expect(answer("x86_64", "mount", [], decodeProgram(filter))).toBe(allow);
  });
});

test("every name in the profile is a call of some ABI, but for RISC-V's", () => {
  const policy = resolveSeccompProfile(defaultSeccompProfile(), {
    arch: "x86_64",
    caps: [...capabilityNames],
    kernel: "6.18",
  });
  expect(unknownSyscalls(policy)).toEqual(["riscv_hwprobe"]);
});
