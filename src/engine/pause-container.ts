/**
 * `pause` and `unpause`: every process of a container stopped where it stands, and let go again, by the cgroup freezer.
 *
 * The status is written before the freezing and after the thawing: whatever is cut short in between, it says paused, and
 * `unpause` puts it right.
 */
import { freezeCgroup } from "../cgroup/kill-cgroup.ts";
import { BockerError } from "../errors.ts";
import { setStatus } from "../state/container-life.ts";
import { isNotRunning, requireInit } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { cgroupOf, thawContainer } from "./thaw-container.ts";

/** Throws docker's refusals: not running, restarting, paused already. */
export async function pauseContainer(engine: Engine, nameOrId: string): Promise<void> {
  const record = await loadContainer(engine, nameOrId);
  requireInit(record);
  if (record.status === "paused") {
    throw new BockerError(`Container ${record.id} is already paused`, { kind: "conflict" });
  }
  if (!setStatus(engine.state, record.id, ["running"], "paused")) throw isNotRunning(record);
  try {
    await freezeCgroup(cgroupOf(engine, record));
  } catch (error) {
    setStatus(engine.state, record.id, ["paused"], "running");
    throw error instanceof BockerError && error.kind === "not-running" ? isNotRunning(record) : error;
  }
}

/** Throws docker's refusal for a container that is not paused. */
export async function unpauseContainer(engine: Engine, nameOrId: string): Promise<void> {
  const record = await loadContainer(engine, nameOrId);
  if (record.status !== "paused") {
    throw new BockerError(`Container ${record.id} is not paused`, { kind: "conflict" });
  }
  await thawContainer(engine, record);
}
