/**
 * Builds that go on, as rows of the containers' table: what a build's steps hold on the host (addresses, a cgroup, a
 * folder) is keyed by its id, as a container's is, and is found again by it after a crash. Nobody is told of them.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { nowMs } from "../host/clock.ts";
import { isProcessAlive, type ProcessIdentity } from "../host/process-identity.ts";
import { getContainer, noSuchContainer } from "./container.ts";
import type { ContainerRecord } from "./record.ts";
import { identityText, textColumn } from "./row.ts";
import type { State } from "./state.ts";

/** Adds a build that `builder` is doing. */
export function insertBuild(
  state: State,
  build: { readonly id: string; readonly config: ContainerConfig; readonly builder: ProcessIdentity },
): ContainerRecord {
  state.run(
    `INSERT INTO containers (id, name, created_at_ms, config, image_id, image_name, args, status, monitor, exit_code,
       oom_killed, error, restart_count, anonymous_volumes, purpose)
     VALUES (?, ?, ?, ?, '', '', '[]', 'created', ?, 0, 0, '', 0, '[]', 'build')`,
    build.id,
    // No container can be called so.
    `#build-${build.id}`,
    nowMs(),
    JSON.stringify(build.config),
    identityText(build.builder),
  );
  const record = getContainer(state, build.id);
  if (record === undefined) throw noSuchContainer(build.id);
  return record;
}

/** Its leases go with it; everything outside the database must be gone before. */
export function deleteBuild(state: State, id: string): void {
  state.run("DELETE FROM containers WHERE id = ? AND purpose = 'build'", id);
}

/** Builds whose process has ended without removing them. */
export function listDeadBuilds(state: State): ContainerRecord[] {
  const rows = state.all("SELECT id FROM containers WHERE purpose = 'build'");
  return rows
    .flatMap((row) => getContainer(state, textColumn(row, "id")) ?? [])
    .filter(({ monitor }) => monitor === undefined || !isProcessAlive(monitor));
}
