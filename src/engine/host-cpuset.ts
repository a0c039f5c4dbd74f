/**
 * Which processors and memory nodes there are, as the kernel lists them: what --cpuset-cpus is checked against.
 */
import { readFileSync } from "node:fs";

export interface HostCpusets {
  /** `0-3`. */
  readonly cpusetCpus: string;
  readonly cpusetMems: string;
}

/** Reads sysfs; a kernel without NUMA has node 0. */
export function readCpusets(): HostCpusets {
  return {
    cpusetCpus: readList("/sys/devices/system/cpu/online"),
    cpusetMems: readList("/sys/devices/system/node/online"),
  };
}

function readList(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "0";
  }
}
