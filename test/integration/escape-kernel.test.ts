/**
 * What a hostile container asks of the kernel itself: devices, mounts, namespaces, release_agent (CVE-2022-0492), keys,
 * privileges by files, inheritable capabilities (CVE-2022-24769). The defaults first, then with one wall after another
 * taken away by the user, where the next has to hold.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync } from "node:fs";
import { join } from "node:path";
import { answersOf, hostilePrograms } from "../lib/hostile-program.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let programs: readonly string[];

beforeAll(() => {
  bocker = openWorkspace();
  programs = hostilePrograms(bocker, "attempt");
});
afterAll(() => bocker[Symbol.asyncDispose]());

async function attempts(flags: readonly string[], ...names: readonly string[]) {
  const where = ["run", "--rm", "--network", "none", ...programs, ...flags];
  return answersOf(await bocker.ok(...where, "busybox", "/hostile/attempt", ...names));
}

async function script(flags: readonly string[], text: string): Promise<string> {
  const { stdout } = await bocker.run(
    "run",
    "--rm",
    "--network",
    "none",
    ...flags,
    "busybox",
    "sh",
    "-c",
    text,
  );
  return stdout.trimEnd();
}

const all = (names: readonly string[], answer: string) =>
  Object.fromEntries(names.map((name) => [name, answer]));

const devices = ["disk", "mem", "kmsg"];
const mounts = ["mount-proc", "bind-over-proc", "remount-sysctl", "uncover-mask", "fsopen", "open_tree"];
const namespaces = ["user-namespace", "mount-namespace", "cgroup-namespace", "setns"];
const machine = [
  "bpf",
  "module",
  "kexec",
  "handle",
  "kernel-log",
  "settime",
  "swapoff",
  "io_uring",
  "userfaultfd",
];
const keys = ["add-key", "request-key", "keyring"];

test("by default all of it is refused", async () => {
  const names = [...devices, ...mounts, ...namespaces, ...machine, ...keys, "ambient"];
  expect(await attempts([], ...names)).toEqual(all(names, "EPERM"));
});

test("without seccomp: capabilities and the device list refuse what matters", async () => {
  const names = [...devices, ...mounts, "handle", "kernel-log", "settime", "swapoff", "ambient"];
  expect(await attempts(["--security-opt", "seccomp=unconfined"], ...names)).toEqual(all(names, "EPERM"));
});

test("with CAP_SYS_ADMIN and CAP_MKNOD the device list still holds", async () => {
  const flags = ["--cap-add", "SYS_ADMIN", "--cap-add", "SYS_RAWIO", "--security-opt", "seccomp=unconfined"];
  expect(await attempts(flags, ...devices)).toEqual(all(devices, "EPERM"));
});

test("the session keyring is the container's own (with calls on keys allowed)", async () => {
  const flags = ["--security-opt", "seccomp=unconfined"];
  const where = ["run", "--rm", "--network", "none", ...programs, ...flags];
  const [first, second] = [
    await bocker.ok(...where, "busybox", "/hostile/attempt", "keyring"),
    await bocker.ok(...where, "busybox", "/hostile/attempt", "keyring"),
  ];
  const nameOf = (text: string) => /^keyring keyring;\d+;\d+;\w+;([0-9a-f]{64})$/m.exec(text)?.[1];
  expect(nameOf(first)).toBeDefined();
  expect(nameOf(first)).not.toBe(nameOf(second));
});

describe("release_agent (CVE-2022-0492)", () => {
  const write =
    "for f in $(find /sys/fs/cgroup -name release_agent); do echo /evil > $f && echo WRITTEN; done";
  const mount =
    "mkdir /c && mount -t cgroup -o memory none /c && echo MOUNTED && echo /evil > /c/release_agent && echo WRITTEN";
  test("cannot be written where the container sees its cgroups", async () => {
    expect(await script([], `(${write}) 2>/dev/null`)).toBe("");
    expect(await script(["--security-opt", "seccomp=unconfined"], `(${write}) 2>/dev/null`)).toBe("");
  });
  test("nor in a hierarchy mounted anew, in namespaces made for it either", async () => {
    const unconfined = ["--security-opt", "seccomp=unconfined"];
    expect(await script([], `(${mount}) 2>/dev/null`)).toBe("");
    const inside = `unshare -U -r -m -C sh -c '${mount}' 2>/dev/null`;
    expect(await script(unconfined, inside)).not.toContain("WRITTEN");
  });
});

describe("privileges by files", () => {
  const asNobody = (flags: readonly string[], program: string) =>
    bocker.run(
      "run",
      "--rm",
      "--network",
      "none",
      "-u",
      "65534",
      ...programs,
      ...flags,
      "busybox",
      program,
      "root",
      "effective",
    );
  const noNew = (form: string) => ["--security-opt", form];

  /** A copy of the program on the host that the kernel is to give privileges to. */
  function copyOf(name: string, ...command: readonly string[]): string {
    const path = join(bocker.directory, "hostile", name);
    copyFileSync(join(bocker.directory, "hostile/attempt"), path);
    const { exitCode, stderr } = Bun.spawnSync([...command, path]);
    if (exitCode !== 0) throw new Error(stderr.toString());
    return `/hostile/${name}`;
  }

  test("a setuid program is root inside, and stays who called it with no-new-privileges", async () => {
    const program = copyOf("setuid", "chmod", "4755");
    expect(answersOf((await asNobody([], program)).stdout).root).toBe("ok");
    for (const form of ["no-new-privileges", "no-new-privileges=true", "no-new-privileges:true"]) {
      const answers = answersOf((await asNobody(noNew(form), program)).stdout);
      expect(answers).toMatchObject({ root: "EPERM", CapEff: "0000000000000000" });
    }
  });

  test("file capabilities: those of the container's at most, and none with no-new-privileges", async () => {
    const given = copyOf("given", "setcap", "cap_net_bind_service+ep");
    expect(answersOf((await asNobody([], given)).stdout).CapEff).toBe("0000000000000400");
    expect(answersOf((await asNobody(noNew("no-new-privileges"), given)).stdout).CapEff).toBe(
      "0000000000000000",
    );
    const beyond = await asNobody([], copyOf("beyond", "setcap", "cap_sys_admin+ep"));
    expect([beyond.exitCode, beyond.stdout]).toEqual([126, ""]);
  });

  test("no set that survives execve has anything in it (CVE-2022-24769)", async () => {
    const text = "grep -E 'CapInh|CapAmb' /proc/self/status | cut -f2";
    for (const flags of [[], ["-u", "1000"], ["--cap-add", "NET_ADMIN"], ["--cap-add", "ALL"]])
      expect(await script(flags, text)).toBe("0000000000000000\n0000000000000000");
  });
});
