/**
 * The runtime spec's resources as writes to cgroup v1's files, in an order the kernel takes.
 *
 * Pure. Memory before memory plus swap, the period before the quota. See the kernel's
 * Documentation/admin-guide/cgroup-v1/ and config-linux.md#control-groups.
 */
import type { SpecResources } from "../spec/oci.ts";
import { type BlockIo, type DeviceAmount, parseBlockIo } from "./block-io.ts";
import { isSet, type LimitWrite, noSuchLimit, rdmaWrites } from "./limit-write.ts";

/** Everything but devices, which src/security renders. */
export function limitsV1(resources: SpecResources): readonly LimitWrite[] {
  const [unified] = Object.keys(resources.unified ?? {});
  if (unified !== undefined)
    throw noSuchLimit(`by the file ${unified} (invalid configuration of linux.resources.unified)`, 1);
  return [
    ...memoryWrites(resources.memory ?? {}),
    ...cpuWrites(resources.cpu ?? {}),
    ...(resources.pids === undefined ? [] : [write("pids", "pids.max", pidsMax(resources.pids.limit))]),
    ...(resources.blockIO === undefined ? [] : blockIoWrites(parseBlockIo(resources.blockIO))),
    ...(resources.hugepageLimits ?? []).map(({ pageSize, limit }) =>
      write("hugetlb", `hugetlb.${pageSize}.limit_in_bytes`, limit),
    ),
    ...networkWrites(resources.network ?? {}),
    ...rdmaWrites(resources.rdma ?? {}),
  ];
}

function memoryWrites(memory: NonNullable<SpecResources["memory"]>): readonly LimitWrite[] {
  return numbers("memory", [
    ["memory.limit_in_bytes", memory.limit],
    ["memory.memsw.limit_in_bytes", memory.swap],
    ["memory.soft_limit_in_bytes", memory.reservation],
    ["memory.kmem.limit_in_bytes", memory.kernel],
    ["memory.kmem.tcp.limit_in_bytes", memory.kernelTCP],
    ["memory.swappiness", memory.swappiness],
    [
      "memory.oom_control",
      memory.disableOOMKiller === undefined ? undefined : Number(memory.disableOOMKiller),
    ],
  ]);
}

function cpuWrites(cpu: NonNullable<SpecResources["cpu"]>): readonly LimitWrite[] {
  const { cpus, mems } = cpu;
  return [
    ...numbers("cpu", [
      ["cpu.shares", cpu.shares],
      ["cpu.cfs_period_us", cpu.period],
      ["cpu.cfs_quota_us", cpu.quota],
      ["cpu.cfs_burst_us", cpu.burst],
      ["cpu.rt_period_us", cpu.realtimePeriod],
      ["cpu.rt_runtime_us", cpu.realtimeRuntime],
      ["cpu.idle", cpu.idle],
    ]),
    ...(cpus ? [write("cpuset", "cpuset.cpus", cpus)] : []),
    ...(mems ? [write("cpuset", "cpuset.mems", mems)] : []),
  ];
}

function blockIoWrites(io: BlockIo): readonly LimitWrite[] {
  const perDevice = (file: string, amounts: readonly DeviceAmount[]): readonly LimitWrite[] =>
    amounts.map(({ major, minor, amount }) => write("blkio", file, `${major}:${minor} ${amount}`));
  return [
    ...(io.weight === undefined ? [] : [weightWrite("weight", String(io.weight))]),
    ...io.weightDevices.map(({ major, minor, amount }) =>
      weightWrite("weight_device", `${major}:${minor} ${amount}`),
    ),
    ...perDevice("blkio.throttle.read_bps_device", io.readBps),
    ...perDevice("blkio.throttle.write_bps_device", io.writeBps),
    ...perDevice("blkio.throttle.read_iops_device", io.readIops),
    ...perDevice("blkio.throttle.write_iops_device", io.writeIops),
  ];
}

/** Since Linux 5.0, when CFQ went, weights are those of the scheduler BFQ, which names its files. */
function weightWrite(name: string, data: string): LimitWrite {
  return { ...write("blkio", `blkio.${name}`, data), instead: { file: `blkio.bfq.${name}`, data } };
}

/** `classID` and `priorities` of config-linux.md#network. */
function networkWrites(network: Readonly<Record<string, unknown>>): readonly LimitWrite[] {
  const { classID, priorities } = network;
  const list = Array.isArray(priorities) ? (priorities as { name: string; priority: number }[]) : [];
  return [
    ...(typeof classID === "number" ? [write("net_cls", "net_cls.classid", classID)] : []),
    ...list.map(({ name, priority }) => write("net_prio", "net_prio.ifpriomap", `${name} ${priority}`)),
  ];
}

function numbers(
  controller: string,
  files: readonly (readonly [file: string, value: number | undefined])[],
): readonly LimitWrite[] {
  return files.flatMap(([file, value]) => (isSet(value) ? [write(controller, file, value)] : []));
}

function write(controller: string, file: string, data: string | number): LimitWrite {
  return { controller, file, data: String(data) };
}

function pidsMax(limit: number): string {
  return limit > 0 ? String(limit) : "max";
}
