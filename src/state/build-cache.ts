/**
 * The build cache: the layer that a step has made, by the digest of everything that the step depended on.
 *
 * Rows keep their layers and blobs from the garbage collector. A row whose layer is gone all the same is a miss.
 */
import { nowMs } from "../host/clock.ts";
import type { BuildCacheRecord } from "./record.ts";
import { numberColumn, objectColumn, textColumn } from "./row.ts";
import type { Row, State } from "./state.ts";

export type NewCacheEntry = Pick<
  BuildCacheRecord,
  "key" | "diffID" | "descriptor" | "description" | "sizeBytes"
>;

/** What a step of this key has made; undefined: none was. */
export function findCacheEntry(state: State, key: string): BuildCacheRecord | undefined {
  const row = state.first("SELECT * FROM build_cache WHERE key = ?", key);
  return row === undefined ? undefined : readEntry(row);
}

/** Any step's layer of this diffID, for its blob's descriptor. */
export function findCachedLayer(state: State, diffID: string): BuildCacheRecord | undefined {
  const row = state.first("SELECT * FROM build_cache WHERE diff_id = ? LIMIT 1", diffID);
  return row === undefined ? undefined : readEntry(row);
}

/** Adds what a step has made, in place of what an earlier one had. */
export function putCacheEntry(state: State, entry: NewCacheEntry): void {
  const now = nowMs();
  state.run(
    `INSERT INTO build_cache (key, diff_id, descriptor, description, size_bytes, created_at_ms, used_at_ms, uses)
     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 0)
     ON CONFLICT (key) DO UPDATE SET diff_id = ?2, descriptor = ?3, description = ?4, size_bytes = ?5,
       created_at_ms = ?6, used_at_ms = ?6`,
    entry.key,
    entry.diffID,
    JSON.stringify(entry.descriptor),
    entry.description,
    entry.sizeBytes,
    now,
  );
}

/** Notes that builds have taken these over, in one transaction. */
export function noteCacheUses(state: State, keys: readonly string[]): void {
  const now = nowMs();
  const sql = "UPDATE build_cache SET uses = uses + 1, used_at_ms = ? WHERE key = ?";
  if (keys.length > 0)
    state.transaction(() => {
      for (const key of keys) state.run(sql, now, key);
    });
}

/** All of it, what was used last first. */
export function listCacheEntries(state: State): BuildCacheRecord[] {
  return state.all("SELECT * FROM build_cache ORDER BY used_at_ms DESC, rowid DESC").map(readEntry);
}

/** Forgets entries; their layers go with the garbage. */
export function deleteCacheEntries(state: State, keys: readonly string[]): void {
  state.transaction(() => {
    for (const key of keys) state.run("DELETE FROM build_cache WHERE key = ?", key);
  });
}

function readEntry(row: Row): BuildCacheRecord {
  const { mediaType, digest, size } = objectColumn(row, "descriptor");
  return {
    key: textColumn(row, "key"),
    diffID: textColumn(row, "diff_id"),
    descriptor: { mediaType: String(mediaType), digest: String(digest), size: Number(size) },
    description: textColumn(row, "description"),
    sizeBytes: numberColumn(row, "size_bytes"),
    createdAtMs: numberColumn(row, "created_at_ms"),
    usedAtMs: numberColumn(row, "used_at_ms"),
    uses: numberColumn(row, "uses"),
  };
}
