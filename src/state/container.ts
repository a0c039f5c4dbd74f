/**
 * Container rows: made, found, listed, removed. Their life (starting, running, exited) is in container-life.ts.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { nowMs } from "../host/clock.ts";
import { completeConfig } from "./config-column.ts";
import { appendContainerEvent } from "./event.ts";
import type { ContainerRecord, ContainerStatus, HealthRecord, StopIntent } from "./record.ts";
import {
  identityColumn,
  numberColumn,
  objectColumn,
  optionalColumn,
  stringsColumn,
  textColumn,
} from "./row.ts";
import { isUniqueViolation, type Row, type State } from "./state.ts";

/** What the caller of insertContainer decides; the rest of a record starts empty. */
export interface NewContainer {
  readonly id: string;
  readonly name: string;
  readonly config: ContainerConfig;
  readonly imageId: string;
  readonly imageName: string;
  readonly args: readonly string[];
  readonly anonymousVolumes: readonly string[];
}

const statuses: readonly string[] = [
  "created",
  "running",
  "paused",
  "restarting",
  "removing",
  "exited",
  "dead",
] satisfies ContainerStatus[];

/**
 * Adds a container in status "created" and claims the volumes that its config names, so that they cannot be removed from
 * now on. Throws docker's conflict error when the name is taken.
 */
export function insertContainer(state: State, container: NewContainer): ContainerRecord {
  const record: ContainerRecord = {
    ...container,
    createdAtMs: nowMs(),
    status: "created",
    exitCode: 0,
    oomKilled: false,
    error: "",
    restartCount: 0,
  };
  state.transaction(() => {
    insertRow(state, record);
    for (const volume of volumesOf(record)) {
      state.run("INSERT INTO container_volumes (container_id, volume_name) VALUES (?, ?)", record.id, volume);
    }
    for (const image of mountedImagesOf(record)) {
      state.run("INSERT INTO container_images (container_id, image_id) VALUES (?, ?)", record.id, image);
    }
    appendContainerEvent(state, record.id, "create");
  });
  return record;
}

/**
 * The container of that full id, or of that name (a leading `/` is docker's), or whose id alone begins so, in this order;
 * `ps_` before an id is taken too.
 * Throws "not-found" with docker's phrase, or "conflict" when several ids begin so.
 */
export function findContainer(state: State, nameOrId: string): ContainerRecord {
  const row = findRow(state, nameOrId);
  if (row === undefined) throw noSuchContainer(nameOrId);
  return readContainer(row);
}

/** As findContainer, by full id only; undefined when it is gone. */
export function getContainer(state: State, id: string): ContainerRecord | undefined {
  const row = state.first("SELECT * FROM containers WHERE id = ?", id);
  return row === undefined ? undefined : readContainer(row);
}

/** Every container but those of builds, newest first. SQLite would sort whole rows, on disk when there are thousands. */
export function listContainers(state: State): ContainerRecord[] {
  const sql = "SELECT * FROM containers WHERE purpose IS NULL ORDER BY rowid DESC";
  const records = state.all(sql).map(readContainer);
  return records.sort((left, right) => right.createdAtMs - left.createdAtMs);
}

/** Containers made from an image, or that mount it; newest first. */
export function containersUsing(state: State, imageId: string): ContainerRecord[] {
  const sql = `SELECT * FROM containers
    WHERE image_id = ?1 OR id IN (SELECT container_id FROM container_images WHERE image_id = ?1)
    ORDER BY created_at_ms DESC, rowid DESC`;
  return state.all(sql, imageId).map(readContainer);
}

/** Gives a container another name; throws docker's conflict error when it is taken. */
export function renameContainer(state: State, id: string, name: string): void {
  try {
    state.transaction(() => {
      const oldName = getContainer(state, id)?.name;
      if (oldName === undefined) throw noSuchContainer(id);
      state.run("UPDATE containers SET name = ? WHERE id = ?", name, id);
      appendContainerEvent(state, id, "rename", { oldName: `/${oldName}` });
    });
  } catch (error) {
    throw isUniqueViolation(error) ? nameConflict(state, name) : error;
  }
}

/** Replaces what was asked of a container (`update`). */
export function setContainerConfig(state: State, id: string, config: ContainerConfig): void {
  const changes = state.run("UPDATE containers SET config = ? WHERE id = ?", JSON.stringify(config), id);
  if (changes === 0) throw noSuchContainer(id);
}

/**
 * Removes a container with its leases, its ports and its claims on volumes; false when it was gone already. Whatever
 * of it is outside the database (files, firewall elements) must be gone before: the row is how it is found again.
 */
export function removeContainer(state: State, id: string): boolean {
  return state.transaction(() => {
    appendContainerEvent(state, id, "destroy");
    return state.run("DELETE FROM containers WHERE id = ?", id) > 0;
  });
}

/** docker's error for a container that is not there. */
export function noSuchContainer(nameOrId: string): BockerError {
  return new BockerError(`No such container: ${nameOrId}`, { kind: "not-found" });
}

function findRow(state: State, nameOrId: string): Row | undefined {
  const name = nameOrId.startsWith("/") ? nameOrId.slice(1) : nameOrId;
  const exact =
    state.first("SELECT * FROM containers WHERE id = ?", nameOrId) ??
    state.first("SELECT * FROM containers WHERE name = ?", name);
  if (exact !== undefined) return exact;
  if (/^ps_[0-9a-f]{1,64}$/.test(nameOrId)) return findRow(state, nameOrId.slice("ps_".length));
  if (!/^[0-9a-f]{1,64}$/.test(nameOrId)) return undefined;
  // "g" sorts after every hex digit.
  const rows = state.all(
    "SELECT * FROM containers WHERE id >= ? AND id < ? AND purpose IS NULL LIMIT 2",
    nameOrId,
    `${nameOrId}g`,
  );
  if (rows.length < 2) return rows[0];
  throw new BockerError(`multiple IDs found with provided prefix: ${nameOrId}`, {
    kind: "conflict",
    hint: "give more digits, or the name",
  });
}

function insertRow(state: State, record: ContainerRecord): void {
  try {
    state.run(
      `INSERT INTO containers (id, name, created_at_ms, config, image_id, image_name, args, status, exit_code,
         oom_killed, error, restart_count, anonymous_volumes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', 0, ?)`,
      record.id,
      record.name,
      record.createdAtMs,
      JSON.stringify(record.config),
      record.imageId,
      record.imageName,
      JSON.stringify(record.args),
      record.status,
      JSON.stringify(record.anonymousVolumes),
    );
  } catch (error) {
    throw isUniqueViolation(error) ? nameConflict(state, record.name) : error;
  }
}

function nameConflict(state: State, name: string): BockerError {
  const id = state.first("SELECT id FROM containers WHERE name = ?", name)?.id;
  return new BockerError(
    `Conflict. The container name "/${name}" is already in use by container "${id}". ` +
      "You have to remove (or rename) that container to be able to reuse that name.",
    { kind: "conflict", details: { name, id } },
  );
}

function volumesOf(record: ContainerRecord): Set<string> {
  const named = record.config.mounts.flatMap((mount) =>
    mount.type === "volume" && mount.name !== undefined ? [mount.name] : [],
  );
  return new Set([...named, ...record.anonymousVolumes]);
}

function mountedImagesOf({ config }: ContainerRecord): Set<string> {
  return new Set(
    config.mounts.flatMap((mount) =>
      mount.type === "image" && mount.image !== undefined ? [mount.image.id] : [],
    ),
  );
}

/** What few readers of many containers look at is parsed when it is looked at. */
function readContainer(row: Row): ContainerRecord {
  let config: ContainerConfig | undefined;
  return {
    id: textColumn(row, "id"),
    name: textColumn(row, "name"),
    createdAtMs: numberColumn(row, "created_at_ms"),
    get config() {
      config ??= completeConfig(objectColumn(row, "config"));
      return config;
    },
    imageId: textColumn(row, "image_id"),
    imageName: textColumn(row, "image_name"),
    args: stringsColumn(row, "args"),
    status: readStatus(row),
    exitCode: numberColumn(row, "exit_code"),
    oomKilled: numberColumn(row, "oom_killed") !== 0,
    error: textColumn(row, "error"),
    restartCount: numberColumn(row, "restart_count"),
    anonymousVolumes: stringsColumn(row, "anonymous_volumes"),
    ...readLife(row),
  };
}

type Life = Pick<
  ContainerRecord,
  "init" | "monitor" | "startedAtMs" | "finishedAtMs" | "stopIntent" | "health" | "restartDelayMs"
>;

/** What a container has only once it was started; most rows of a long list are NULL here. */
function readLife(row: Row): Life {
  return {
    ...optionalColumn(row, "init", "init", identityColumn),
    ...optionalColumn(row, "monitor", "monitor", identityColumn),
    ...optionalColumn(row, "started_at_ms", "startedAtMs", numberColumn),
    ...optionalColumn(row, "finished_at_ms", "finishedAtMs", numberColumn),
    ...optionalColumn(row, "stop_intent", "stopIntent", readStopIntent),
    ...optionalColumn(row, "health", "health", readHealth),
    ...optionalColumn(row, "restart_delay_ms", "restartDelayMs", numberColumn),
  };
}

function readHealth(row: Row, column: string): HealthRecord {
  const { status, failingStreak, log } = objectColumn(row, column);
  return {
    status: status === "healthy" || status === "unhealthy" ? status : "starting",
    failingStreak: typeof failingStreak === "number" ? failingStreak : 0,
    log: Array.isArray(log) ? log : [],
  };
}

function readStopIntent(row: Row, column: string): StopIntent {
  const text = textColumn(row, column);
  return text === "restart" || text === "shutdown" ? text : "stop";
}

/** A status from another version counts as dead: it can be looked at and removed. */
function readStatus(row: Row): ContainerStatus {
  const status = textColumn(row, "status");
  return statuses.includes(status) ? (status as ContainerStatus) : "dead";
}
