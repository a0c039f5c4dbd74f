/**
 * Limits on this host, whichever cgroups it has: each is exceeded and seen to bite, shown by inspect, and refused when it makes
 * no sense. What is written to which file is tested in test/unit/cgroup, and in test/vm on the other kinds of cgroups.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

const mega = 1024 * 1024;
let bocker: Workspace;
let device = "";

beforeAll(() => {
  bocker = openWorkspace();
  const disk = join(bocker.directory, "disk");
  writeFileSync(disk, "");
  truncateSync(disk, 8 * mega);
  device = Bun.spawnSync(["losetup", "--find", "--show", disk]).stdout.toString().trim();
});
afterAll(async () => {
  Bun.spawnSync(["losetup", "-d", device]);
  await bocker[Symbol.asyncDispose]();
});

/** Runs a script in a container without a network. */
const run = (flags: readonly string[], script: string) =>
  bocker.run("run", "--rm", "--network", "none", ...flags, "busybox", "sh", "-c", script);

/** Seconds of CPU that a second of trying got, by the shell's `times`. */
async function busySeconds(flags: readonly string[], seconds: number): Promise<number> {
  const { stdout } = await run(flags, `timeout ${seconds} sh -c 'while :; do :; done'; times`);
  const children = stdout.trim().split("\n").at(-1) ?? "";
  return [...children.matchAll(/(\d+)m([\d.]+)s/g)].reduce(
    (sum, [, minutes, rest]) => sum + Number(minutes) * 60 + Number(rest),
    0,
  );
}

describe("CPU", () => {
  test("--cpus is an upper bound", async () => {
    expect(await busySeconds(["--cpus", "0.2"], 1)).toBeLessThan(0.5);
  });

  test("--cpu-shares share a CPU out", async () => {
    const on = (shares: string) => ["--cpuset-cpus", "0", "--cpu-shares", shares];
    const [more, less] = await Promise.all([busySeconds(on("2048"), 2), busySeconds(on("256"), 2)]);
    expect(more / less).toBeGreaterThan(2.5);
  });

  test("--cpuset-cpus pins", async () => {
    const { stdout } = await run(["--cpuset-cpus", "0"], "grep Cpus_allowed_list /proc/self/status");
    expect(stdout).toBe("Cpus_allowed_list:\t0\n");
  });
});

describe("processes and memory", () => {
  test("a fork bomb stops, and its container goes", async () => {
    const { exitCode, stderr } = await run(["--pids-limit", "10", "--name", "bomb"], "f() { f | f; }; f");
    expect(exitCode).not.toBe(0);
    expect(stderr).toContain("can't fork: Resource temporarily unavailable");
    expect(await bocker.ok("ps", "-aq")).toBe("");
  });

  test("a memory limit kills, with 137 and OOMKilled", async () => {
    const limits = ["-m", "16m", "--memory-swap", "16m"];
    const hog = ["sh", "-c", "dd if=/dev/zero of=/dev/shm/x bs=1M count=40"];
    const { exitCode } = await bocker.run(
      ...["run", "--name", "hog", "--network", "none", ...limits, "busybox", ...hog],
    );
    expect(exitCode).toBe(137);
    expect((await bocker.inspect("hog")).State).toMatchObject({ OOMKilled: true, ExitCode: 137 });
    await bocker.ok("rm", "hog");
  });

  test("--shm-size is all there is of /dev/shm", async () => {
    const { exitCode, stderr } = await run(["--shm-size", "1m"], "dd if=/dev/zero of=/dev/shm/x bs=64k");
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining("No space left on device"),
    });
  });

  test("--ulimit bites", async () => {
    const { stderr } = await run(
      ["--ulimit", "fsize=1000"],
      "dd if=/dev/zero of=/tmp/x bs=1M count=3; echo $?",
    );
    expect(stderr).toMatch(/File (size limit exceeded|too large)/);
  });

  test("--oom-score-adj", async () => {
    const { stdout } = await run(["--oom-score-adj", "500"], "cat /proc/self/oom_score_adj");
    expect(stdout).toBe("500\n");
  });
});

describe("block devices", () => {
  test.each([
    ["--device-read-bps", "1mb", "dd if=DEVICE of=/dev/null bs=64k count=24 iflag=direct"],
    ["--device-read-iops", "10", "dd if=DEVICE of=/dev/null bs=4k count=15 iflag=direct"],
    ["--device-write-bps", "1mb", "dd if=/dev/zero of=DEVICE bs=64k count=24 oflag=direct"],
    ["--device-write-iops", "10", "dd if=/dev/zero of=DEVICE bs=4k count=15 oflag=direct"],
  ])("%s slows down", async (flag, rate, command) => {
    const script = `time -p ${command.replace("DEVICE", device)}`;
    const { exitCode, stderr } = await run(["--device", device, flag, `${device}:${rate}`], script);
    expect(exitCode).toBe(0);
    expect(Number(/real (\S+)/.exec(stderr)?.[1])).toBeGreaterThan(1.2);
  });

  test("a rate is changed while the container runs, and taken away", async () => {
    const flags = ["--network", "none", "--device", device, "--device-read-bps", `${device}:64kb`];
    await bocker.ok("run", "-d", "--name", "slow", ...flags, "busybox", "sleep", "600");
    await bocker.ok("update", "--device-read-bps", `${device}:0`, "slow");
    const read = `time -p dd if=${device} of=/dev/null bs=64k count=64 iflag=direct`;
    const { stderr } = await bocker.run("exec", "slow", "sh", "-c", read);
    // 64 seconds at the old rate.
    expect(Number(/real (\S+)/.exec(stderr)?.[1])).toBeLessThan(20);
    expect((await bocker.inspect("slow")).HostConfig.BlkioDeviceReadBps).toEqual([{ Path: device, Rate: 0 }]);
    await bocker.ok("rm", "-f", "slow");
  });
});

test("inspect shows every limit as docker does", async () => {
  const flags = [
    ...["-m", "64m", "--memory-reservation", "32m", "--memory-swap", "80m", "--cpu-shares", "100"],
    ...[
      "--cpu-rt-period",
      "1000000",
      "--cpu-rt-runtime",
      "950000",
      "--cpuset-cpus",
      "0",
      "--cgroupns",
      "host",
    ],
    ...["--blkio-weight", "300", "--blkio-weight-device", `${device}:200`],
    ...["--device-write-iops", `${device}:30`, "--device-read-bps", `${device}:1mb`],
  ];
  await bocker.ok("create", "--name", "all", ...flags, "busybox");
  expect((await bocker.inspect("all")).HostConfig).toMatchObject({
    Memory: 64 * mega,
    MemoryReservation: 32 * mega,
    MemorySwap: 80 * mega,
    CpuShares: 100,
    CpuRealtimePeriod: 1_000_000,
    CpuRealtimeRuntime: 950_000,
    CpusetCpus: "0",
    CgroupnsMode: "host",
    BlkioWeight: 300,
    BlkioWeightDevice: [{ Path: device, Weight: 200 }],
    BlkioDeviceReadBps: [{ Path: device, Rate: mega }],
    BlkioDeviceWriteBps: [],
    BlkioDeviceReadIOps: [],
    BlkioDeviceWriteIOps: [{ Path: device, Rate: 30 }],
  });
  await bocker.ok("rm", "all");
});

test("--cgroupns host: the container sees where it is, and its own cgroup", async () => {
  const own = await run([], "cat /proc/self/cgroup");
  expect(own.stdout.split("\n").filter((line) => line !== "" && !line.endsWith(":/"))).toEqual([]);
  const { stdout } = await run(["--cgroupns", "host"], "cat /proc/self/cgroup");
  expect(stdout).toMatch(new RegExp(`:/${bocker.cgroupParent}/[0-9a-f]{64}\\n`));
});

describe("limits that make no sense", () => {
  test.each([
    ["-m 4m", "Minimum memory limit allowed is 6MB"],
    ["-m 10m --memory-swap 5m", "Minimum memoryswap limit should be larger than memory limit, see usage"],
    ["--memory-swap 20m", "You should always set the Memory limit when using Memoryswap limit, see usage"],
    ["--memory-swappiness 101", "Invalid value: 101, valid memory swappiness range is 0-100"],
    ["--cpuset-cpus 4000", "Requested CPUs are not available - requested 4000, available: "],
    ["--cpus 4000", "range of CPUs is from 0.01 to "],
    [
      "--cpu-rt-period 10 --cpu-rt-runtime 20",
      "cpu real-time runtime cannot be higher than cpu real-time period",
    ],
    ["--oom-score-adj 1001", "Invalid value 1001, range for oom score adj is [-1000, 1000]"],
    ["--ulimit nofile=30:20", "ulimit soft limit must be less than or equal to hard limit: 30 > 20"],
    ["--blkio-weight 5", "Range of blkio weight is from 10 to 1000"],
    ["--blkio-weight-device /dev/x:5", "invalid weight for device: /dev/x:5"],
    ["--device-read-bps nope", "bad format: nope"],
    ["--device-read-bps x:1mb", "bad format for device path: x:1mb"],
    ["--device-read-bps /dev/x:-1", "invalid rate for device: /dev/x:-1. The correct format is"],
    ["--device-write-iops /dev/x:1mb", "invalid rate for device: /dev/x:1mb. The correct format is"],
    ["--device-read-bps /dev/nope:1mb", 'cannot limit block I/O of "/dev/nope": no such file or directory'],
    ["--device-read-bps /dev/null:1mb", 'cannot limit block I/O of "/dev/null": not a block device'],
    ["--cgroup-conf high", 'invalid cgroup setting "high": expected FILE=VALUE'],
    ["--cgroup-conf ../x=1", 'invalid cgroup setting "../x=1": expected FILE=VALUE'],
    ["--cgroup-conf nope.max=1", "nope.max"],
    ["--cgroupns mine", "--cgroupns: invalid CGROUP mode"],
    ["--cgroup-parent ../x", "invalid cgroup parent: ../x"],
  ])("%s", async (flags, message) => {
    const { exitCode, stderr } = await run(flags.split(" "), "true");
    expect({ exitCode, stderr }).toEqual({ exitCode: 125, stderr: expect.stringContaining(message) });
    expect(await bocker.ok("ps", "-aq")).toBe("");
  });
});
