/**
 * Limits on a machine with cgroup v2 alone: what is written, that it bites, that `update` changes it, and what v2 lacks. The
 * root is a tmpfs that can be pivoted away from; nft is there.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bootMachine, canBoot, type Machine } from "./machine.ts";

const mega = 1024 * 1024;
const run = "bocker run --rm --network none";

describe.skipIf(!canBoot)("cgroup v2", () => {
  const directory = mkdtempSync("/tmp/bocker-test-");
  let machine: Machine;

  beforeAll(async () => {
    const disk = join(directory, "quota-disk");
    writeFileSync(disk, "");
    truncateSync(disk, 24 * mega);
    const features = ["-O", "project,quota,^has_journal", "-E", "quotatype=prjquota"];
    expect(Bun.spawnSync(["mkfs.ext4", "-q", ...features, disk]).exitCode).toBe(0);
    machine = await bootMachine({ root: "tmpfs", cgroup: "v2", programs: ["ip", "nft", disk] });
    await machine.ok("modprobe loop; truncate -s 8M /tmp/disk; losetup /dev/loop0 /tmp/disk");
  }, 90_000);
  afterAll(async () => {
    await machine[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  /** The first lines of files of the container's own cgroup, by name. */
  const files = async (flags: string, names: readonly string[]): Promise<Record<string, string>> => {
    const script = `cd /sys/fs/cgroup; for name in ${names.join(" ")}; do echo $name: $(cat $name); done`;
    const lines = (await machine.ok(`${run} ${flags} busybox sh -c '${script}'`)).split("\n");
    return Object.fromEntries(lines.map((line) => line.split(": ", 2)));
  };

  test("a container with bridge and published port runs", async () => {
    await machine.ok(
      "bocker run -d --name web -p 8080:80 busybox sh -c 'echo served > /tmp/index.html; exec httpd -f -h /tmp'",
    );
    const fetch = "timeout 10 wget -qO- http://127.0.0.1:8080/";
    expect(
      await machine.ok(`for i in $(seq 50); do ${fetch} 2>/dev/null && exit; sleep 0.1; done; exit 1`),
    ).toBe("served");
    await machine.ok("bocker rm -f web");
  });

  test("a kernel without lowerdir+ is not asked for it: it would tell the console of that at each start", async () => {
    await machine.ok(`${run} busybox true`);
    expect(await machine.ok("dmesg | grep overlayfs || true")).toBe("");
  });

  test("every limit of run is in its file, converted as runc does", async () => {
    const flags =
      "-m 64m --memory-reservation 32m --memory-swap 80m --cpus 0.5 --cpu-shares 100 --cpuset-cpus 1 --cpuset-mems 0 --pids-limit 70 --blkio-weight 300 --cgroup-conf memory.high=50331648 --cgroup-conf hugetlb.2MB.max=2097152";
    const expected = {
      "memory.max": `${64 * mega}`,
      "memory.low": `${32 * mega}`,
      "memory.swap.max": `${16 * mega}`,
      "memory.high": `${48 * mega}`,
      "cpu.max": "50000 100000",
      "cpu.weight": "4",
      "cpuset.cpus": "1",
      "cpuset.mems": "0",
      "pids.max": "70",
      "io.weight": "default 2930",
      "hugetlb.2MB.max": `${2 * mega}`,
    };
    expect(await files(flags, Object.keys(expected))).toEqual(expected);
  });

  test("rates of a device slow it down", async () => {
    const device = "--device /dev/loop0";
    const limits =
      "--device-read-bps /dev/loop0:1mb --device-write-bps /dev/loop0:2mb --device-read-iops /dev/loop0:900 --device-write-iops /dev/loop0:0";
    expect(await files(`${device} ${limits}`, ["io.max"])).toEqual({
      "io.max": "7:0 rbps=1048576 wbps=2097152 riops=900 wiops=max",
    });
    const read = "dd if=/dev/loop0 of=/dev/null bs=64k count=32 iflag=direct";
    const timed = await machine.ok(`${run} ${device} ${limits} busybox sh -c 'time -p ${read}' 2>&1`);
    expect(Number(/real (\S+)/.exec(timed)?.[1])).toBeGreaterThan(1.5);
  });

  test("a fork bomb stops at the limit of processes", async () => {
    const bomb = "f() { f | f; }; f";
    const { stderr } = await machine.run(
      `timeout -s KILL 20 ${run} --pids-limit 12 busybox sh -c '${bomb}' 2>&1 | head -n 3 >&2; bocker ps -aq | xargs -r bocker rm -f >/dev/null`,
    );
    expect(stderr).toContain("can't fork");
    expect(await machine.ok("bocker ps -aq")).toBe("");
  });

  test("a container that is out of memory is killed, and that is known", async () => {
    const hog = "dd if=/dev/zero of=/dev/shm/x bs=1M count=40";
    const { exitCode } = await machine.run(
      `bocker run --name hog --network none -m 16m --memory-swap 16m busybox sh -c '${hog}'`,
    );
    expect(exitCode).toBe(137);
    expect(await machine.ok("bocker inspect -f '{{.State.OOMKilled}}' hog; bocker rm hog")).toBe("true\nhog");
  });

  test("a CPU quota is kept", async () => {
    const busy = "timeout 1 sh -c 'while :; do :; done'; cat /sys/fs/cgroup/cpu.stat";
    const stat = await machine.ok(`${run} --cpus 0.2 busybox sh -c "${busy}" 2>/dev/null`);
    expect(Number(/nr_throttled (\d+)/.exec(stat)?.[1])).toBeGreaterThan(3);
  });

  test("update changes every limit of a running container, and keeps what it said", async () => {
    await machine.ok("bocker run -d --name live --network none -m 32m busybox sleep 600");
    await machine.ok(
      "bocker update -m 40m --memory-swap -1 --memory-reservation 20m --cpus 1.5 --cpu-shares 512 --cpuset-cpus 0 --pids-limit 9 --blkio-weight 200 --device-write-bps /dev/loop0:2mb --cgroup-conf memory.high=20971520 live",
    );
    const names =
      "memory.max memory.swap.max memory.low cpu.max cpu.weight cpuset.cpus pids.max io.weight io.max memory.high";
    const read = `bocker exec live sh -c 'cd /sys/fs/cgroup; cat ${names}'`;
    const expected = [
      ...[`${40 * mega}`, "max", `${20 * mega}`, "150000 100000", "20", "0", "9", "default 1920"],
      ...["7:0 rbps=max wbps=2097152 riops=max wiops=max", `${20 * mega}`],
    ];
    expect((await machine.ok(read)).split("\n")).toEqual(expected);
    await machine.ok("bocker restart -t 0 live");
    expect((await machine.ok(read)).split("\n")).toEqual(expected);
  });

  test("what the kernel refuses of an update is not kept", async () => {
    const { exitCode, stderr } = await machine.run("bocker update --cgroup-conf memory.nope=1 live");
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringMatching(
        /Cannot update container .*: cannot set memory limit memory.nope to 1: ENOENT/,
      ),
    });
    expect(await machine.ok("bocker inspect --format toml live")).not.toContain("memory.nope");
    await machine.ok("bocker rm -f live");
  });

  test.each([
    [
      "--memory-swappiness 10",
      "cannot limit memory swappiness (memory.swappiness): cgroup v2 has no such limit",
    ],
    [
      "-m 32m --oom-kill-disable",
      "cannot limit the OOM killer (memory.oom_control): cgroup v2 has no such limit",
    ],
    ["--cpu-rt-runtime 1000", "cannot limit real-time CPU (cpu.rt_runtime_us): cgroup v2 has no such limit"],
    ["--kernel-memory-tcp 10m", "cannot limit kernel TCP memory"],
    ["--cgroup-conf nope.max=1", 'cannot set nope.max: the cgroup controller "nope" is not available'],
    ["--cgroup-conf memory.high=x", "cannot set memory limit memory.high to x: EINVAL"],
  ])("%s is refused by name, and leaves nothing", async (flags, message) => {
    const { exitCode, stderr } = await machine.run(`${run} ${flags} busybox true`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 125, stderr: expect.stringContaining(message) });
    expect(await machine.ok("find /sys/fs/cgroup -path '*/bocker/*' -type d")).toBe("");
  });

  test("a cgroup namespace of its own, and the host's", async () => {
    expect(await machine.ok(`${run} busybox cat /proc/self/cgroup`)).toBe("0::/");
    const { exitCode, stderr } = await machine.run(`${run} busybox mkdir /sys/fs/cgroup/x`);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 1,
      stderr: expect.stringContaining("Read-only file system"),
    });
    expect(await machine.ok(`${run} --cgroupns host busybox cat /proc/self/cgroup`)).toMatch(
      /^0::\/bocker\/[0-9a-f]{64}$/,
    );
    expect(await machine.ok(`${run} --cgroupns host busybox ls -d /sys/fs/cgroup/bocker`)).toBe(
      "/sys/fs/cgroup/bocker",
    );
  });

  test("--cgroup-parent: controllers are passed on all the way", async () => {
    const path = await machine.ok(
      `${run} --cgroup-parent /my/parent -m 20m --cgroupns host busybox sh -c 'p=$(cut -d: -f3 /proc/self/cgroup); echo $p; cat /sys/fs/cgroup/$p/memory.max'`,
    );
    expect(path).toMatch(/^\/my\/parent\/[0-9a-f]{64}\n20971520$/);
  });

  test("devices are what the BPF program lets through", async () => {
    const denied = await machine.run(`${run} busybox sh -c 'mknod /x b 7 0; head -c 1 /x'`);
    expect(denied.stderr).toContain("Operation not permitted");
    const script = "head -c 1 /dev/disk | wc -c; echo a > /dev/disk";
    const readOnly = await machine.run(`${run} --device /dev/loop0:/dev/disk:r busybox sh -c '${script}'`);
    expect(readOnly).toEqual({
      exitCode: 1,
      stdout: "1\n",
      stderr: expect.stringContaining("Operation not permitted"),
    });
  });

  test("--storage-opt size: no more than that is written, where the disk counts projects", async () => {
    await machine.ok("mkdir /quota; mount -o loop,prjquota /bin/quota-disk /quota");
    const engine = "BOCKER_ROOT=/quota/root bocker";
    const write = "dd if=/dev/zero of=/file bs=64k count=100; rm /file; echo small > /file && cat /file";
    const limited = await machine.run(
      `${engine} run --name small --network none --storage-opt size=2m busybox sh -c '${write}'`,
    );
    expect(limited).toMatchObject({ exitCode: 0, stdout: "small\n" });
    expect(limited.stderr).toMatch(/(Disk quota exceeded|No space left on device)/);
    expect(await machine.ok(`${engine} inspect -f '{{.HostConfig.StorageOpt.size}}' small`)).toBe(
      `${2 * mega}`,
    );
    await machine.ok(`${engine} rm small`);
    expect(
      (await machine.run(`${engine} run --rm --network none busybox sh -c '${write}'`)).stderr,
    ).toContain("100+0 records out");
    await machine.ok("umount /quota");
    const { exitCode, stderr } = await machine.run(`${run} --storage-opt size=2m busybox true`);
    expect({ exitCode, stderr }).toEqual({
      exitCode: 125,
      stderr: expect.stringContaining("--storage-opt is supported only for overlay over"),
    });
    expect(await machine.ok("bocker ps -aq")).toBe("");
  });

  test("bocker in a container of bocker's makes room in its cgroup for containers with limits", async () => {
    const inner = [
      "bocker run --rm --network none -m 20m busybox cat /sys/fs/cgroup/memory.max",
      "bocker run -d --name in --network none busybox sleep 600",
      "bocker exec in echo entered; bocker pause in; bocker unpause in; bocker rm -f in",
    ];
    const mounts = "-v /bin/bocker:/bin/bocker -v /lib:/lib -v /lib64:/lib64 -v inner:/var/lib/bocker";
    const said = await machine.ok(`${run} --privileged ${mounts} busybox sh -ec '${inner.join("; ")}'`);
    expect(said.replace(/[0-9a-f]{64}/, "ID").split("\n")).toEqual([
      `${20 * mega}`,
      ...["ID", "entered", "in", "in", "in"],
    ]);
    expect(await machine.ok("find /sys/fs/cgroup -path '*/bocker/*' -type d")).toBe("");
  });
});
