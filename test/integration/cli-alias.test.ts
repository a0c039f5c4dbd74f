/**
 * What users of other container systems type. docker's client rejects each of these spellings, or means the same by it;
 * so none can change what a docker command line does.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(async () => {
  bocker = openWorkspace();
  const lines = "for i in 1 2 3 4; do echo line $i; done; exec sleep 1000";
  await bocker.ok("run", "-d", "--network", "none", "--name", "long", "busybox", "sh", "-c", lines);
});
afterAll(() => bocker[Symbol.asyncDispose]());

const run = (...words: readonly string[]) => bocker.ok("run", "--rm", ...words);
const alone = (...words: readonly string[]) => run("--network", "none", ...words);

describe("run: the image as an option", () => {
  test("-image X and --image X, with options before or after the command", async () => {
    expect(await alone("-image", "busybox", "echo", "hi")).toBe("hi");
    expect(await alone("--image", "busybox", "-e", "A=1", "--", "sh", "-c", "echo $A")).toBe("1");
    expect(await alone("-command", "echo two words", "-image", "busybox")).toBe("two words");
  });

  test("a flag of the command's that is read as one of ours: a hint at --", async () => {
    const { exitCode, stderr } = await bocker.run("run", "--image", "busybox", "sh", "-c", "echo");
    expect(exitCode).toBe(125);
    expect(stderr).toContain("hint: with --image, options may follow arguments: put -- before the command");
  });

  test("-i IMAGE works, and an option after it gets a hint", async () => {
    expect(await alone("-i", "busybox", "echo", "x")).toBe("x");
    const { exitCode, stderr } = await bocker.run("run", "--rm", "-i", "busybox", "-t", "sh");
    expect(exitCode).toBe(127);
    expect(stderr).toContain("hint: options go before the image's or container's name");
  });
});

describe("run: names and networks", () => {
  test("-name and -n are --name", async () => {
    for (const flag of ["-name", "-n"]) {
      await bocker.ok("create", flag, "spelled", "busybox", "true");
      expect(await bocker.ok("remove", "spelled")).toBe("spelled");
    }
  });

  test("-n with the name of a network: which of the two is meant", async () => {
    for (const command of ["run", "create"]) {
      const { exitCode, stderr } = await bocker.run(command, "-n", "bridge", "busybox", "true");
      expect(exitCode).toBe(125);
      expect(stderr).toContain("cannot tell what -n bridge means: a network has that name");
      expect(stderr).toContain("--network bridge connects to it");
    }
    expect(await bocker.ok("ps", "-aq", "--filter", "name=bridge")).toBe("");
  });

  test("-net, --net, --netdriver, --container", async () => {
    const interfaces = ["busybox", "ls", "/sys/class/net"];
    for (const flag of ["-net", "--net", "--netdriver", "-netdriver"]) {
      expect(await run(flag, "none", ...interfaces)).toBe("lo");
    }
    const hostname = await bocker.ok("exec", "long", "hostname");
    expect(await run("--netdriver", "container", "--container", "long", "busybox", "hostname")).toBe(
      hostname,
    );
  });

  test("--it and --ti are -i -t", async () => {
    for (const flag of ["--it", "--ti", "-ti", "-it"]) {
      const { stderr } = await bocker.run("run", "--rm", flag, "busybox", "true");
      expect(stderr).toContain("the input device is not a TTY");
    }
  });

  test("-p with an equals sign, --port", async () => {
    for (const [flag, port] of [
      ["-p", "0=80"],
      ["--port", "0:80"],
    ] as const) {
      const id = await bocker.ok("create", flag, port, "busybox", "true");
      expect((await bocker.inspect(id)).HostConfig.PortBindings).toEqual({
        "80/tcp": [{ HostIp: "", HostPort: "" }],
      });
      await bocker.ok("rm", id);
    }
  });

  test("--resolv F is the container's resolv.conf", async () => {
    const file = join(bocker.directory, "resolv");
    writeFileSync(file, "nameserver 192.0.2.7\n");
    expect(await alone("--resolv", file, "busybox", "cat", "/etc/resolv.conf")).toBe("nameserver 192.0.2.7");
  });
});

test("run: limits by their other names", async () => {
  const flags = [
    ...[
      "--memory-limit",
      "64m",
      "--memory-soft-limit",
      "32m",
      "--memory-swap-limit",
      "128m",
      "--pids-max",
      "0",
    ],
    ...[
      "-cpushare",
      "100",
      "--cpu-cfs-period",
      "100000",
      "--cpu-cfs-quota",
      "50000",
      "-cpuset",
      "0",
      "-cpumem",
      "0",
    ],
    ...["--oom_kill_disable", "1"],
  ];
  const id = await bocker.ok("create", ...flags, "busybox", "true");
  expect((await bocker.inspect(id)).HostConfig).toMatchObject({
    Memory: 64 * 1024 * 1024,
    MemoryReservation: 32 * 1024 * 1024,
    MemorySwap: 128 * 1024 * 1024,
    PidsLimit: -1,
    CpuShares: 100,
    CpuPeriod: 100_000,
    CpuQuota: 50_000,
    CpusetCpus: "0",
    CpusetMems: "0",
    OomKillDisable: true,
  });
  await bocker.ok("rm", id);
});

test("run: limits of kernel memory: gone from kernels, and TCP's where cgroup v1 is", async () => {
  for (const flag of ["--kernel-memory", "--kernel-memory-limit"]) {
    const { exitCode, stderr } = await bocker.run(
      "create",
      "--name",
      "kernel",
      flag,
      "50m",
      "busybox",
      "true",
    );
    expect([exitCode, stderr]).toEqual([
      0,
      "WARNING: Kernels have no kernel memory limit any more. Limitation discarded.\n",
    ]);
    await bocker.ok("rm", "kernel");
  }
  const id = await bocker.ok("create", "--kernel-memory-tcp-limit", "50m", "busybox", "true");
  expect((await bocker.inspect(id)).HostConfig.KernelMemoryTCP).toBe(50 * 1024 * 1024);
  await bocker.ok("rm", id);
});

test("--KEY=VALUE before the command is BOCKER_KEY; MEM_LIMIT counts megabytes of a million", async () => {
  const id = await bocker.ok("--MEM_LIMIT=64", "create", "busybox", "true");
  expect((await bocker.inspect(id)).HostConfig.Memory).toBe(64_000_000);
  await bocker.ok("rm", id);
});

test("-s names the storage driver", async () => {
  const id = await bocker.ok("create", "-s", "vfs", "busybox", "true");
  expect((await bocker.inspect(id)).Driver).toBe("vfs");
  await bocker.ok("rm", id);
});

describe("logs", () => {
  test("-t 2 NAME is --tail 2, said on standard error", async () => {
    const { stdout, stderr } = await bocker.run("logs", "-t", "2", "long");
    expect(stdout).toBe("line 3\nline 4\n");
    expect(stderr).toBe("reading -t 2 as --tail 2; -t alone shows timestamps\n");
  });

  test("-t stays docker's where it can be", async () => {
    expect(await bocker.ok("logs", "-t", "-n", "1", "long")).toMatch(/^20\d\d-\S+Z line 4$/);
    await bocker.ok("create", "--name", "22", "busybox", "true");
    expect((await bocker.run("logs", "-t", "22", "long")).stderr).toBe("");
    await bocker.ok("rm", "22");
  });
});

test("exec C -- CMD: one -- is dropped", async () => {
  expect(await bocker.ok("exec", "long", "--", "echo", "hi")).toBe("hi");
  expect((await bocker.run("exec", "long", "--", "--", "echo")).exitCode).toBe(127);
});

describe("images and containers", () => {
  test("save -c C -o F is export, commit C FILE.tar writes a tar", async () => {
    const [saved, committed] = ["saved.tar", "committed.tar"].map((name) => join(bocker.directory, name)) as [
      string,
      string,
    ];
    await bocker.ok("save", "-c", "long", "-o", saved);
    expect(await bocker.ok("commit", "long", committed)).toBe(committed);
    for (const file of [saved, committed]) {
      expect(Bun.spawnSync(["tar", "-tf", file]).stdout.toString()).toContain("bin/busybox\n");
    }
  });

  test("rm img_ID removes an image, rm NAME of one says who does; ps_ID is a container", async () => {
    await bocker.ok("commit", "long", "made");
    const refused = await bocker.run("rm", "made");
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain("No such container: made\n  hint: it is an image: bocker rmi made");
    const id = await bocker.ok("images", "-q", "made");
    expect(await bocker.ok("inspect", "--format", "{{json .RepoTags}}", `img_${id}`)).toBe('["made:latest"]');
    expect(await bocker.ok("rm", `img_${id}`)).toBe(`img_${id}`);
    expect(await bocker.ok("images", "-q", "made")).toBe("");
    const container = await bocker.ok("ps", "-q");
    expect(await bocker.ok("inspect", "--format", "{{.Name}}", `ps_${container}`)).toBe("/long");
  });

  test("init DIR, buildBase, image list, image remove", async () => {
    const tar = join(bocker.directory, "base.tar");
    await bocker.ok("export", "-o", tar, "long");
    await bocker.ok("buildBase", tar);
    expect(await bocker.ok("image", "list", "--format", "{{.Repository}}")).toContain("base");
    await bocker.ok("image", "remove", "base");
    expect((await bocker.run("buildBase", "/no/such.tar")).exitCode).toBe(1);
  });

  test("pull NAME TAG joins the two", async () => {
    const { exitCode, stderr } = await bocker.run("pull", "127.0.0.1:1/x", "1.36");
    expect([exitCode, stderr.includes("127.0.0.1:1")]).toEqual([1, true]);
  });

  test("inspect --headers: any mix, each said to be what it is", async () => {
    const { exitCode, stdout, stderr } = await bocker.run(
      "inspect",
      "--headers",
      "long",
      "busybox",
      "bridge",
      "nope",
    );
    expect([exitCode, stderr]).toEqual([1, "Error: No such object: nope\n"]);
    const headers = stdout.split("\n").filter((line) => line.startsWith("Showing"));
    expect(headers).toEqual([
      "Showing long as a container:",
      "Showing busybox as a image:",
      "Showing bridge as a network:",
    ]);
    expect(JSON.parse(stdout.slice(stdout.indexOf("{"), stdout.indexOf("Showing busybox"))).Name).toBe(
      "/long",
    );
  });

  test("inspect --headers heeds --type and --size, and refuses --format", async () => {
    const typed = await bocker.run("inspect", "--headers", "--type", "image", "long");
    expect([typed.exitCode, typed.stderr]).toEqual([1, "Error: No such object: long\n"]);
    expect(await bocker.ok("inspect", "--headers", "-s", "long")).toContain('"SizeRootFs"');
    const formatted = await bocker.run("inspect", "--headers", "--format", "{{.Name}}", "long");
    expect(formatted.exitCode).toBe(1);
    expect(formatted.stdout).toBe("");
    expect(formatted.stderr).toContain("--headers shows JSON, and goes without --format");
  });
});

test("restart prints the name once", async () => {
  await bocker.ok("run", "-d", "--network", "none", "--name", "again", "busybox", "sleep", "1000");
  expect(await bocker.ok("restart", "-t", "0", "again")).toBe("again");
  await bocker.ok("rm", "-f", "again");
});

describe("--debug tells what happens, with times", () => {
  const line = /^DEBUG \d\d:\d\d:\d\d\.\d{3} +\+\d+\.\dms {2}/;

  test("run: image, container, monitor, process, cgroup, namespaces, network", async () => {
    const { stdout, stderr } = await bocker.run(
      "--debug",
      "run",
      "--rm",
      "busybox",
      "sh",
      "-c",
      "sleep 0.2; echo out",
    );
    expect(stdout).toBe("out\n");
    const lines = stderr.trimEnd().split("\n");
    for (const each of lines) expect(each).toMatch(line);
    for (const step of [
      "found image busybox",
      "created container",
      "asked monitor",
      "started process",
      "its cgroup is /",
    ])
      expect(stderr).toContain(step);
    expect(stderr).toMatch(/its namespaces: .*net:\[\d+\].*pid:\[\d+\]/);
    expect(stderr).toMatch(/network: \{"id":/);
    expect(stderr).toMatch(/lease: \{.*"containerInterface":"eth0"/);
  });

  test("exec, stop and rm; nothing without it", async () => {
    await bocker.ok("run", "-d", "--network", "none", "--name", "told", "busybox", "sleep", "1000");
    expect((await bocker.run("--debug", "exec", "told", "true")).stderr).toMatch(
      /joining the .*pid.* namespaces/,
    );
    expect((await bocker.run("-D", "stop", "-t", "0", "told")).stderr).toContain("sent SIGTERM to process");
    expect((await bocker.run("--debug", "rm", "told")).stderr).toContain('"told"');
    expect((await bocker.run("ps")).stderr).toBe("");
  });
});
