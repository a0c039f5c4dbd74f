/**
 * Image rows and the tags that name them. References are canonical (`docker.io/library/alpine:3.20`): turning what a
 * user typed into one is src/image's work.
 */
import { BockerError } from "../errors.ts";
import { nowMs } from "../host/clock.ts";
import type { ImageRecord, TagRecord } from "./record.ts";
import { numberColumn, stringsColumn, textColumn } from "./row.ts";
import type { Row, State } from "./state.ts";

/** Adds an image, or replaces what is known of it. Its layers and blobs must be complete and on the disk before. */
export function upsertImage(state: State, image: ImageRecord): void {
  state.run(
    `INSERT INTO images (id, manifest_digest, created_at_ms, size_bytes, layers, os, architecture)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (id) DO UPDATE SET manifest_digest = excluded.manifest_digest,
         size_bytes = excluded.size_bytes, layers = excluded.layers`,
    image.id,
    image.manifestDigest,
    image.createdAtMs,
    image.sizeBytes,
    JSON.stringify(image.layers),
    image.os,
    image.architecture,
  );
}

/** Points a reference at an image; gives the id of the image that it named before, when that was another. */
export function setTag(state: State, tag: Omit<TagRecord, "updatedAtMs">): string | undefined {
  return state.transaction(() => {
    const previous = state.first("SELECT image_id FROM tags WHERE reference = ?", tag.reference)?.image_id;
    state.run(
      `INSERT INTO tags (reference, image_id, updated_at_ms, repo_digest) VALUES (?, ?, ?, ?)
         ON CONFLICT (reference) DO UPDATE SET image_id = excluded.image_id,
           updated_at_ms = excluded.updated_at_ms, repo_digest = excluded.repo_digest`,
      tag.reference,
      tag.imageId,
      nowMs(),
      tag.repoDigest ?? null,
    );
    return typeof previous === "string" && previous !== tag.imageId ? previous : undefined;
  });
}

/** Takes a name away; the image stays. False when there was no such tag. */
export function removeTag(state: State, reference: string): boolean {
  return state.run("DELETE FROM tags WHERE reference = ?", reference) > 0;
}

/**
 * Removes an image and its tags. Throws "in-use" when a container was made from it, checked in the same transaction;
 * false when it was gone already.
 */
export function removeImage(state: State, id: string): boolean {
  return state.transaction(() => {
    const user = state.first("SELECT id FROM containers WHERE image_id = ?", id)?.id;
    if (user !== undefined) throw imageInUse(id, String(user));
    return state.run("DELETE FROM images WHERE id = ?", id) > 0;
  });
}

/** The image a canonical reference names: by tag, or by repository and manifest digest. */
export function findImageByReference(state: State, reference: string): ImageRecord | undefined {
  const row = state.first(
    `SELECT images.* FROM tags JOIN images ON images.id = tags.image_id
       WHERE tags.reference = ?1 OR tags.repo_digest = ?1 ORDER BY tags.reference = ?1 DESC LIMIT 1`,
    reference,
  );
  return row === undefined ? undefined : readImage(row);
}

/** Images whose id begins so; `sha256:` in front or not. Empty for what is no hex. */
export function findImagesByIdPrefix(state: State, prefix: string): ImageRecord[] {
  const hex = prefix.startsWith("sha256:") ? prefix.slice("sha256:".length) : prefix;
  if (!/^[0-9a-f]{1,64}$/.test(hex)) return [];
  const start = `sha256:${hex}`;
  return state
    .all("SELECT * FROM images WHERE id >= ? AND id < ? ORDER BY id", start, `${start}g`)
    .map(readImage);
}

/** The image of that full id. */
export function getImage(state: State, id: string): ImageRecord | undefined {
  const row = state.first("SELECT * FROM images WHERE id = ?", id);
  return row === undefined ? undefined : readImage(row);
}

/** Every image, newest first. */
export function listImages(state: State): ImageRecord[] {
  return state.all("SELECT * FROM images ORDER BY created_at_ms DESC, id").map(readImage);
}

/** Every tag, by reference. */
export function listTags(state: State): TagRecord[] {
  return state.all("SELECT * FROM tags ORDER BY reference").map(readTag);
}

/** The tags of one image, by reference. */
export function tagsOfImage(state: State, imageId: string): TagRecord[] {
  return state.all("SELECT * FROM tags WHERE image_id = ? ORDER BY reference", imageId).map(readTag);
}

/** Image id to the number of containers made from it; images without any are not in it. */
export function countImageUses(state: State): Map<string, number> {
  const rows = state.all("SELECT image_id, COUNT(*) AS uses FROM containers GROUP BY image_id");
  return new Map(rows.map((row) => [textColumn(row, "image_id"), numberColumn(row, "uses")]));
}

function imageInUse(id: string, containerId: string): BockerError {
  const short = id.replace("sha256:", "").slice(0, 12);
  return new BockerError(
    `conflict: unable to delete ${short} (cannot be forced) - image is being used by container ${containerId.slice(0, 12)}`,
    { kind: "in-use", details: { imageId: id, containerId } },
  );
}

function readImage(row: Row): ImageRecord {
  return {
    id: textColumn(row, "id"),
    manifestDigest: textColumn(row, "manifest_digest"),
    createdAtMs: numberColumn(row, "created_at_ms"),
    sizeBytes: numberColumn(row, "size_bytes"),
    layers: stringsColumn(row, "layers"),
    os: textColumn(row, "os"),
    architecture: textColumn(row, "architecture"),
  };
}

function readTag(row: Row): TagRecord {
  const reference = textColumn(row, "reference");
  const imageId = textColumn(row, "image_id");
  const updatedAtMs = numberColumn(row, "updated_at_ms");
  if (row.repo_digest === null) return { reference, imageId, updatedAtMs };
  return { reference, imageId, updatedAtMs, repoDigest: textColumn(row, "repo_digest") };
}
