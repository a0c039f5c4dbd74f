/** What is written where: limits in the words of both versions, and the order of a whole plan. */
import { describe, expect, test } from "bun:test";
import type { CgroupHierarchy } from "../../../src/cgroup/hierarchy.ts";
import type { LimitWrite } from "../../../src/cgroup/limit-write.ts";
import { limitsV1 } from "../../../src/cgroup/limits-v1.ts";
import { ioWeightOfBlkio, limitsV2, weightOfShares } from "../../../src/cgroup/limits-v2.ts";
import { planCgroup } from "../../../src/cgroup/plan-cgroup.ts";
import type { HostStep } from "../../../src/host/step.ts";
import type { SpecResources } from "../../../src/spec/oci.ts";

const v1: CgroupHierarchy = {
  mode: "hybrid",
  mounts: [
    ...["cpu", "cpuset", "memory", "devices", "pids"].map((controller) => ({
      version: 1 as const,
      directory: `/cg/${controller}`,
      controllers: [controller],
    })),
    { version: 2, directory: "/cg/unified", controllers: [] },
  ],
};
const v2: CgroupHierarchy = {
  mode: "v2",
  mounts: [{ version: 2, directory: "/cg", controllers: ["cpuset", "cpu", "io", "memory", "pids", "dmem"] }],
};

/** `mkdir PATH` and `PATH=DATA`, one a step. */
function linesOf(steps: readonly HostStep[]): readonly string[] {
  return steps.map((step) => {
    if (step.kind === "mkdir") return `mkdir ${step.path}`;
    return step.kind === "write" ? `${step.path}=${step.data}` : step.kind;
  });
}

const writesOf = (writes: readonly LimitWrite[]): readonly string[] =>
  writes.map(({ file, data, instead }) =>
    instead === undefined ? `${file}=${data}` : `${file}=${data}, else ${instead.file}=${instead.data}`,
  );

describe("one limit, two versions", () => {
  test.each<[SpecResources, readonly string[], readonly string[]]>([
    [{}, [], []],
    [{ memory: { limit: 100 } }, ["memory.limit_in_bytes=100"], ["memory.max=100"]],
    [
      { memory: { limit: 100, swap: 250, reservation: 50 } },
      ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=250", "memory.soft_limit_in_bytes=50"],
      ["memory.max=100", "memory.swap.max=150", "memory.low=50"],
    ],
    [
      { memory: { limit: 100, swap: 100 } },
      ["memory.limit_in_bytes=100", "memory.memsw.limit_in_bytes=100"],
      ["memory.max=100", "memory.swap.max=0"],
    ],
    [
      { memory: { limit: -1, swap: -1 } },
      ["memory.limit_in_bytes=-1", "memory.memsw.limit_in_bytes=-1"],
      ["memory.max=max", "memory.swap.max=max"],
    ],
    [{ memory: { disableOOMKiller: false } }, ["memory.oom_control=0"], []],
    [
      { cpu: { quota: 50_000, period: 100_000 } },
      ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000"],
      ["cpu.max=50000 100000"],
    ],
    [{ cpu: { quota: 5000 } }, ["cpu.cfs_quota_us=5000"], ["cpu.max=5000 100000"]],
    [
      { cpu: { quota: 5000, burst: 700 } },
      ["cpu.cfs_quota_us=5000", "cpu.cfs_burst_us=700"],
      ["cpu.max=5000 100000", "cpu.max.burst=700"],
    ],
    [{ cpu: { quota: -1 } }, ["cpu.cfs_quota_us=-1"], ["cpu.max=max 100000"]],
    [{ cpu: { period: 2000 } }, ["cpu.cfs_period_us=2000"], ["cpu.max=max 2000"]],
    [{ cpu: { shares: 1024 } }, ["cpu.shares=1024"], ["cpu.weight=39"]],
    [
      { cpu: { cpus: "0-1", mems: "0" } },
      ["cpuset.cpus=0-1", "cpuset.mems=0"],
      ["cpuset.cpus=0-1", "cpuset.mems=0"],
    ],
    [{ cpu: { idle: 1 } }, ["cpu.idle=1"], ["cpu.idle=1"]],
    [{ pids: { limit: 5 } }, ["pids.max=5"], ["pids.max=5"]],
    [{ pids: { limit: -1 } }, ["pids.max=max"], ["pids.max=max"]],
    [{ pids: { limit: 0 } }, ["pids.max=max"], ["pids.max=max"]],
    [
      { hugepageLimits: [{ pageSize: "2MB", limit: 9 }] },
      ["hugetlb.2MB.limit_in_bytes=9"],
      ["hugetlb.2MB.max=9"],
    ],
    [
      { blockIO: { weight: 500 } },
      ["blkio.weight=500, else blkio.bfq.weight=500"],
      ["io.bfq.weight=default 500, else io.weight=default 4950"],
    ],
    [
      { blockIO: { weightDevice: [{ major: 8, minor: 16, weight: 10 }] } },
      ["blkio.weight_device=8:16 10, else blkio.bfq.weight_device=8:16 10"],
      ["io.bfq.weight=8:16 10, else io.weight=8:16 1"],
    ],
    [
      {
        blockIO: {
          throttleReadBpsDevice: [{ major: 8, minor: 0, rate: 1024 }],
          throttleWriteIOPSDevice: [{ major: 8, minor: 0, rate: 0 }],
        },
      },
      ["blkio.throttle.read_bps_device=8:0 1024", "blkio.throttle.write_iops_device=8:0 0"],
      ["io.max=8:0 rbps=1024", "io.max=8:0 wiops=max"],
    ],
  ])("%j", (resources, one, two) => {
    expect(writesOf(limitsV1(resources))).toEqual(one);
    expect(writesOf(limitsV2(resources))).toEqual(two);
  });

  test.each<[SpecResources, string]>([
    [
      { memory: { swappiness: 10 } },
      "cannot limit memory swappiness (memory.swappiness): cgroup v2 has no such limit",
    ],
    [{ memory: { disableOOMKiller: true } }, "cannot limit the OOM killer (memory.oom_control)"],
    [{ memory: { kernel: 1 } }, "cannot limit kernel memory"],
    [{ memory: { swap: 100 } }, "cannot limit swap (memory.swap.max): memory itself is not limited"],
    [{ memory: { limit: 100, swap: 99 } }, "memory plus swap is less than memory"],
    [{ cpu: { realtimeRuntime: 1 } }, "cannot limit real-time CPU"],
    [{ network: { classID: 1 } }, "cannot limit network class (net_cls.classid)"],
    [{ unified: { "../x": "1" } }, 'invalid cgroup file "../x"'],
  ])("v2 refuses %j", (resources, message) => {
    expect(() => limitsV2(resources)).toThrow(message);
  });

  test("raw v2 files, on v2 only", () => {
    expect(writesOf(limitsV2({ unified: { "memory.high": "1" } }))).toEqual(["memory.high=1"]);
    expect(() => limitsV1({ unified: { "memory.high": "1" } })).toThrow("cgroup v1 has no such limit");
  });

  test("block I/O that can't be read is an error", () => {
    expect(() => limitsV1({ blockIO: { leafWeight: 3 } })).toThrow(
      'invalid block I/O limit "leafWeight": not supported',
    );
    expect(() => limitsV1({ blockIO: { weight: "x" } })).toThrow("expected a number");
    expect(() => limitsV2({ blockIO: { throttleReadBpsDevice: [{ major: 8 }] } })).toThrow(
      "expected major, minor and rate",
    );
  });
});

test("weights keep their order and their ends", () => {
  expect([2, 1024, 262_144].map(weightOfShares)).toEqual([1, 39, 10_000]);
  expect([0, 1, 999_999].map(weightOfShares)).toEqual([1, 1, 10_000]);
  expect([10, 1000].map(ioWeightOfBlkio)).toEqual([1, 10_000]);
});

describe("planCgroup", () => {
  test("v2, in a container: what is in the top goes one down before controllers are passed on", () => {
    const facts = { existing: new Set(["/cg/bocker"]), topProcesses: [1, 20] };
    expect(linesOf(planCgroup(v2, "/bocker/id", {}, facts))).toEqual([
      "mkdir /cg/init",
      "/cg/init/cgroup.procs=1",
      "/cg/init/cgroup.procs=20",
      "/cg/cgroup.subtree_control=+cpuset +cpu +io +memory +pids",
      "/cg/bocker/cgroup.subtree_control=+cpuset +cpu +io +memory +pids",
      "mkdir /cg/bocker/id",
    ]);
  });

  const devices = [
    { allow: false, access: "rwm" },
    { allow: true, type: "c", major: 1, minor: 3, access: "rwm" },
  ] as const;

  test("v1: directories, empty cpusets filled from above, limits, devices", () => {
    const facts = { existing: new Set<string>(), cpuset: { cpus: "0-3", mems: "0", empty: ["/bocker"] } };
    expect(linesOf(planCgroup(v1, "/bocker/id", { pids: { limit: 9 }, devices }, facts))).toEqual([
      "mkdir /cg/cpu/bocker",
      "mkdir /cg/cpuset/bocker",
      "/cg/cpuset/bocker/cpuset.cpus=0-3",
      "/cg/cpuset/bocker/cpuset.mems=0",
      "mkdir /cg/memory/bocker",
      "mkdir /cg/devices/bocker",
      "mkdir /cg/pids/bocker",
      "mkdir /cg/unified/bocker",
      "mkdir /cg/cpu/bocker/id",
      "mkdir /cg/cpuset/bocker/id",
      "/cg/cpuset/bocker/id/cpuset.cpus=0-3",
      "/cg/cpuset/bocker/id/cpuset.mems=0",
      "mkdir /cg/memory/bocker/id",
      "mkdir /cg/devices/bocker/id",
      "mkdir /cg/pids/bocker/id",
      "mkdir /cg/unified/bocker/id",
      "/cg/pids/bocker/id/pids.max=9",
      "/cg/devices/bocker/id/devices.deny=a",
      "/cg/devices/bocker/id/devices.allow=c 1:3 rwm",
    ]);
  });

  test("ancestors that are there and a cpuset that is filled are left as they are", () => {
    const existing = new Set(v1.mounts.map(({ directory }) => `${directory}/bocker`));
    const cpuset = { cpus: "1", mems: "0", empty: [] };
    const lines = linesOf(planCgroup(v1, "/bocker/id", {}, { existing, cpuset }));
    expect(lines.filter((line) => line.endsWith("/bocker"))).toEqual([]);
    expect(lines.filter((line) => line.includes("cpuset."))).toEqual([
      "/cg/cpuset/bocker/id/cpuset.cpus=1",
      "/cg/cpuset/bocker/id/cpuset.mems=0",
    ]);
  });

  test("v2: controllers are enabled from the root down, each before the next directory's limits", () => {
    const enable = "+cpuset +cpu +io +memory +pids";
    expect(linesOf(planCgroup(v2, "/a/b/id", { memory: { limit: 7 }, devices }))).toEqual([
      `/cg/cgroup.subtree_control=${enable}`,
      "mkdir /cg/a",
      `/cg/a/cgroup.subtree_control=${enable}`,
      "mkdir /cg/a/b",
      `/cg/a/b/cgroup.subtree_control=${enable}`,
      "mkdir /cg/a/b/id",
      "/cg/a/b/id/memory.max=7",
    ]);
  });

  test("only the container's own directories are undone, all may be there already", () => {
    const steps = planCgroup(v1, "/bocker/id", {});
    const made = steps.filter(({ kind }) => kind === "mkdir");
    expect(made.every(({ ignore }) => ignore?.includes("EEXIST"))).toBe(true);
    const undone = steps.flatMap(({ undo }) => (undo?.kind === "rmdir" ? [undo.path] : []));
    expect(undone).toHaveLength(6);
    expect(undone.every((path) => path.endsWith("/bocker/id"))).toBe(true);
  });

  test("a limit without its controller names both", () => {
    const resources = { hugepageLimits: [{ pageSize: "2MB", limit: 1 }] };
    expect(() => planCgroup(v1, "/bocker/id", resources)).toThrow(
      'cannot set hugetlb.2MB.limit_in_bytes: the cgroup controller "hugetlb" is not available',
    );
  });

  test("a file of a controller that a hybrid has on v2 is written there; of others it has none", () => {
    const mounts = v1.mounts.map((mount) =>
      mount.version === 2 ? { ...mount, controllers: ["hugetlb", "misc"] } : mount,
    );
    const hybrid = { mode: "hybrid", mounts } as const;
    const plan = linesOf(planCgroup(hybrid, "/b/id", { unified: { "hugetlb.2MB.max": "1" } }));
    expect(plan).toContain("/cg/unified/b/id/hugetlb.2MB.max=1");
    expect(plan).toContain("/cg/unified/b/cgroup.subtree_control=+hugetlb");
    expect(() => planCgroup(hybrid, "/b/id", { unified: { "memory.high": "1" } })).toThrow(
      "cannot limit by the file memory.high",
    );
  });

  test("hugetlb under the v2 tree of a hybrid speaks v2", () => {
    const mounts = v1.mounts.map((mount) =>
      mount.version === 2 ? { ...mount, controllers: ["hugetlb"] } : mount,
    );
    const plan = planCgroup({ mode: "hybrid", mounts }, "/b/id", {
      hugepageLimits: [{ pageSize: "2MB", limit: 1 }],
    });
    expect(linesOf(plan)).toContain("/cg/unified/b/id/hugetlb.2MB.max=1");
    expect(linesOf(plan)).toContain("/cg/unified/b/cgroup.subtree_control=+hugetlb");
  });
});
