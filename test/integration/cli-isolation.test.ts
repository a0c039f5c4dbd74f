/**
 * What a process in a container sees of the world, by a probe of /proc: namespaces, mounts, devices, privileges, limits.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ProbeFacts, probe } from "../lib/probe.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let plain: ProbeFacts;
beforeAll(async () => {
  bocker = openWorkspace();
  plain = await probe(bocker, "--network", "none");
});
afterAll(() => bocker[Symbol.asyncDispose]());

describe("by default", () => {
  test.each(["cgroup", "ipc", "mnt", "net", "pid", "uts"])("the %s namespace is its own", (kind) => {
    expect(plain.namespaces[kind]).toMatch(/^\w+:\[\d+\]$/);
    expect(plain.namespaces[kind]).not.toBe(readlinkSync(`/proc/self/ns/${kind}`));
  });

  test("docker's fourteen capabilities, in all but the ambient and inheritable sets", () => {
    for (const set of ["CapPrm", "CapEff", "CapBnd"]) expect(plain.status[set]).toBe("00000000a80425fb");
    for (const set of ["CapInh", "CapAmb"]) expect(plain.status[set]).toBe("0000000000000000");
  });

  test("a seccomp filter, and new privileges by setuid programs as docker", () => {
    expect(plain.status.Seccomp).toBe("2");
    expect(plain.status.NoNewPrivs).toBe("0");
  });

  test("nothing of the host is mounted but what was asked for", () => {
    const targets = plain.mounts.map(({ target }) => target);
    expect(plain.mounts[0]).toMatchObject({ target: "/", type: "overlay" });
    expect(targets).toContain("/proc");
    expect(targets).toContain("/dev");
    expect(targets).toContain("/dev/pts");
    expect(targets).toContain("/dev/shm");
    expect(targets).toContain("/dev/mqueue");
    expect(targets).toContain("/sys");
    for (const file of ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"]) expect(targets).toContain(file);
    const hostRoot = readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .find((line) => line.split(" ")[4] === "/");
    const hostDevice = hostRoot?.split(" ")[2];
    expect(hostDevice).toBeDefined();
    expect(targets.filter((target) => /old|put|pivot/.test(target))).toEqual([]);
  });

  test("/proc and /sys parts are masked or read-only", () => {
    const mountAt = (target: string) => plain.mounts.filter((mount) => mount.target === target).at(-1);
    const readOnly = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
    for (const target of readOnly.filter((path) => existsSync(path))) {
      expect([target, mountAt(target)?.options.includes("ro")]).toEqual([target, true]);
    }
    const masked = ["/proc/kcore", "/proc/keys", "/proc/timer_list"];
    for (const target of masked.filter((path) => existsSync(path))) {
      expect([target, mountAt(target)?.root]).toEqual([target, "/null"]);
    }
    expect(mountAt("/sys")?.options).toContain("ro");
    expect(mountAt("/proc")?.options).toEqual(expect.arrayContaining(["nosuid", "nodev", "noexec"]));
  });

  test("no descriptor but its three, and the one its shell reads /proc through", () => {
    expect(plain.descriptors.filter((fd) => fd > 2 && fd !== 10 && fd !== 3)).toEqual([]);
  });

  test("docker's devices and links", () => {
    const names = plain.devices.map((line) => line.replace(/^.*\d\d:\d\d /, ""));
    for (const name of [
      "null",
      "zero",
      "full",
      "random",
      "urandom",
      "tty",
      "ptmx -> pts/ptmx",
      "fd -> /proc/self/fd",
      "stdin -> /proc/self/fd/0",
    ]) {
      expect(names).toContain(name);
    }
    expect(names.filter((name) => /^(sd|vd|mem|kmsg|loop)/.test(name))).toEqual([]);
  });

  test("only its own processes", () => {
    expect(plain.processes.length).toBeLessThanOrEqual(3);
    expect(plain.processes[0]).toMatch(/^ *1 (\{ps\} )?sh -c/);
  });

  test("the cgroup looks like the root from inside", () => {
    for (const line of plain.cgroup) expect(line).toMatch(/:\/$/);
  });
});

describe("on request", () => {
  test.each([
    [["--cap-drop", "ALL"], "0000000000000000"],
    [["--cap-drop", "ALL", "--cap-add", "NET_BIND_SERVICE"], "0000000000000400"],
    [["--cap-add", "CAP_SYS_PTRACE"], "00000000a80c25fb"],
  ])("%p", async (flags, expected) => {
    const { status } = await probe(bocker, "--network", "none", ...flags);
    expect(status.CapEff).toBe(expected);
    expect(status.CapBnd).toBe(expected);
  });

  test("no-new-privileges and seccomp=unconfined", async () => {
    const { status } = await probe(
      bocker,
      "--network",
      "none",
      "--security-opt",
      "no-new-privileges",
      "--security-opt",
      "seccomp=unconfined",
    );
    expect(status).toMatchObject({ NoNewPrivs: "1", Seccomp: "0" });
  });

  test("seccomp=builtin is kept to with --privileged, for exec too; without it there is no filter", async () => {
    const show = ["grep", "Seccomp:", "/proc/self/status"];
    const run = ["run", "--rm", "--network", "none", "--privileged"];
    expect(await bocker.ok(...run, "busybox", ...show)).toBe("Seccomp:\t0");
    const named = ["--name", "kept", "-d", "--security-opt", "seccomp=builtin"];
    await bocker.ok(...run, ...named, "busybox", "sleep", "120");
    expect(await bocker.ok("exec", "kept", ...show)).toBe("Seccomp:\t2");
    await bocker.ok("rm", "-f", "kept");
  });

  test("proc-opts are options of /proc", async () => {
    const options = async (words: string) => {
      const flags = ["--network", "none", "--security-opt", `proc-opts=${words}`];
      return bocker.ok("run", "--rm", ...flags, "busybox", "grep", " /proc ", "/proc/self/mounts");
    };
    expect(await options("hidepid=2,exec")).toMatch(
      /^proc \/proc proc rw,nosuid,nodev,relatime,hidepid=\S+ 0 0$/,
    );
    expect(await options("subset=pid,ro")).toContain(" ro,nosuid,nodev,noexec,relatime,subset=pid ");
  });

  test("an ordinary user has no effective capabilities", async () => {
    const { status } = await probe(bocker, "--network", "none", "-u", "1000:1000");
    expect(status.CapEff).toBe("0000000000000000");
    expect(status.Uid?.split(/\s+/)).toEqual(["1000", "1000", "1000", "1000"]);
  });

  test("ulimits", async () => {
    const { limits } = await probe(
      bocker,
      "--network",
      "none",
      "--ulimit",
      "nofile=100:200",
      "--ulimit",
      "core=0",
    );
    expect(limits["Max open files"]).toEqual({ soft: "100", hard: "200" });
    expect(limits["Max core file size"]).toEqual({ soft: "0", hard: "0" });
  });

  test("--network host shares the host's", async () => {
    const { namespaces } = await probe(bocker, "--network", "host");
    expect(namespaces.net).toBe(readlinkSync("/proc/self/ns/net"));
  });
});

describe("limits", () => {
  test("--pids-limit holds", async () => {
    const script = "i=0; while [ $i -lt 40 ]; do sleep 1 & i=$((i+1)); done; echo all";
    const { exitCode, stderr } = await bocker.run(
      "run",
      "--rm",
      "--network",
      "none",
      "--pids-limit",
      "10",
      "busybox",
      "sh",
      "-c",
      script,
    );
    expect(stderr).toMatch(/can't fork|Resource temporarily unavailable/);
    expect(exitCode).not.toBe(0);
  });

  test("-m holds: the command is killed, and inspect knows why", async () => {
    const script = "tail /dev/zero";
    const { exitCode } = await bocker.run(
      "run",
      "--name",
      "oom",
      "--network",
      "none",
      "-m",
      "16m",
      "busybox",
      "sh",
      "-c",
      `exec ${script}`,
    );
    expect(exitCode).toBe(137);
    expect((await bocker.inspect("oom")).State.OOMKilled).toBe(true);
    await bocker.ok("rm", "oom");
  });

  test("--cpus holds", async () => {
    const script = "timeout 1 sh -c 'while :; do :; done'; cat /proc/self/cgroup >/dev/null; times";
    const { stdout } = await bocker.run(
      "run",
      "--rm",
      "--network",
      "none",
      "--cpus",
      "0.2",
      "busybox",
      "sh",
      "-c",
      script,
    );
    const children = stdout.trim().split("\n").at(-1) ?? "";
    const [minutes = "0", seconds = "0"] = /^(\d+)m([\d.]+)s/.exec(children)?.slice(1) ?? [];
    expect(Number(minutes) * 60 + Number(seconds)).toBeLessThan(0.5);
  }, 60_000);
});

describe("volumes", () => {
  test("a bind mount, writable and read-only; a missing source is made", async () => {
    const source = join(bocker.directory, "bind");
    await bocker.ok(
      "run",
      "--rm",
      "--network",
      "none",
      "-v",
      `${source}:/data`,
      "busybox",
      "sh",
      "-c",
      "echo hi > /data/file",
    );
    expect(readFileSync(join(source, "file"), "utf8")).toBe("hi\n");
    const readOnly = await bocker.run(
      "run",
      "--rm",
      "--network",
      "none",
      "-v",
      `${source}:/data:ro`,
      "busybox",
      "sh",
      "-c",
      "cat /data/file; touch /data/x",
    );
    expect(readOnly.stdout).toBe("hi\n");
    expect(readOnly.stderr).toContain("Read-only file system");
    expect(readOnly.exitCode).toBe(1);
  });

  test("a file can be bound", async () => {
    const file = join(bocker.directory, "one-file");
    writeFileSync(file, "content");
    expect(
      await bocker.ok(
        "run",
        "--rm",
        "--network",
        "none",
        "-v",
        `${file}:/etc/some/file`,
        "busybox",
        "cat",
        "/etc/some/file",
      ),
    ).toBe("content");
  });

  test("a named volume keeps its data and starts with the image's", async () => {
    const first = await bocker.ok(
      "run",
      "--rm",
      "--network",
      "none",
      "-v",
      "vol:/etc",
      "busybox",
      "sh",
      "-c",
      "test -f /etc/passwd && echo filled; echo kept > /etc/kept",
    );
    expect(first).toBe("filled");
    expect(
      await bocker.ok("run", "--rm", "--network", "none", "-v", "vol:/data", "busybox", "cat", "/data/kept"),
    ).toBe("kept");
  });

  test("a symlink in the container does not lead a mount to the host", async () => {
    const source = join(bocker.directory, "inside");
    await bocker.ok(
      "run",
      "--network",
      "none",
      "--name",
      "links",
      "busybox",
      "ln",
      "-s",
      "/../../../../tmp",
      "/escape",
    );
    await bocker.ok("rm", "links");
    const { exitCode } = await bocker.run(
      "run",
      "--rm",
      "--network",
      "none",
      "-v",
      `${source}:/proc/../etc/new`,
      "busybox",
      "test",
      "-d",
      "/etc/new",
    );
    expect(exitCode).toBe(0);
  });
});

test(":ro is for what is mounted below the source too; the same -v twice is one", async () => {
  const script = "grep -c ' /d/' /proc/mounts; grep ' /d/' /proc/mounts | grep -vc '[ ,]ro,'";
  const flags = ["--network", "none", "-v", "/dev:/d:ro", "-v", "/dev:/d:ro"];
  const { stdout } = await bocker.run("run", "--rm", ...flags, "busybox", "sh", "-c", script);
  const [below = "", writable = ""] = stdout.split("\n");
  expect(Number(below)).toBeGreaterThan(0);
  expect(writable).toBe("0");
});

test("the flags of a profile are honoured, by exec too; one that there is not is refused", async () => {
  const profile = join(bocker.root, "flags.json");
  const write = (flags: readonly string[]) =>
    writeFileSync(profile, JSON.stringify({ defaultAction: "SCMP_ACT_ALLOW", flags }));
  write(["SECCOMP_FILTER_FLAG_LOG", "SECCOMP_FILTER_FLAG_SPEC_ALLOW"]);
  const options = ["--network", "none", "--security-opt", `seccomp=${profile}`, "busybox"];
  // Without the flag the kernel forces mitigations on whoever loads a filter, as far as its processor needs any.
  const speculation = ["grep", "Speculation_Store_Bypass", "/proc/self/status"];
  const here = /Speculation_Store_Bypass:.*/.exec(readFileSync("/proc/self/status", "utf8"))?.[0];
  expect(await bocker.ok("run", "--rm", ...options, ...speculation)).toBe(here ?? "");
  await bocker.ok("run", "-d", "--name", "flagged", ...options, "sleep", "600");
  expect(await bocker.ok("exec", "flagged", ...speculation)).toBe(here ?? "");
  await bocker.ok("rm", "-f", "flagged");
  write(["SECCOMP_FILTER_FLAG_NONSENSE"]);
  const { exitCode, stderr } = await bocker.run("run", "--rm", ...options, "true");
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining("SECCOMP_FILTER_FLAG_NONSENSE")]);
});
