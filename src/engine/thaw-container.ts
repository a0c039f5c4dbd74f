/**
 * Letting a paused container go on, so that it can take a signal and end. Pausing is in pause-container.ts.
 */
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { type Cgroup, resolveCgroup } from "../cgroup/hierarchy.ts";
import { thawCgroup } from "../cgroup/kill-cgroup.ts";
import { setStatus } from "../state/container-life.ts";
import type { ContainerRecord } from "../state/record.ts";
import { cgroupPathOf } from "./container-cgroup.ts";
import type { Engine } from "./engine.ts";

/** Thaws, then says so in the record; does nothing to a container that is not paused. */
export async function thawContainer(engine: Engine, record: ContainerRecord): Promise<void> {
  if (record.status !== "paused") return;
  await thawCgroup(cgroupOf(engine, record));
  setStatus(engine.state, record.id, ["paused"], "running");
}

/** A container's directories in every tree. Throws where the host has no cgroups. */
export function cgroupOf(engine: Engine, record: ContainerRecord): Cgroup {
  return resolveCgroup(detectCgroups(), cgroupPathOf(engine, record));
}
