/**
 * What a cgroup has used: memory, processor time, processes, and whether the OOM killer struck.
 *
 * Reading only. A cgroup that is gone has used nothing. Files: memory.rst, cpuacct.rst, pids.rst of cgroup-v1 and
 * cgroup-v2.rst in the kernel's Documentation/admin-guide.
 */
import { tryReadFile } from "./cgroup-file.ts";
import { type Cgroup, controllerDirectory } from "./hierarchy.ts";

export interface CgroupStats {
  /** As docker counts: without the page cache that is not in active use. */
  readonly memoryUsedBytes: number;
  /** Infinity: no limit. */
  readonly memoryLimitBytes: number;
  readonly cpuNanoseconds: bigint;
  readonly cpuUserNanoseconds: bigint;
  readonly cpuSystemNanoseconds: bigint;
  readonly pids: number;
  /** Infinity: no limit. */
  readonly pidsLimit: number;
}

export function readStats(cgroup: Cgroup): CgroupStats {
  const pids = controllerDirectory(cgroup, "pids")?.directory;
  return {
    ...readMemory(cgroup),
    ...readCpu(cgroup),
    pids: readNumber(pids, "pids.current"),
    pidsLimit: readLimit(pids, "pids.max"),
  };
}

/** Whether the kernel killed a process of this cgroup, or below it, for want of memory. Counters: Linux 4.13. */
export function readOomKilled(cgroup: Cgroup): boolean {
  return readOomKills(cgroup) > 0n;
}

/** How many it killed there. */
export function readOomKills(cgroup: Cgroup): bigint {
  const mount = controllerDirectory(cgroup, "memory");
  const file = mount?.version === 2 ? "memory.events" : "memory.oom_control";
  return readKeyed(mount?.directory, file).get("oom_kill") ?? 0n;
}

function readMemory(cgroup: Cgroup): Pick<CgroupStats, "memoryUsedBytes" | "memoryLimitBytes"> {
  const mount = controllerDirectory(cgroup, "memory");
  const isV2 = mount?.version === 2;
  const used = readNumber(mount?.directory, isV2 ? "memory.current" : "memory.usage_in_bytes");
  const idle =
    readKeyed(mount?.directory, "memory.stat").get(isV2 ? "inactive_file" : "total_inactive_file") ?? 0n;
  const limit = readLimit(mount?.directory, isV2 ? "memory.max" : "memory.limit_in_bytes");
  return { memoryUsedBytes: Math.max(0, used - Number(idle)), memoryLimitBytes: limit };
}

function readCpu(
  cgroup: Cgroup,
): Pick<CgroupStats, "cpuNanoseconds" | "cpuUserNanoseconds" | "cpuSystemNanoseconds"> {
  const mount = controllerDirectory(cgroup, "cpuacct") ?? controllerDirectory(cgroup, "cpu");
  if (mount?.version === 2) {
    const stat = readKeyed(mount.directory, "cpu.stat");
    const nanoseconds = (key: string): bigint => (stat.get(key) ?? 0n) * 1000n;
    return {
      cpuNanoseconds: nanoseconds("usage_usec"),
      cpuUserNanoseconds: nanoseconds("user_usec"),
      cpuSystemNanoseconds: nanoseconds("system_usec"),
    };
  }
  const total = (file: string): bigint => BigInt(readText(mount?.directory, file).match(/^\d+/)?.[0] ?? 0);
  return {
    cpuNanoseconds: total("cpuacct.usage"),
    cpuUserNanoseconds: total("cpuacct.usage_user"),
    cpuSystemNanoseconds: total("cpuacct.usage_sys"),
  };
}

/** Lines of `key value`. */
function readKeyed(directory: string | undefined, file: string): ReadonlyMap<string, bigint> {
  const pairs = readText(directory, file).matchAll(/^(\S+) (\d+)$/gm);
  return new Map([...pairs].map(([, key = "", value = "0"]) => [key, BigInt(value)]));
}

function readNumber(directory: string | undefined, file: string): number {
  return Number(readText(directory, file).trim() || 0);
}

/** v1 writes "no limit" as the largest number of pages (about 2^63), v2 as `max`. */
function readLimit(directory: string | undefined, file: string): number {
  const text = readText(directory, file).trim();
  const limit = Number(text);
  return text === "" || Number.isNaN(limit) || limit > 2 ** 62 ? Number.POSITIVE_INFINITY : limit;
}

function readText(directory: string | undefined, file: string): string {
  return directory === undefined ? "" : (tryReadFile(`${directory}/${file}`) ?? "");
}

export interface BlockTraffic {
  readonly readBytes: number;
  readonly writtenBytes: number;
}

/** Bytes that went to and from block devices. v1: blkio.throttle.io_service_bytes_recursive, v2: io.stat. */
export function readBlockTraffic(cgroup: Cgroup): BlockTraffic {
  const io = controllerDirectory(cgroup, "io");
  if (io?.version === 2) return parseIoStat(readText(io.directory, "io.stat"));
  const blkio = controllerDirectory(cgroup, "blkio")?.directory;
  return parseServiceBytes(readText(blkio, "blkio.throttle.io_service_bytes_recursive"));
}

/** `8:0 rbytes=1459200 wbytes=314773504 rios=192 …`, a line a device. */
export function parseIoStat(text: string): BlockTraffic {
  const sum = (key: string) =>
    [...text.matchAll(new RegExp(`\\b${key}=(\\d+)`, "g"))].reduce((total, [, n]) => total + Number(n), 0);
  return { readBytes: sum("rbytes"), writtenBytes: sum("wbytes") };
}

/** `8:0 Read 1459200`, a line a device and kind; `Total` lines say it again. */
export function parseServiceBytes(text: string): BlockTraffic {
  const sum = (kind: string) =>
    [...text.matchAll(new RegExp(`^\\d+:\\d+ ${kind} (\\d+)$`, "gm"))].reduce(
      (total, [, n]) => total + Number(n),
      0,
    );
  return { readBytes: sum("Read"), writtenBytes: sum("Write") };
}
