/**
 * Reads which cgroup trees this host has: two small files, a tenth of a millisecond.
 */
import { readFileSync } from "node:fs";
import { tryReadFile } from "./cgroup-file.ts";
import { type CgroupHierarchy, hierarchyOf, parseCgroupMounts } from "./hierarchy.ts";

/** From /proc/self/mountinfo and the root's cgroup.controllers. Not cached: mounts change under long-lived monitors. */
export function detectCgroups(): CgroupHierarchy {
  const mounts = parseCgroupMounts(readFileSync("/proc/self/mountinfo", "utf8"));
  const unified = mounts.find(({ version }) => version === 2);
  const controllers =
    unified === undefined ? undefined : tryReadFile(`${unified.directory}/cgroup.controllers`);
  return hierarchyOf(mounts, controllers === undefined ? [] : controllers.split(/\s+/).filter(Boolean));
}

/** Whether memory and swap together can be limited here (CONFIG_MEMCG_SWAP, `swapaccount=`). */
export function hasSwapLimit(hierarchy: CgroupHierarchy): boolean {
  const memory = hierarchy.mounts.find(({ controllers }) => controllers.includes("memory"));
  if (memory === undefined) return false;
  if (memory.version === 2) return tryReadFile("/proc/swaps") !== undefined;
  return tryReadFile(`${memory.directory}/memory.memsw.limit_in_bytes`) !== undefined;
}
