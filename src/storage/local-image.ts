/**
 * Images that are here: their row, found by any name a user may give them, and how a new one gets its row.
 *
 * The row comes last: blobs and layers are complete and on the disk before (see BlobStore and applyLayer), so an
 * image that is listed can be run.
 */
import { BockerError } from "../errors.ts";
import type { Paths } from "../host/paths.ts";
import { type DiffID, type Digest, digestProblem } from "../image/digest.ts";
import { type ImageConfig, parseImageConfig } from "../image/image-config.ts";
import { type Descriptor, maxConfigBytes } from "../image/manifest.ts";
import { canonicalName, isReference, parseReference, withDefaultTag } from "../image/reference.ts";
import { findImageByReference, findImagesByIdPrefix, getImage, setTag, upsertImage } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { BlobStore } from "./blob-store.ts";
import { hasLayer, loadLayerFacts } from "./layer-directory.ts";
import { setLayoutTag } from "./oci-layout.ts";

/** The store as a whole: files and rows. */
export interface ImageStore {
  readonly paths: Paths;
  readonly state: State;
}

export interface NewImage {
  /** Digest of the config blob. */
  readonly id: Digest;
  /** The manifest blob. */
  readonly manifest: Descriptor;
  readonly config: ImageConfig;
  /** Canonical references to point at it. */
  readonly tags: readonly NewTag[];
}

export interface NewTag {
  readonly reference: string;
  readonly repoDigest?: string;
}

/** Records an image whose blobs and layers are in the store, and tags it. Throws kind `not-found` when one is not. */
export async function insertImage(store: ImageStore, image: NewImage): Promise<ImageRecord> {
  const record = imageRecord(store.paths, image);
  store.state.transaction(() => {
    upsertImage(store.state, record);
    for (const tag of image.tags) setTag(store.state, { ...tag, imageId: image.id });
  });
  for (const tag of image.tags) await setLayoutTag(store.paths, tag.reference, image.manifest);
  return record;
}

function imageRecord(paths: Paths, image: NewImage): ImageRecord {
  const { diff_ids: layers } = image.config.rootfs;
  const blobs = new BlobStore(paths);
  for (const digest of [image.id, image.manifest.digest])
    if (!blobs.has(digest)) throw incomplete(image.id, digest);
  for (const diffID of layers) if (!hasLayer(paths, diffID)) throw incomplete(image.id, diffID);
  const created = Date.parse(image.config.created ?? "");
  return {
    id: image.id,
    manifestDigest: image.manifest.digest,
    createdAtMs: Number.isNaN(created) ? 0 : created,
    sizeBytes: layers.reduce((sum, diffID) => sum + loadLayerFacts(paths, diffID).sizeBytes, 0),
    layers,
    os: image.config.os,
    architecture: image.config.architecture,
  };
}

function incomplete(id: string, missing: string): BockerError {
  return new BockerError(`cannot store image ${id}: ${missing} is missing`, { kind: "not-found" });
}

/**
 * The image that `text` means: a full id, a name (no tag means `latest`), a name with a digest, or the beginning
 * of an id (`img_` before it or not), tried in docker's order. Undefined when there is none; throws when several ids begin so.
 */
export function findLocalImage(state: State, text: string): ImageRecord | undefined {
  const full = /^[0-9a-f]{64}$/.test(text) ? `sha256:${text}` : text;
  if (digestProblem(full) === undefined) return getImage(state, full);
  if (isReference(text)) {
    const named = findImageByReference(state, canonicalName(withDefaultTag(parseReference(text))));
    if (named !== undefined) return named;
  }
  const candidates = findImagesByIdPrefix(state, text.replace(/^img_(?=[0-9a-f]+$)/, ""));
  if (candidates.length > 1) {
    throw new BockerError(`multiple IDs found with provided prefix: ${text}`, { kind: "not-found" });
  }
  return candidates[0];
}

/** Reads an image's config from the store and verifies it. Throws kind `not-found` or `corrupt`. */
export function loadImageConfig(paths: Paths, image: Pick<ImageRecord, "id">): ImageConfig {
  return parseImageConfig(loadImageConfigBytes(paths, image));
}

/** The config blob as it is stored. */
export function loadImageConfigBytes(paths: Paths, image: Pick<ImageRecord, "id">): Buffer {
  return new BlobStore(paths).readBytes(image.id as Digest, maxConfigBytes);
}

/** diffIDs of a row, which were parsed when it was written. */
export function layersOf(image: Pick<ImageRecord, "layers">): readonly DiffID[] {
  return image.layers as readonly DiffID[];
}
