/**
 * A container's limits as the runtime spec's `linux.resources`, and docker's checks of them.
 *
 * Pure. What the kernel here can hold is src/cgroup's to say. Messages are docker's, word for word: scripts grep them.
 */
import type { ResourceConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { blockIoOf, type DeviceNumbers } from "./block-io.ts";
import type { SpecDeviceRule, SpecResources } from "./oci.ts";

const minMemoryBytes = 6 * 1024 * 1024;
/** The CFS period behind --cpus. */
const cpuPeriodUs = 100_000;

export interface HostLimits {
  /** Processors online. */
  readonly cpus: number;
  /** cpuset lists of what there is: `0-3`, `0`. */
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
}

export interface ResourceOptions {
  readonly devices: readonly SpecDeviceRule[];
  /** Can memory plus swap be limited here? Docker's implied limit of twice the memory is left out where not. */
  readonly swapLimit: boolean;
  /** Of the block devices that limits name; absent: they name none. */
  readonly blockDevices?: DeviceNumbers;
}

/** Throws docker's message for the first limit that makes no sense. */
export function validateResources(resources: ResourceConfig, host: HostLimits): void {
  const problem = memoryProblem(resources) ?? cpuProblem(resources, host) ?? cpusetProblem(resources, host);
  if (problem !== undefined) throw new BockerError(problem, { kind: "invalid-config" });
}

function memoryProblem(resources: ResourceConfig): string | undefined {
  const memory = resources.memoryBytes ?? 0;
  const swap = resources.memorySwapBytes ?? 0;
  const reservation = resources.memoryReservationBytes ?? 0;
  const swappiness = resources.memorySwappiness ?? -1;
  if (memory !== 0 && memory < minMemoryBytes) return "Minimum memory limit allowed is 6MB";
  if (memory > 0 && swap > 0 && swap < memory) {
    return "Minimum memoryswap limit should be larger than memory limit, see usage";
  }
  if (memory === 0 && swap > 0) {
    return "You should always set the Memory limit when using Memoryswap limit, see usage";
  }
  if (swappiness < -1 || swappiness > 100) {
    return `Invalid value: ${swappiness}, valid memory swappiness range is 0-100`;
  }
  if (reservation > 0 && reservation < minMemoryBytes) return "Minimum memory reservation allowed is 6MB";
  if (memory > 0 && reservation > memory) {
    return "Minimum memory limit can not be less than memory reservation limit, see usage";
  }
  return undefined;
}

function cpuProblem(resources: ResourceConfig, { cpus }: HostLimits): string | undefined {
  const { nanoCpus = 0, cpuPeriodUs: period = 0, cpuQuotaUs: quota = 0, cpuShares = 0 } = resources;
  if (nanoCpus > 0 && period > 0) return "Conflicting options: Nano CPUs and CPU Period cannot both be set";
  if (nanoCpus > 0 && quota > 0) return "Conflicting options: Nano CPUs and CPU Quota cannot both be set";
  if (nanoCpus < 0 || nanoCpus > cpus * 1e9) {
    return `range of CPUs is from 0.01 to ${cpus}.00, as there are only ${cpus} CPUs available`;
  }
  if (cpuShares < 0) return `invalid CPU shares (${cpuShares}): value must be a positive integer`;
  if (period !== 0 && (period < 1000 || period > 1_000_000)) {
    return "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)";
  }
  if (quota > 0 && quota < 1000) return "CPU cfs quota can not be less than 1ms (i.e. 1000)";
  return undefined;
}

function cpusetProblem(resources: ResourceConfig, host: HostLimits): string | undefined {
  const lists = [
    ["cpus", "CPUs", resources.cpusetCpus, host.cpusetCpus],
    ["mems", "memory nodes", resources.cpusetMems, host.cpusetMems],
  ] as const;
  for (const [name, words, asked, available] of lists) {
    if (asked === undefined || asked === "") continue;
    const wanted = parseCpuList(asked);
    if (wanted === undefined) return `Invalid value ${asked} for cpuset ${name}`;
    const there = parseCpuList(available) ?? new Set<number>();
    if ([...wanted].some((number) => !there.has(number))) {
      return `Requested ${words} are not available - requested ${asked}, available: ${available}`;
    }
  }
  return undefined;
}

/** `0-2,7` to the numbers in it; undefined when it is no such list (cpuset(7), list format). */
export function parseCpuList(text: string): ReadonlySet<number> | undefined {
  const numbers = new Set<number>();
  for (const part of text.trim().split(",")) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part.trim());
    if (match === null) return undefined;
    const first = Number(match[1]);
    const last = match[2] === undefined ? first : Number(match[2]);
    if (last < first) return undefined;
    for (let number = first; number <= last; number++) numbers.add(number);
  }
  return numbers;
}

/** The spec's resources. --cpus becomes a quota per 100 ms; memory alone implies swap of the same size. */
export function specResources(resources: ResourceConfig, options: ResourceOptions): SpecResources {
  const memory = memoryLimits(resources, options.swapLimit);
  const cpu = cpuLimits(resources);
  const { pidsLimit, cgroupConf } = resources;
  return {
    devices: options.devices,
    ...(Object.keys(memory).length === 0 ? {} : { memory }),
    ...(Object.keys(cpu).length === 0 ? {} : { cpu }),
    ...(pidsLimit === undefined ? {} : { pids: { limit: pidsLimit > 0 ? pidsLimit : -1 } }),
    ...blockIoOf(resources, options.blockDevices ?? {}),
    ...(cgroupConf === undefined ? {} : { unified: cgroupConf }),
  };
}

function memoryLimits(resources: ResourceConfig, swapLimit: boolean): NonNullable<SpecResources["memory"]> {
  const {
    memoryBytes = 0,
    memorySwapBytes = 0,
    memoryReservationBytes = 0,
    memorySwappiness = -1,
    kernelMemoryTcpBytes = 0,
  } = resources;
  const impliedSwap = memoryBytes > 0 && swapLimit ? memoryBytes * 2 : 0;
  const swap = memorySwapBytes === 0 ? impliedSwap : memorySwapBytes;
  return {
    ...(memoryBytes > 0 ? { limit: memoryBytes } : {}),
    ...(memoryReservationBytes > 0 ? { reservation: memoryReservationBytes } : {}),
    ...(kernelMemoryTcpBytes > 0 ? { kernelTCP: kernelMemoryTcpBytes } : {}),
    ...(swap === 0 ? {} : { swap }),
    ...(memorySwappiness >= 0 ? { swappiness: memorySwappiness } : {}),
    ...(resources.oomKillDisable === true ? { disableOOMKiller: true } : {}),
  };
}

function cpuLimits(resources: ResourceConfig): NonNullable<SpecResources["cpu"]> {
  const { nanoCpus = 0, cpuShares = 0, cpuPeriodUs: period = 0, cpuQuotaUs: quota = 0 } = resources;
  const { cpuRealtimePeriodUs: realtimePeriod = 0, cpuRealtimeRuntimeUs: realtimeRuntime = 0 } = resources;
  return {
    ...(cpuShares > 0 ? { shares: cpuShares } : {}),
    ...(nanoCpus > 0 ? { period: cpuPeriodUs, quota: Math.trunc((nanoCpus * cpuPeriodUs) / 1e9) } : {}),
    ...(period === 0 ? {} : { period }),
    ...(quota === 0 ? {} : { quota }),
    ...(realtimePeriod > 0 ? { realtimePeriod } : {}),
    ...(realtimeRuntime > 0 ? { realtimeRuntime } : {}),
    ...(resources.cpusetCpus ? { cpus: resources.cpusetCpus } : {}),
    ...(resources.cpusetMems ? { mems: resources.cpusetMems } : {}),
  };
}
