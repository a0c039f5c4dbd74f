/**
 * Removes blobs and layers that no row of an image or of the build cache reaches: what is left after an image, or by a pull that never ended.
 *
 * Reachable: manifest, config and layer blobs of every image, the indexes that lead to them, applied layers by diffID,
 * and the btrfs driver's chains. Containers need no rows of their own here: an image in use cannot be removed. While anybody adds to
 * the store nothing is removed (store-hold.ts); a later prune finds it.
 */
import { readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "../host/paths.ts";
import type { Digest } from "../image/digest.ts";
import { maxManifestBytes, parseManifest } from "../image/manifest.ts";
import { listCacheEntries } from "../state/build-cache.ts";
import { listImages, listTags } from "../state/image.ts";
import type { ImageRecord, TagRecord } from "../state/record.ts";
import { BlobStore } from "./blob-store.ts";
import { chainName, removeSubvolume } from "./btrfs-driver.ts";
import { DiskUsage } from "./disk-usage.ts";
import { type ImageStore, layersOf } from "./local-image.ts";
import { removeTree } from "./remove-tree.ts";
import { tryOwnStore } from "./store-hold.ts";

/** Hex digits of a sha512 digest; a layer's name does not say which algorithm it is. */
const sha512Hex = 128;

export interface GarbageReport {
  /** False: somebody is adding to the store, and nothing was looked at. */
  readonly collected: boolean;
  /** What was removed. */
  readonly removed: readonly Garbage[];
  /** Bytes that it took on the disk; 0 unless asked for. */
  readonly freedBytes: number;
}

/** Something in the store that nothing leads to. */
export interface Garbage {
  readonly kind: keyof Reach;
  /** Digest of a blob, diffID of a layer, name of a chain. */
  readonly name: string;
  readonly path: string;
}

/** What images lead to: blobs by digest, layers by diffID, btrfs chains by their name. */
export interface Reach {
  readonly blobs: ReadonlySet<string>;
  readonly layers: ReadonlySet<string>;
  readonly chains: ReadonlySet<string>;
}

export interface CollectOptions {
  /** Remove only what is named here. */
  readonly among?: Partial<Reach>;
  /** Add up what the removed things took; a walk through all of them. */
  readonly measure?: boolean;
}

/**
 * Removes what is unreachable: everything, or only what `among` names. A removed image takes its own along and
 * leaves what an interrupted pull has brought; that is a prune's to take.
 */
export function collectGarbage(store: ImageStore, options: CollectOptions = {}): GarbageReport {
  using owned = tryOwnStore(store.paths);
  if (owned === undefined) return { collected: false, removed: [], freedBytes: 0 };
  const { among, measure = false } = options;
  const removed = findGarbage(store).filter(
    ({ kind, name }) => among === undefined || among[kind]?.has(name) === true,
  );
  const usage = new DiskUsage();
  let freedBytes = 0;
  for (const garbage of removed) {
    if (measure) freedBytes += usage.of(garbage.path);
    removeGarbage(store.paths, garbage);
  }
  return { collected: true, removed, freedBytes };
}

/** All that no image leads to, and changes nothing. Only who holds the store can tell it from what a pull is bringing. */
export function findGarbage(store: ImageStore): readonly Garbage[] {
  return unreached(store.paths, reachOfAll(store));
}

/** Everything that is kept: images, and what steps of builds have made. */
function reachOfAll(store: ImageStore): Reach {
  return withCache(store, reachOf(store, listImages(store.state), listTags(store.state)));
}

/** The reach of some images, and of the build cache. */
export function withCache({ state }: ImageStore, { blobs, layers, chains }: Reach): Reach {
  const cached = listCacheEntries(state);
  return {
    blobs: new Set([...blobs, ...cached.map(({ descriptor }) => descriptor.digest)]),
    layers: new Set([...layers, ...cached.map(({ diffID }) => diffID)]),
    chains,
  };
}

/** Everything in the store but what `kept` names. */
export function unreached(paths: Paths, kept: Reach): readonly Garbage[] {
  return [...blobsIn(paths), ...layersIn(paths), ...chainsIn(paths)].filter(
    ({ kind, name }) => !kept[kind].has(name),
  );
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
  return {
    blobs: reached,
    layers: new Set(images.flatMap(({ layers }) => layers)),
    chains: new Set(images.map((image) => chainName(layersOf(image)))),
  };
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

function blobsIn({ imageLayout }: Paths): readonly Garbage[] {
  const folder = join(imageLayout, "blobs");
  return readNames(folder).flatMap((algorithm) =>
    readNames(join(folder, algorithm)).map((hex) => ({
      kind: "blobs" as const,
      name: `${algorithm}:${hex}`,
      path: join(folder, algorithm, hex),
    })),
  );
}

function layersIn({ layers }: Paths): readonly Garbage[] {
  return readNames(layers)
    .filter((name) => !name.endsWith(".json"))
    .map((hex) => ({
      kind: "layers" as const,
      name: `${hex.length === sha512Hex ? "sha512" : "sha256"}:${hex}`,
      path: join(layers, hex),
    }));
}

function chainsIn({ chains }: Paths): readonly Garbage[] {
  return readNames(chains).map((name) => ({ kind: "chains" as const, name, path: join(chains, name) }));
}

function removeGarbage(paths: Paths, { kind, path }: Garbage): void {
  if (kind === "blobs") rmSync(path, { force: true });
  else if (kind === "chains") removeSubvolume(paths, path);
  else {
    removeTree(paths, path);
    rmSync(`${path}.json`, { force: true });
  }
}

function readNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
