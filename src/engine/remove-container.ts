/**
 * Removing a container: its record, folder, what it holds on the host, and its anonymous volumes when asked.
 *
 * Order against crashes: the status says `removing` first, the row goes last; whoever meets a row in between goes on
 * from there. The folder is renamed into tmp/ before it is deleted, so a half-deleted one is never found under its
 * name.
 */
import { join } from "node:path";
import { BockerError } from "../errors.ts";
import { trace } from "../host/trace.ts";
import { getContainer, removeContainer as removeRow } from "../state/container.ts";
import { setStatus } from "../state/container-life.ts";
import type { ContainerRecord } from "../state/record.ts";
import { containersUsingVolume, removeVolume } from "../state/volume.ts";
import { removeTree } from "../storage/remove-tree.ts";
import { driverOf, removeRootfs } from "../storage/rootfs.ts";
import { forgetSize } from "../storage/size-limit.ts";
import { awaitStart } from "./await-start.ts";
import type { Engine } from "./engine.ts";
import { releaseContainer } from "./release-container.ts";

export interface RemovalOptions {
  /** Its anonymous volumes too. */
  readonly volumes: boolean;
}

/** Removes a container that does not run; one that is being started is awaited. Throws docker's refusal for one that runs. */
export async function removeIdleContainer(
  engine: Engine,
  found: ContainerRecord,
  options: RemovalOptions,
): Promise<void> {
  const record = await awaitStart(engine, found);
  if (record === undefined) return;
  const isMarked = setStatus(engine.state, record.id, ["created", "exited", "dead", "removing"], "removing");
  if (!isMarked || record.init !== undefined) {
    // The monitor of a --rm container, or another rm, was quicker.
    if (getContainer(engine.state, record.id) === undefined) return;
    throw stillRunning(record);
  }
  await removeSettled(engine, record, options);
}

/** Gives back what it held and removes it; repeats what another process may have begun. It must have no live process. */
export async function removeSettled(
  engine: Engine,
  record: ContainerRecord,
  options: RemovalOptions,
): Promise<readonly string[]> {
  setStatus(engine.state, record.id, ["created", "exited", "dead"], "removing");
  const problems = await releaseContainer(engine, record);
  removeReleased(engine, record, options);
  return problems;
}

/** The rest of a removal, when the container holds nothing any more. */
export function removeReleased(engine: Engine, record: ContainerRecord, options: RemovalOptions): void {
  setStatus(engine.state, record.id, ["created", "exited", "dead"], "removing");
  if (record.config.storageSizeBytes !== undefined) forgetSize(engine.paths.containers, record.id);
  if (driverOf(engine.paths, record.id) !== "overlay") removeRootfs(engine.paths, record.id);
  removeTree(engine.paths, join(engine.paths.containers, record.id));
  removeRow(engine.state, record.id);
  trace(() => `removed container ${record.id} "${record.name}"`);
  if (options.volumes) removeAnonymousVolumes(engine, record);
}

function removeAnonymousVolumes(engine: Engine, record: ContainerRecord): void {
  for (const name of record.anonymousVolumes) {
    if (containersUsingVolume(engine.state, name).length > 0) continue;
    if (removeVolume(engine.state, name)) removeTree(engine.paths, join(engine.paths.volumes, name));
  }
}

function stillRunning(record: ContainerRecord): BockerError {
  const isIdle = ["created", "exited", "dead", "removing"].includes(record.status);
  const state = isIdle ? "running" : record.status;
  const first = state === "paused" ? "unpause and then " : "";
  return new BockerError(
    `cannot remove container "/${record.name}": container is ${state}: ${first}stop the container before removing or force remove`,
    { kind: "conflict", hint: `bocker rm -f ${record.name}` },
  );
}
