/**
 * The numbers of `events`, in the shape of runc's (types/events.go), read from the files of either cgroup version.
 *
 * Reading only; a file that is not there is a number that is not shown.
 */
import { tryReadFile } from "../cgroup/cgroup-file.ts";
import { readStats } from "../cgroup/cgroup-stats.ts";
import { type Cgroup, controllerDirectory } from "../cgroup/hierarchy.ts";

type Json = Readonly<Record<string, unknown>>;

declare global {
  interface JSON {
    /** Bun has it, TypeScript's library not yet. */
    rawJSON(text: string): object;
  }
}

/** "max" in v2's files, as Go has it. */
const unlimited = 2n ** 64n - 1n;

/** A stats event as one line of JSON. */
export function renderStatsEvent(id: string, cgroup: Cgroup): string {
  return JSON.stringify({ type: "stats", id, data: containerStats(cgroup) }, exactly);
}

/** Every digit of it: the double next to 2^64-1 is one that Go's uint64 refuses. */
function exactly(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? JSON.rawJSON(`${value}`) : value;
}

function containerStats(cgroup: Cgroup): Json {
  const { cpuNanoseconds, cpuUserNanoseconds, cpuSystemNanoseconds, pids, pidsLimit } = readStats(cgroup);
  const cpu = controllerDirectory(cgroup, "cpu")?.directory;
  const percpu = read(controllerDirectory(cgroup, "cpuacct")?.directory, "cpuacct.usage_percpu");
  return {
    cpu: {
      usage: {
        total: Number(cpuNanoseconds),
        ...(percpu === undefined ? {} : { percpu: percpu.split(/\s+/).map(Number) }),
        kernel: Number(cpuSystemNanoseconds),
        user: Number(cpuUserNanoseconds),
      },
      throttling: throttling(keyed(read(cpu, "cpu.stat"))),
    },
    memory: memoryStats(cgroup),
    pids: { current: pids, ...(Number.isFinite(pidsLimit) ? { limit: pidsLimit } : {}) },
    blkio: blockStats(cgroup),
    hugetlb: hugePageStats(cgroup),
    intel_rdt: {},
    network_interfaces: null,
  };
}

function throttling(stat: Json): Json {
  const nanoseconds = stat.throttled_time ?? Number(stat.throttled_usec ?? 0) * 1000;
  const all = { periods: stat.nr_periods, throttledPeriods: stat.nr_throttled, throttledTime: nanoseconds };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => Number(value ?? 0) !== 0));
}

function memoryStats(cgroup: Cgroup): Json {
  const mount = controllerDirectory(cgroup, "memory");
  if (mount === undefined) return {};
  const { directory } = mount;
  const raw = keyed(read(directory, "memory.stat"));
  if (mount.version === 2) {
    const usage = amount(directory, "memory.current", "memory.max", "memory.peak");
    const swap = amount(directory, "memory.swap.current", "memory.swap.max", "memory.swap.peak");
    return { cache: raw.file, usage, swap, kernel: {}, kernelTCP: {}, raw };
  }
  const v1 = (prefix: string): Json => ({
    ...amount(directory, `${prefix}usage_in_bytes`, `${prefix}limit_in_bytes`, `${prefix}max_usage_in_bytes`),
    failcnt: number(read(directory, `${prefix}failcnt`)) ?? 0,
  });
  return {
    cache: raw.cache,
    usage: v1("memory."),
    swap: v1("memory.memsw."),
    kernel: v1("memory.kmem."),
    kernelTCP: v1("memory.kmem.tcp."),
    raw,
  };
}

function amount(directory: string, usage: string, limit: string, max: string): Json {
  const all = {
    limit: number(read(directory, limit)),
    usage: number(read(directory, usage)),
    max: number(read(directory, max)),
  };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

/** v1: `8:0 Read 4096`; v2: `8:0 rbytes=4096 …`. */
function blockStats(cgroup: Cgroup): Json {
  const io = controllerDirectory(cgroup, "io");
  if (io?.version === 2) {
    const operations = [
      ["rbytes", "Read"],
      ["wbytes", "Write"],
    ] as const;
    const lines = (read(io.directory, "io.stat") ?? "").split("\n");
    const entries = lines.flatMap((line) =>
      operations.flatMap(([key, op]) => {
        const match = new RegExp(`^(\\d+):(\\d+) .*\\b${key}=(\\d+)`).exec(line);
        return match === null ? [] : [entry(match[1], match[2], op, match[3])];
      }),
    );
    return entries.length === 0 ? {} : { ioServiceBytesRecursive: entries };
  }
  const blkio = controllerDirectory(cgroup, "blkio")?.directory;
  const text = read(blkio, "blkio.throttle.io_service_bytes_recursive") ?? "";
  const entries = [...text.matchAll(/^(\d+):(\d+) (\w+) (\d+)$/gm)].map(([, major, minor, op, value]) =>
    entry(major, minor, op, value),
  );
  return entries.length === 0 ? {} : { ioServiceBytesRecursive: entries };
}

function entry(major = "", minor = "", op = "", value = ""): Json {
  return { major: Number(major), minor: Number(minor), op, value: Number(value) };
}

const pageSizes = ["64KB", "2MB", "32MB", "1GB"] as const;

function hugePageStats(cgroup: Cgroup): Json {
  const mount = controllerDirectory(cgroup, "hugetlb");
  if (mount === undefined) return {};
  const { directory, version } = mount;
  const stats = pageSizes.flatMap((size) => {
    const file = (v1: string, v2: string): string => `hugetlb.${size}.${version === 2 ? v2 : v1}`;
    const usage = number(read(directory, file("usage_in_bytes", "current")));
    if (usage === undefined) return [];
    const max = number(read(directory, file("max_usage_in_bytes", "max"))) ?? 0;
    return [
      [size, { usage, max, failcnt: number(read(directory, file("failcnt", "events"))) ?? 0 }] as const,
    ];
  });
  return Object.fromEntries(stats);
}

function read(directory: string | undefined, file: string): string | undefined {
  return directory === undefined ? undefined : tryReadFile(`${directory}/${file}`)?.trim();
}

/** A bigint where a double has not every digit, as of v1's "no limit". */
function number(text: string | undefined): number | bigint | undefined {
  if (text === undefined) return undefined;
  if (text === "max") return unlimited;
  const value = Number.parseInt(text, 10) || 0;
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

function keyed(text: string | undefined): Json {
  const lines = (text ?? "").matchAll(/^(\S+) (\d+)$/gm);
  return Object.fromEntries([...lines].map(([, key = "", value = "0"]) => [key, number(value)]));
}
