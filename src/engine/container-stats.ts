/**
 * What containers use at a moment: the counters that `stats` makes its figures from.
 */
import { readFileSync } from "node:fs";
import { type BlockTraffic, readBlockTraffic, readStats } from "../cgroup/cgroup-stats.ts";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { resolveCgroup } from "../cgroup/hierarchy.ts";
import { monotonicMs } from "../host/clock.ts";
import { totalMemoryBytes } from "../host/host-facts.ts";
import { networkModeOf } from "../network/networking.ts";
import type { ContainerRecord } from "../state/record.ts";
import { cgroupPathOf } from "./container-cgroup.ts";
import type { Engine } from "./engine.ts";

export interface NetworkTraffic {
  readonly receivedBytes: number;
  readonly sentBytes: number;
}

export interface ContainerUsage {
  /** When, on the clock that never jumps. */
  readonly atMs: number;
  readonly cpuNanoseconds: bigint;
  readonly memoryUsedBytes: number;
  /** The container's, or what the machine has. */
  readonly memoryLimitBytes: number;
  readonly pids: number;
  readonly network: NetworkTraffic;
  readonly block: BlockTraffic;
}

/** The counters of a container that runs; undefined for one that does not, and on a host without cgroups. */
export function readContainerUsage(engine: Engine, record: ContainerRecord): ContainerUsage | undefined {
  const hierarchy = detectCgroups();
  if (record.init === undefined || hierarchy.mode === "none") return undefined;
  const cgroup = resolveCgroup(hierarchy, cgroupPathOf(engine, record));
  const stats = readStats(cgroup);
  return {
    atMs: monotonicMs(),
    cpuNanoseconds: stats.cpuNanoseconds,
    memoryUsedBytes: stats.memoryUsedBytes,
    memoryLimitBytes: Math.min(stats.memoryLimitBytes, totalMemoryBytes()),
    pids: stats.pids,
    network: readTraffic(record),
    block: readBlockTraffic(cgroup),
  };
}

/** Percent of one processor between two looks, as docker counts: two busy ones are 200. */
export function cpuPercent(earlier: ContainerUsage | undefined, later: ContainerUsage): number {
  if (earlier === undefined || later.atMs <= earlier.atMs) return 0;
  const used = Number(later.cpuNanoseconds - earlier.cpuNanoseconds) / 1e6;
  return Math.max(0, (used / (later.atMs - earlier.atMs)) * 100);
}

/** Who shares the host's network has none of its own: docker shows zeros. */
function readTraffic({ init, config }: ContainerRecord): NetworkTraffic {
  const mode = networkModeOf(config.networks);
  if (mode === "host" || mode === "none" || init === undefined) return { receivedBytes: 0, sentBytes: 0 };
  try {
    return parseTraffic(readFileSync(`/proc/${init.pid}/net/dev`, "utf8"));
  } catch {
    // It has ended meanwhile.
    return { receivedBytes: 0, sentBytes: 0 };
  }
}

/** Sums every interface of /proc/net/dev but the loopback: proc_net(5). */
export function parseTraffic(text: string): NetworkTraffic {
  let receivedBytes = 0;
  let sentBytes = 0;
  for (const line of text.split("\n").slice(2)) {
    const [name = "", numbers = ""] = line.split(":");
    if (name.trim() === "lo" || numbers === "") continue;
    const columns = numbers.trim().split(/\s+/).map(Number);
    receivedBytes += columns[0] ?? 0;
    sentBytes += columns[8] ?? 0;
  }
  return { receivedBytes, sentBytes };
}
