/**
 * Settles what a crash left: cgroups of containers that are gone, with anything still running in them.
 *
 * Touches only directories below our own parent whose name is a container id. The caller says which containers are alive,
 * and is asked after the directory was seen: a container's record exists before its cgroup does, so one that is just
 * being started is never taken for a leftover.
 */
import { readdirSync } from "node:fs";
import { hasCode } from "./cgroup-file.ts";
import { type CgroupHierarchy, resolveCgroup } from "./hierarchy.ts";
import { killCgroup, removeCgroup } from "./kill-cgroup.ts";

/** Kills and removes the leftovers below `parent` (`/bocker`). Returns their ids. */
export async function sweepCgroups(
  hierarchy: CgroupHierarchy,
  parent: string,
  isAlive: (containerId: string) => boolean,
): Promise<readonly string[]> {
  const leftovers = listContainerIds(hierarchy, parent).filter((id) => !isAlive(id));
  for (const id of leftovers) {
    const cgroup = resolveCgroup(hierarchy, `${parent}/${id}`);
    await killCgroup(cgroup);
    await removeCgroup(cgroup);
  }
  return leftovers;
}

/** Ids of containers that have a directory below the parent in any tree. */
export function listContainerIds(hierarchy: CgroupHierarchy, parent: string): readonly string[] {
  if (hierarchy.mounts.length === 0) return [];
  const names = resolveCgroup(hierarchy, parent).directories.flatMap(({ directory }) => namesIn(directory));
  return [...new Set(names)].filter((name) => /^[0-9a-f]{64}$/.test(name));
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if (hasCode(error, "ENOENT", "ENODEV")) return [];
    throw error;
  }
}
