/**
 * Limits on a machine with cgroup v1 alone, where nothing of v2 helps: freezing, killing and counting go by v1's files too.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { bootMachine, canBoot, type Machine } from "./machine.ts";

const mega = 1024 * 1024;
const run = "bocker run --rm --network none";

describe.skipIf(!canBoot)("cgroup v1", () => {
  let machine: Machine;

  beforeAll(async () => {
    machine = await bootMachine({ root: "tmpfs", cgroup: "v1" });
    await machine.ok("modprobe loop; truncate -s 8M /tmp/disk; losetup /dev/loop0 /tmp/disk");
  }, 90_000);
  afterAll(() => machine[Symbol.asyncDispose]());

  test("every limit of run is in its file", async () => {
    const expected = {
      "memory/memory.limit_in_bytes": `${64 * mega}`,
      "memory/memory.soft_limit_in_bytes": `${32 * mega}`,
      "memory/memory.memsw.limit_in_bytes": `${80 * mega}`,
      "memory/memory.swappiness": "7",
      "memory/memory.kmem.tcp.limit_in_bytes": `${10 * mega}`,
      "cpu/cpu.cfs_quota_us": "50000",
      "cpu/cpu.shares": "100",
      "cpuset/cpuset.cpus": "1",
      "cpuset/cpuset.mems": "0",
      "pids/pids.max": "70",
      "blkio/blkio.throttle.read_bps_device": `7:0 ${mega}`,
      "blkio/blkio.throttle.write_iops_device": "7:0 20",
    };
    const flags =
      "-m 64m --memory-reservation 32m --memory-swap 80m --memory-swappiness 7 --kernel-memory-tcp 10m --cpus 0.5 --cpu-shares 100 --cpuset-cpus 1 --cpuset-mems 0 --pids-limit 70 --device-read-bps /dev/loop0:1mb --device-write-iops /dev/loop0:20";
    const files = Object.keys(expected).join(" ");
    const values = await machine.ok(`${run} ${flags} busybox sh -c 'cd /sys/fs/cgroup; cat ${files}'`);
    expect(values.split("\n")).toEqual(Object.values(expected));
  });

  test("a container is frozen, counted, limited anew and killed", async () => {
    await machine.ok("bocker run -d --name held --network none busybox sleep 600");
    await machine.ok("bocker pause held");
    expect(await machine.ok("cat /sys/fs/cgroup/freezer/bocker/*/freezer.state")).toBe("FROZEN");
    await machine.ok("bocker unpause held");
    expect(await machine.ok("bocker stats --no-stream --format '{{.Name}} {{.PIDs}}'")).toBe("held 1");
    await machine.ok("bocker update -m 32m --memory-swap 32m --pids-limit 9 held");
    expect(await machine.ok("bocker exec held cat /sys/fs/cgroup/memory/memory.limit_in_bytes")).toBe(
      `${32 * mega}`,
    );
    await machine.ok("bocker rm -f held");
    expect(await machine.ok("find /sys/fs/cgroup -path '*/bocker/*' -type d")).toBe("");
  });

  test("a container that is out of memory is killed, and that is known", async () => {
    const hog = "dd if=/dev/zero of=/dev/shm/x bs=1M count=40";
    const { exitCode } = await machine.run(
      `bocker run --name hog --network none -m 16m --memory-swap 16m busybox sh -c '${hog}'`,
    );
    expect(exitCode).toBe(137);
    expect(await machine.ok("bocker inspect -f '{{.State.OOMKilled}}' hog; bocker rm hog")).toBe("true\nhog");
  });

  test("devices are what devices.allow says", async () => {
    const denied = await machine.run(`${run} busybox sh -c 'mknod /x b 7 0; head -c 1 /x'`);
    expect(denied.stderr).toContain("Operation not permitted");
  });

  test.each([
    ["--cgroup-conf memory.high=1", "cannot limit by the file memory.high"],
    ["--cpu-rt-runtime 1000", "cannot set cpu limit cpu.rt_runtime_us to 1000: ENOENT"],
  ])("%s is refused by name, and leaves nothing", async (flags, message) => {
    const { exitCode, stderr } = await machine.run(`${run} ${flags} busybox true`);
    expect({ exitCode, stderr }).toEqual({ exitCode: 125, stderr: expect.stringContaining(message) });
    expect(await machine.ok("find /sys/fs/cgroup -path '*/bocker/*' -type d")).toBe("");
  });
});
