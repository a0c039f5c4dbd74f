/**
 * Giving back what a container holds on the host while it runs: cgroup, addresses, ports, runtime folder.
 *
 * Idempotent, and every part is keyed by container id: after a crash it is done again, by anybody. What belongs to the
 * container's processes (mounts, the veth pair) the kernel has taken back already.
 */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { resolveCgroup } from "../cgroup/hierarchy.ts";
import { removeCgroup } from "../cgroup/kill-cgroup.ts";
import { messageOf } from "../errors.ts";
import { releaseNetworking } from "../network/release-networking.ts";
import type { ContainerRecord } from "../state/record.ts";
import { cgroupPathOf } from "./container-cgroup.ts";
import type { Engine } from "./engine.ts";

/** Goes on after an error; gives what went wrong, a line each. */
export async function releaseContainer(engine: Engine, record: ContainerRecord): Promise<readonly string[]> {
  const problems: string[] = [];
  const attempt = async (what: string, action: () => unknown): Promise<void> => {
    try {
      await action();
    } catch (error) {
      problems.push(`cannot release ${what} of container "${record.name}": ${messageOf(error)}`);
    }
  };
  await attempt("the network", () => releaseNetworking(engine.state, engine.settings.network, record.id));
  await attempt("the cgroup", () => releaseCgroup(engine, record));
  await attempt("the runtime folder", () => removeRunFolder(engine, record.id));
  return problems;
}

async function releaseCgroup(engine: Engine, record: ContainerRecord): Promise<void> {
  const hierarchy = detectCgroups();
  if (hierarchy.mode !== "none") await removeCgroup(resolveCgroup(hierarchy, cgroupPathOf(engine, record)));
}

/** Sockets of a monitor that is gone. */
function removeRunFolder(engine: Engine, id: string): void {
  rmSync(join(engine.paths.runContainers, id), { recursive: true, force: true });
}
