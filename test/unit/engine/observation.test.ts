/** The pure parts of stats and diff. */
import { describe, expect, test } from "bun:test";
import { parseIoStat, parseServiceBytes } from "../../../src/cgroup/cgroup-stats.ts";
import { type ContainerUsage, cpuPercent, parseTraffic } from "../../../src/engine/container-stats.ts";
import { withoutEngineTargets } from "../../../src/engine/list-changes.ts";

const usage = (atMs: number, cpuMs: number): ContainerUsage => ({
  atMs,
  cpuNanoseconds: BigInt(cpuMs) * 1_000_000n,
  memoryUsedBytes: 0,
  memoryLimitBytes: 0,
  pids: 1,
  network: { receivedBytes: 0, sentBytes: 0 },
  block: { readBytes: 0, writtenBytes: 0 },
});

test("percent of one processor", () => {
  expect(cpuPercent(undefined, usage(5, 5))).toBe(0);
  expect(cpuPercent(usage(0, 0), usage(1000, 500))).toBe(50);
  expect(cpuPercent(usage(0, 0), usage(1000, 2000))).toBe(200);
  expect(cpuPercent(usage(1000, 0), usage(1000, 10))).toBe(0);
  expect(cpuPercent(usage(0, 100), usage(1000, 0))).toBe(0);
});

test("traffic is that of every interface but the loopback", () => {
  const lines = [
    "Inter-|   Receive                                                |  Transmit",
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed",
    "    lo: 1000 1 0 0 0 0 0 0 1000 1 0 0 0 0 0 0",
    "  eth0: 12 1 0 0 0 0 0 0 34 1 0 0 0 0 0 0",
    "  eth1:100 1 0 0 0 0 0 0 200 1 0 0 0 0 0 0",
    "",
  ];
  expect(parseTraffic(lines.join("\n"))).toEqual({ receivedBytes: 112, sentBytes: 234 });
  expect(parseTraffic("")).toEqual({ receivedBytes: 0, sentBytes: 0 });
});

describe("block traffic", () => {
  test("v2", () => {
    const text = "8:0 rbytes=10 wbytes=20 rios=1 wios=2 dbytes=5 dios=1\n8:16 rbytes=1 wbytes=2\n";
    expect(parseIoStat(text)).toEqual({ readBytes: 11, writtenBytes: 22 });
    expect(parseIoStat("")).toEqual({ readBytes: 0, writtenBytes: 0 });
  });

  test("v1", () => {
    const text = "8:0 Read 10\n8:0 Write 20\n8:0 Sync 30\n8:0 Total 30\n8:16 Read 1\nTotal 31\n";
    expect(parseServiceBytes(text)).toEqual({ readBytes: 11, writtenBytes: 20 });
    expect(parseServiceBytes("Total 0\n")).toEqual({ readBytes: 0, writtenBytes: 0 });
  });
});

describe("what the engine puts there is no change", () => {
  const changes = (...lines: readonly string[]) =>
    lines.map((line) => ({
      kind: ({ A: "added", C: "changed", D: "deleted" } as const)[line[0] as "A" | "C" | "D"],
      path: line.slice(2),
    }));

  test("mount targets go, and a directory that changed for nothing else", () => {
    const list = changes("A /dev", "C /etc", "A /etc/hosts", "A /etc/resolv.conf", "A /proc", "A /x");
    expect(withoutEngineTargets(list)).toEqual(changes("A /x"));
  });

  test("a directory with other changes stays", () => {
    const list = changes("C /etc", "C /etc/group", "A /etc/hosts");
    expect(withoutEngineTargets(list)).toEqual(changes("C /etc", "C /etc/group"));
  });

  test("targets that the image has are the container's own", () => {
    const list = changes("C /etc", "C /etc/hosts", "D /proc");
    expect(withoutEngineTargets(list)).toEqual(list);
  });
});
