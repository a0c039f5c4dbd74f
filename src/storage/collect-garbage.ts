/**
 * Removes blobs and layers that no image row reaches: what is left after an image, or by a pull that never ended.
 *
 * Reachable: manifest, config and layer blobs of every image, the indexes that lead to them, and applied layers by
 * diffID. Containers need no rows of their own here: an image in use cannot be removed. While anybody adds to
 * the store nothing is removed (store-hold.ts); a later prune finds it.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Digest } from "../image/digest.ts";
import { maxManifestBytes, parseManifest } from "../image/manifest.ts";
import { listImages, listTags } from "../state/image.ts";
import type { ImageRecord, TagRecord } from "../state/record.ts";
import { BlobStore } from "./blob-store.ts";
import type { ImageStore } from "./local-image.ts";
import { removeTree } from "./remove-tree.ts";
import { tryOwnStore } from "./store-hold.ts";

/** Hex digits of a sha512 digest; a layer's name does not say which algorithm it is. */
const sha512Hex = 128;

export interface GarbageReport {
  /** False: somebody is adding to the store, and nothing was looked at. */
  readonly collected: boolean;
  /** Bytes of the removed blobs as stored. */
  readonly freedBlobBytes: number;
  readonly removedLayers: number;
}

/** What may be removed, by digest: blobs, and layers by diffID. */
export interface Reach {
  readonly blobs: ReadonlySet<string>;
  readonly layers: ReadonlySet<string>;
}

/**
 * Removes what is unreachable: everything, or only what `among` names. A removed image takes its own along and
 * leaves what an interrupted pull has brought; that is a prune's to take.
 */
export function collectGarbage(store: ImageStore, among?: Reach): GarbageReport {
  using owned = tryOwnStore(store.paths);
  if (owned === undefined) return { collected: false, freedBlobBytes: 0, removedLayers: 0 };
  const kept = reachOf(store, listImages(store.state), listTags(store.state));
  const goes = (digest: string, kind: keyof Reach) =>
    !kept[kind].has(digest) && (among?.[kind].has(digest) ?? true);
  const removedLayers = removeLayers(store, (digest) => goes(digest, "layers"));
  return {
    collected: true,
    freedBlobBytes: removeBlobs(store, (digest) => goes(digest, "blobs")),
    removedLayers,
  };
}

/** All that these images and the digests beside these tags lead to. */
export function reachOf(
  store: ImageStore,
  images: readonly ImageRecord[],
  tags: readonly TagRecord[],
): Reach {
  const blobs = new BlobStore(store.paths);
  const reached = new Set<string>();
  for (const { id, manifestDigest } of images) {
    reached.add(id);
    reach(blobs, manifestDigest as Digest, reached);
  }
  for (const { repoDigest } of tags) {
    if (repoDigest !== undefined)
      reach(blobs, repoDigest.slice(repoDigest.indexOf("@") + 1) as Digest, reached);
  }
  return { blobs: reached, layers: new Set(images.flatMap(({ layers }) => layers)) };
}

/** A document that cannot be read keeps nothing alive beside itself. */
function reach(blobs: BlobStore, digest: Digest, reached: Set<string>): void {
  if (reached.has(digest)) return;
  reached.add(digest);
  try {
    const document = parseManifest(blobs.readBytes(digest, maxManifestBytes));
    if (document.kind === "index")
      for (const entry of document.manifests) reach(blobs, entry.digest, reached);
    else for (const blob of [document.config, ...document.layers]) reached.add(blob.digest);
  } catch {
    // An index's manifests for other platforms were never fetched.
  }
}

function removeBlobs(store: ImageStore, goes: (digest: string) => boolean): number {
  let freed = 0;
  for (const algorithm of readNames(join(store.paths.imageLayout, "blobs"))) {
    const folder = join(store.paths.imageLayout, "blobs", algorithm);
    for (const hex of readNames(folder)) {
      if (!goes(`${algorithm}:${hex}`)) continue;
      freed += statSync(join(folder, hex)).size;
      rmSync(join(folder, hex));
    }
  }
  return freed;
}

function removeLayers(store: ImageStore, goes: (diffID: string) => boolean): number {
  let removed = 0;
  for (const hex of readNames(store.paths.layers)) {
    if (hex.endsWith(".json") || !goes(`${hex.length === sha512Hex ? "sha512" : "sha256"}:${hex}`)) continue;
    removeTree(store.paths, join(store.paths.layers, hex));
    rmSync(join(store.paths.layers, `${hex}.json`), { force: true });
    removed += 1;
  }
  return removed;
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
