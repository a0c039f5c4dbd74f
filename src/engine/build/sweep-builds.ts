/**
 * Removing a build: what its containers hold on the host, its folder, its row. For builds that have ended, and for those
 * whose process was killed.
 */
import { join } from "node:path";
import { detectCgroups } from "../../cgroup/detect-cgroups.ts";
import { resolveCgroup } from "../../cgroup/hierarchy.ts";
import { killCgroup } from "../../cgroup/kill-cgroup.ts";
import { deleteBuild, listDeadBuilds } from "../../state/build.ts";
import type { ContainerRecord } from "../../state/record.ts";
import { removeTree } from "../../storage/remove-tree.ts";
import { cgroupPathOf } from "../container-cgroup.ts";
import type { Engine } from "../engine.ts";
import { releaseContainer } from "../release-container.ts";

/** Any number of times, by anybody. Gives what could not be given back, a line each. */
export async function removeBuild(engine: Engine, record: ContainerRecord): Promise<readonly string[]> {
  const problems = await releaseContainer(engine, record);
  removeTree(engine.paths, join(engine.paths.containers, record.id));
  deleteBuild(engine.state, record.id);
  return problems;
}

/** Ends what dead builds have left running, and removes them. */
export async function sweepBuilds(engine: Engine): Promise<void> {
  for (const record of listDeadBuilds(engine.state)) {
    const hierarchy = detectCgroups();
    // Their containers die with them, but for one whose program was setuid (prctl(2), PR_SET_PDEATHSIG).
    if (hierarchy.mode !== "none") await killCgroup(resolveCgroup(hierarchy, cgroupPathOf(engine, record)));
    await removeBuild(engine, record);
  }
}
