/**
 * Removes blobs and layers that no image row reaches: what is left after an image, or by a pull that never ended.
 *
 * Reachable: manifest, config and layer blobs of every image, the indexes that lead to them, and applied layers by
 * diffID. Containers need no rows of their own here: an image in use cannot be removed. While anybody adds to
 * the store nothing is removed (store-hold.ts); a later prune finds it.
 */
import { readdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { type DiffID, type Digest, digestHex } from "../image/digest.ts";
import { maxManifestBytes, parseManifest } from "../image/manifest.ts";
import { listImages, listTags } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import { BlobStore } from "./blob-store.ts";
import type { ImageStore } from "./local-image.ts";
import { removeTree } from "./remove-tree.ts";
import { tryOwnStore } from "./store-hold.ts";

export interface GarbageReport {
  /** False: somebody is adding to the store, and nothing was looked at. */
  readonly collected: boolean;
  /** Bytes of the removed blobs as stored. */
  readonly freedBlobBytes: number;
  readonly removedLayers: number;
}

/** Removes everything unreachable. */
export function collectGarbage(store: ImageStore): GarbageReport {
  using owned = tryOwnStore(store.paths);
  if (owned === undefined) return { collected: false, freedBlobBytes: 0, removedLayers: 0 };
  const images = listImages(store.state);
  const removedLayers = removeLayers(store, new Set(images.flatMap(({ layers }) => layers.map(hexOf))));
  return {
    collected: true,
    freedBlobBytes: removeBlobs(store, reachableBlobs(store, images)),
    removedLayers,
  };
}

function reachableBlobs(store: ImageStore, images: readonly ImageRecord[]): ReadonlySet<string> {
  const blobs = new BlobStore(store.paths);
  const reached = new Set<string>();
  for (const { id, manifestDigest } of images) {
    reached.add(id);
    reach(blobs, manifestDigest as Digest, reached);
  }
  for (const { repoDigest } of listTags(store.state)) {
    if (repoDigest !== undefined)
      reach(blobs, repoDigest.slice(repoDigest.indexOf("@") + 1) as Digest, reached);
  }
  return reached;
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

function removeBlobs(store: ImageStore, reached: ReadonlySet<string>): number {
  let freed = 0;
  for (const algorithm of readNames(join(store.paths.imageLayout, "blobs"))) {
    const folder = join(store.paths.imageLayout, "blobs", algorithm);
    for (const hex of readNames(folder)) {
      if (reached.has(`${algorithm}:${hex}`)) continue;
      freed += statSync(join(folder, hex)).size;
      rmSync(join(folder, hex));
    }
  }
  return freed;
}

function removeLayers(store: ImageStore, kept: ReadonlySet<string>): number {
  let removed = 0;
  for (const name of readNames(store.paths.layers)) {
    if (name.endsWith(".json") || kept.has(name)) continue;
    removeTree(store.paths, join(store.paths.layers, name));
    rmSync(join(store.paths.layers, `${name}.json`), { force: true });
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

function hexOf(diffID: string): string {
  return digestHex(diffID as DiffID);
}
