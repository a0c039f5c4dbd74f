/**
 * Limits that hold each other in check, in an order the kernel takes: what the cgroup has now and what it will have must
 * fit at every step, below the limits of the cgroups above it too. v1; v2 takes such pairs in one write.
 */
import type { HostStep } from "../host/step.ts";
import type { SpecResources } from "../spec/oci.ts";
import { tryReadFile } from "./cgroup-file.ts";
import { type Cgroup, controllerDirectory } from "./hierarchy.ts";

/** The steps of an update, those that must come first moved to the front. */
export function inWriteOrder(
  cgroup: Cgroup,
  { memory = {}, cpu = {} }: SpecResources,
  steps: readonly HostStep[],
): readonly HostStep[] {
  const now = (controller: string, file: string): number | undefined => {
    const mount = controllerDirectory(cgroup, controller);
    const text = mount?.version === 1 ? tryReadFile(`${mount.directory}/${file}`) : undefined;
    return text === undefined ? undefined : Number(text);
  };
  const first: string[] = [];
  // Memory may not be more than memory plus swap.
  if (memory.limit !== undefined && memory.swap !== undefined) {
    const swap = now("memory", "memory.memsw.limit_in_bytes");
    if (swap !== undefined && (memory.swap < 0 || memory.swap > swap))
      first.push("memory.memsw.limit_in_bytes");
  }
  // A quota counts by its share of the period: the old one in a shorter period could be more than the parent's.
  if (isLess(cpu.period, now("cpu", "cpu.cfs_period_us"))) first.push("cpu.cfs_quota_us");
  if (isLess(cpu.realtimePeriod, now("cpu", "cpu.rt_period_us"))) first.push("cpu.rt_runtime_us");
  // A burst may not be more than the quota.
  if (isLess(cpu.burst, now("cpu", "cpu.cfs_burst_us"))) first.unshift("cpu.cfs_burst_us");
  if (first.length === 0) return steps;
  const rank = (step: HostStep): number => {
    const file = "path" in step ? step.path.slice(step.path.lastIndexOf("/") + 1) : "";
    return first.includes(file) ? first.indexOf(file) : first.length;
  };
  return steps.toSorted((a, b) => rank(a) - rank(b));
}

function isLess(wanted: number | undefined, now: number | undefined): boolean {
  return wanted !== undefined && now !== undefined && wanted < now;
}
