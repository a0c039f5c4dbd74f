/**
 * Volume rows. A container's claims on volumes are made with its own row (insertContainer), so that a volume
 * cannot be removed between the container's creation and its start.
 */
import { BockerError } from "../errors.ts";
import { nowMs } from "../host/clock.ts";
import type { VolumeRecord } from "./record.ts";
import { numberColumn, stringMapColumn, textColumn } from "./row.ts";
import type { Row, State } from "./state.ts";

/** The volume of that name, made when there is none. Its directory is the caller's to make, before. */
export function ensureVolume(state: State, volume: Omit<VolumeRecord, "createdAtMs">): VolumeRecord {
  return state.transaction(() => {
    const existing = getVolume(state, volume.name);
    if (existing !== undefined) return existing;
    const record = { ...volume, createdAtMs: nowMs() };
    state.run(
      `INSERT INTO volumes (name, driver, labels, anonymous, created_at_ms, mountpoint, options)
         VALUES (?, ?, ?, ?, ?, ?, ?)`,
      record.name,
      record.driver,
      JSON.stringify(record.labels),
      record.anonymous ? 1 : 0,
      record.createdAtMs,
      record.mountpoint,
      JSON.stringify(record.options),
    );
    return record;
  });
}

/** The volume of that name. */
export function getVolume(state: State, name: string): VolumeRecord | undefined {
  const row = state.first("SELECT * FROM volumes WHERE name = ?", name);
  return row === undefined ? undefined : readVolume(row);
}

/** As getVolume; throws docker's error when there is none. */
export function findVolume(state: State, name: string): VolumeRecord {
  const volume = getVolume(state, name);
  if (volume === undefined) throw new BockerError(`get ${name}: no such volume`, { kind: "not-found" });
  return volume;
}

/** Every volume, by name. */
export function listVolumes(state: State): VolumeRecord[] {
  return state.all("SELECT * FROM volumes ORDER BY name").map(readVolume);
}

/** Ids of the containers that have a claim on a volume. */
export function containersUsingVolume(state: State, name: string): string[] {
  const sql = "SELECT container_id FROM container_volumes WHERE volume_name = ? ORDER BY container_id";
  return state.all(sql, name).map((row) => textColumn(row, "container_id"));
}

/** Removes a volume's row; throws docker's error while a container has a claim on it. False when it was gone already. */
export function removeVolume(state: State, name: string): boolean {
  return state.transaction(() => {
    const users = containersUsingVolume(state, name);
    if (users.length > 0) {
      throw new BockerError(`remove ${name}: volume is in use - [${users.join(", ")}]`, {
        kind: "in-use",
        details: { name, containers: users },
      });
    }
    return state.run("DELETE FROM volumes WHERE name = ?", name) > 0;
  });
}

function readVolume(row: Row): VolumeRecord {
  return {
    name: textColumn(row, "name"),
    driver: "local",
    labels: stringMapColumn(row, "labels"),
    anonymous: numberColumn(row, "anonymous") !== 0,
    createdAtMs: numberColumn(row, "created_at_ms"),
    mountpoint: textColumn(row, "mountpoint"),
    options: stringMapColumn(row, "options"),
  };
}
