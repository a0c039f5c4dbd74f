/** The filters in the kernel: a process loads one into itself and says what its calls then answer. */
import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { parseSeccompProfile } from "../../src/security/parse-seccomp-profile.ts";
import { resolveSeccompFilter, type SeccompRequest } from "../../src/security/seccomp.ts";

const probe = join(import.meta.dir, "../lib/seccomp-probe.ts");
const arch = process.arch === "arm64" ? "aarch64" : "x86_64";
const usual = { profile: "default", arch, caps: ["CAP_SYS_CHROOT"], kernel: "6.1" } as const;

/** Runs calls (`name arg arg …`) under the filter; what each returned: ≥ 0, or minus an errno. */
async function answersUnder(request: SeccompRequest, calls: readonly string[]): Promise<readonly number[]> {
  const filter = Buffer.from(await resolveSeccompFilter(request)).toString("base64");
  const child = Bun.spawn([process.execPath, probe, ...calls], {
    stdin: Buffer.from(filter),
    stdout: "pipe",
    stderr: "pipe",
  });
  const [output, problems] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`probe: ${child.signalCode ?? child.exitCode} ${problems}`);
  return JSON.parse(output) as number[];
}

const EPERM = -1;
const ENOSYS = -38;
const EINVAL = -22;
const EFAULT = -14;

describe("docker's default profile", () => {
  test("refuses what it should, and lets the rest reach the kernel", async () => {
    const calls: readonly (readonly [call: string, answer: number])[] = [
      ["unshare 0x10000000", EPERM],
      ["setns -1 0", EPERM],
      ["mount 0 0 0 0 0", EPERM],
      ["bpf 0 0 0", EPERM],
      ["clone3 0 0", ENOSYS],
      ["personality 0x0040000", EPERM],
      ["socket 38 5 0", EPERM],
      ["socket 40 1 0", EPERM],
      ["socket 0x100000026 5 0", EPERM],
      ["close_range 9 8 0", EINVAL],
      ["openat2 -100 0 0 0", EINVAL],
      ["pidfd_send_signal -1 0 0 0", -9],
      ["prlimit64 0 99 0 0", EINVAL],
    ];
    const answers = await answersUnder(
      usual,
      calls.map(([call]) => call),
    );
    expect(calls.map(([call], index) => [call, answers[index]])).toEqual(
      calls.map(([call, answer]) => [call, answer]),
    );
  });

  test("with CAP_SYS_ADMIN the same calls reach the kernel", async () => {
    const caps = ["CAP_SYS_CHROOT", "CAP_SYS_ADMIN"];
    const answers = await answersUnder({ ...usual, caps }, ["clone3 0 0", "setns -1 0", "mount 0 0 0 0 0"]);
    expect(answers).toEqual([EINVAL, -9, EFAULT]);
  });
});

test("a profile of the user's: its errno, its conditions", async () => {
  const text = JSON.stringify({
    defaultAction: "SCMP_ACT_ALLOW",
    syscalls: [
      {
        names: ["personality"],
        action: "SCMP_ACT_ERRNO",
        errnoRet: 77,
        args: [{ index: 0, value: 8, op: "SCMP_CMP_EQ" }],
      },
      { names: ["unshare"], action: "SCMP_ACT_ERRNO" },
    ],
  });
  const profile = parseSeccompProfile(text, "test");
  const answers = await answersUnder({ ...usual, profile }, [
    "personality 8",
    "personality 0xffffffff",
    "unshare 0",
  ]);
  expect(answers).toEqual([-77, 0, EPERM]);
});
