/**
 * The runtime spec's resources, which speak v1, as writes to cgroup v2's files; the conversions are runc's.
 *
 * Pure. See the kernel's Documentation/admin-guide/cgroup-v2.rst and config-linux.md#control-groups.
 */
import { BockerError } from "../errors.ts";
import type { SpecResources } from "../spec/oci.ts";
import { type BlockIo, type DeviceAmount, parseBlockIo } from "./block-io.ts";
import { type LimitWrite, noSuchLimit, orMax, rdmaWrites } from "./limit-write.ts";

/** Everything but devices, which are a program. */
export function limitsV2(resources: SpecResources): readonly LimitWrite[] {
  return [
    ...memoryWrites(resources.memory ?? {}),
    ...cpuWrites(resources.cpu ?? {}),
    ...(resources.pids === undefined ? [] : [write("pids", "pids.max", pidsMax(resources.pids.limit))]),
    ...(resources.blockIO === undefined ? [] : blockIoWrites(parseBlockIo(resources.blockIO))),
    ...(resources.hugepageLimits ?? []).map(({ pageSize, limit }) =>
      write("hugetlb", `hugetlb.${pageSize}.max`, orMax(limit)),
    ),
    ...networkProblem(resources.network ?? {}),
    ...rdmaWrites(resources.rdma ?? {}),
    ...Object.entries(resources.unified ?? {}).map(([file, data]) => unifiedWrite(file, data)),
  ];
}

function memoryWrites(memory: NonNullable<SpecResources["memory"]>): readonly LimitWrite[] {
  if ((memory.swappiness ?? -1) >= 0) throw noSuchLimit("memory swappiness (memory.swappiness)", 2);
  if (memory.disableOOMKiller === true) throw noSuchLimit("the OOM killer (memory.oom_control)", 2);
  if ((memory.kernel ?? -1) > 0) throw noSuchLimit("kernel memory (memory.kmem.limit_in_bytes)", 2);
  if ((memory.kernelTCP ?? -1) > 0)
    throw noSuchLimit("kernel TCP memory (memory.kmem.tcp.limit_in_bytes)", 2);
  const { limit, reservation } = memory;
  const swap = swapMax(memory);
  return [
    ...(limit === undefined ? [] : [write("memory", "memory.max", orMax(limit))]),
    ...(swap === undefined ? [] : [write("memory", "memory.swap.max", swap)]),
    ...(reservation === undefined ? [] : [write("memory", "memory.low", orMax(reservation))]),
  ];
}

/** v1 counts memory plus swap, v2 swap alone. */
function swapMax({ limit, swap }: NonNullable<SpecResources["memory"]>): string | undefined {
  if (swap === undefined) return undefined;
  if (swap < 0) return "max";
  if (limit === undefined || limit < 0) {
    throw new BockerError("cannot limit swap (memory.swap.max): memory itself is not limited", {
      kind: "invalid-config",
    });
  }
  if (swap < limit) {
    throw new BockerError("cannot limit swap (memory.swap.max): memory plus swap is less than memory", {
      kind: "invalid-config",
    });
  }
  return String(swap - limit);
}

function cpuWrites(cpu: NonNullable<SpecResources["cpu"]>): readonly LimitWrite[] {
  if (cpu.realtimePeriod !== undefined || cpu.realtimeRuntime !== undefined) {
    throw noSuchLimit("real-time CPU (cpu.rt_runtime_us)", 2);
  }
  const { shares, quota, period, burst, idle, cpus, mems } = cpu;
  const hasMax = quota !== undefined || period !== undefined;
  return [
    ...(shares === undefined || shares === 0 ? [] : [write("cpu", "cpu.weight", weightOfShares(shares))]),
    ...(hasMax ? [write("cpu", "cpu.max", cpuMax(quota, period))] : []),
    ...(burst === undefined ? [] : [write("cpu", "cpu.max.burst", burst)]),
    ...(idle === undefined ? [] : [write("cpu", "cpu.idle", idle)]),
    ...(cpus ? [write("cpuset", "cpuset.cpus", cpus)] : []),
    ...(mems ? [write("cpuset", "cpuset.mems", mems)] : []),
  ];
}

/** cpu.shares 2…262144 to cpu.weight 1…10000, linear as in runc 1.2. */
export function weightOfShares(shares: number): number {
  const clamped = Math.min(Math.max(shares, 2), 262_144);
  return 1 + Math.floor(((clamped - 2) * 9999) / 262_142);
}

/** blkio.weight 10…1000 to io.weight 1…10000. */
export function ioWeightOfBlkio(weight: number): number {
  return 1 + Math.floor(((weight - 10) * 9999) / 990);
}

function cpuMax(quota: number | undefined, period: number | undefined): string {
  const limit = quota === undefined || quota <= 0 ? "max" : String(quota);
  return `${limit} ${period ?? 100_000}`;
}

function blockIoWrites(io: BlockIo): readonly LimitWrite[] {
  const limits = [
    ["rbps", io.readBps],
    ["wbps", io.writeBps],
    ["riops", io.readIops],
    ["wiops", io.writeIops],
  ] as const;
  return [
    ...(io.weight === undefined ? [] : [weightWrite("default", io.weight)]),
    ...io.weightDevices.map((device) => weightWrite(deviceName(device), device.amount)),
    ...limits.flatMap(([key, devices]) =>
      devices.map((device) =>
        write("io", "io.max", `${deviceName(device)} ${key}=${device.amount || "max"}`),
      ),
    ),
  ];
}

/** The scheduler BFQ has a file, and v1's range, of its own; the other is that of blk-iocost. */
function weightWrite(whose: string, weight: number): LimitWrite {
  const instead = { file: "io.weight", data: `${whose} ${ioWeightOfBlkio(weight)}` };
  return { ...write("io", "io.bfq.weight", `${whose} ${weight}`), instead };
}

function deviceName({ major, minor }: DeviceAmount): string {
  return `${major}:${minor}`;
}

function networkProblem(network: Readonly<Record<string, unknown>>): readonly LimitWrite[] {
  if (network.classID !== undefined) throw noSuchLimit("network class (net_cls.classid)", 2);
  if (network.priorities !== undefined) throw noSuchLimit("network priorities (net_prio.ifpriomap)", 2);
  return [];
}

/** A raw v2 file: `memory.high`. Its controller is the first part of the name. */
function unifiedWrite(file: string, data: string): LimitWrite {
  if (!/^[a-z][a-z0-9_]*\.[A-Za-z0-9_.]+$/.test(file)) {
    throw new BockerError(`invalid cgroup file "${file}" in "unified"`, { kind: "invalid-config" });
  }
  return write(file.split(".", 1)[0] ?? "", file, data);
}

function write(controller: string, file: string, data: string | number): LimitWrite {
  return { controller, file, data: String(data) };
}

function pidsMax(limit: number): string {
  return limit > 0 ? String(limit) : "max";
}
