/**
 * Volumes as a user manages them: `volume create`, `ls`, `inspect`, `rm`, `prune`.
 *
 * The row says that a volume is there, its directory holds the data. A removal takes the row first, inside the
 * transaction that looks for claims, so that no container can be made with a volume that is going away.
 */
import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { checkVolumeName } from "../config/mount-target.ts";
import { BockerError, messageOf } from "../errors.ts";
import { randomId } from "../host/random-id.ts";
import { appendEvent, appendPruneEvent } from "../state/event.ts";
import type { VolumeRecord } from "../state/record.ts";
import {
  containersUsingVolume,
  ensureVolume,
  findVolume,
  getVolume,
  listVolumes,
  removeVolume,
} from "../state/volume.ts";
import { removeTree } from "../storage/remove-tree.ts";
import type { Engine } from "./engine.ts";
import type { JsonObject } from "./inspect-host-config.ts";
import { checkVolumeOptions, type VolumeOptions } from "./volume-driver.ts";

export type { VolumeRecord };

export interface NewVolume {
  /** Absent: one is made up, and the volume counts as anonymous. */
  readonly name?: string;
  readonly driver: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly options: VolumeOptions;
}

/** docker's mark of a volume that nobody has named. */
const anonymousLabel = "com.docker.volume.anonymous";

/** Makes a volume, or finds the one of that name; gives its name. Throws docker's phrases for what it cannot be. */
export function createVolume(engine: Engine, volume: NewVolume): string {
  const { name = randomId(), driver, options } = volume;
  try {
    checkVolumeName(name);
  } catch (error) {
    throw new BockerError(messageOf(error), { kind: "invalid-config" });
  }
  if (driver !== "local") {
    throw new BockerError(
      `create ${name}: error looking up volume plugin ${driver}: plugin "${driver}" not found`,
      { kind: "not-found", hint: "local is the only driver" },
    );
  }
  checkVolumeOptions(name, options);
  const anonymous = volume.name === undefined;
  makeVolume(engine, { name, anonymous, options, labels: volume.labels });
  return name;
}

/** Makes row and directory of a volume unless they are there. The name and options have been checked. */
export function makeVolume(
  engine: Engine,
  volume: Pick<VolumeRecord, "name" | "anonymous"> & Partial<VolumeRecord>,
): void {
  const { name, anonymous, options = {}, labels = {} } = volume;
  const mountpoint = join(engine.paths.volumes, name, "_data");
  engine.state.transaction(() => {
    const isNew = getVolume(engine.state, name) === undefined;
    ensureVolume(engine.state, { name, driver: "local", labels, anonymous, options, mountpoint });
    if (isNew) tell(engine, "create", name);
  });
  mkdirSync(mountpoint, { recursive: true });
}

export interface VolumeRow {
  readonly volume: VolumeRecord;
  /** A container has a claim on it. */
  readonly isUsed: boolean;
}

/** Every volume, by name. */
export function loadVolumes(engine: Engine): readonly VolumeRow[] {
  return listVolumes(engine.state).map((volume) => ({
    volume,
    isUsed: containersUsingVolume(engine.state, volume.name).length > 0,
  }));
}

/** docker's Volume object. Throws `get x: no such volume`. */
export function inspectVolume(engine: Engine, name: string): JsonObject {
  const volume = findVolume(engine.state, name);
  const labels = volumeLabels(volume);
  return {
    CreatedAt: `${new Date(volume.createdAtMs).toISOString().slice(0, 19)}Z`,
    Driver: volume.driver,
    Labels: Object.keys(labels).length === 0 ? null : labels,
    Mountpoint: volume.mountpoint,
    Name: volume.name,
    Options: Object.keys(volume.options).length === 0 ? null : volume.options,
    Scope: "local",
  };
}

/** What was given, and docker's mark of an anonymous one. */
export function volumeLabels(volume: VolumeRecord): Readonly<Record<string, string>> {
  return volume.anonymous ? { [anonymousLabel]: "", ...volume.labels } : volume.labels;
}

/** Removes a volume and its data. Throws docker's refusals; with `force` one that is not there is no error. */
export function removeVolumeNamed(engine: Engine, name: string, options: { readonly force: boolean }): void {
  if (!options.force) findVolume(engine.state, name);
  const isRemoved = engine.state.transaction(() => {
    const removed = removeVolume(engine.state, name);
    if (removed) tell(engine, "destroy", name);
    return removed;
  });
  if (isRemoved) removeTree(engine.paths, join(engine.paths.volumes, name));
}

export interface PrunedVolumes {
  readonly names: readonly string[];
  readonly bytes: number;
}

/** Removes the volumes that no container has a claim on and that `isWanted` takes. */
export function pruneVolumes(engine: Engine, isWanted: (volume: VolumeRecord) => boolean): PrunedVolumes {
  const names: string[] = [];
  let bytes = 0;
  for (const { volume, isUsed } of loadVolumes(engine)) {
    if (isUsed || !isWanted(volume)) continue;
    const size = treeBytes(volume.mountpoint);
    try {
      removeVolumeNamed(engine, volume.name, { force: true });
    } catch (error) {
      // Claimed by a container that was made meanwhile.
      if (error instanceof BockerError && error.kind === "in-use") continue;
      throw error;
    }
    names.push(volume.name);
    bytes += size;
  }
  appendPruneEvent(engine.state, "volume", bytes);
  return { names, bytes };
}

function tell(engine: Engine, action: string, name: string): void {
  appendEvent(engine.state, { type: "volume", action, id: name, attributes: { driver: "local" } });
}

/** Bytes of the files in a tree; what goes away meanwhile counts nothing. */
function treeBytes(path: string): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return stat.isFile() ? stat.size : 0;
  return readdirSync(path).reduce((sum, name) => sum + treeBytes(join(path, name)), 0);
}
