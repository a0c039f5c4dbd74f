/**
 * The build cache as people see it: what steps have made, and the directories that they share; and what a prune takes of it.
 */
import { digestHex, parseDiffID, parseDigest } from "../image/digest.ts";
import { deleteCacheEntries, listCacheEntries } from "../state/build-cache.ts";
import { listImages, listTags } from "../state/image.ts";
import type { BuildCacheRecord } from "../state/record.ts";
import { BlobStore } from "../storage/blob-store.ts";
import { collectGarbage, type Reach, reachOf } from "../storage/collect-garbage.ts";
import { DiskUsage } from "../storage/disk-usage.ts";
import { layerPath } from "../storage/layer-directory.ts";
import { type CacheMount, listCacheMounts, removeCacheMount } from "./build/cache-mount.ts";
import { sweepBuilds } from "./build/sweep-builds.ts";
import type { Engine } from "./engine.ts";

interface Item {
  /** Hex digits. */
  readonly id: string;
  /** The step. */
  readonly description: string;
  /** What would be had back; nothing for what an image needs too. */
  readonly bytes: number;
  readonly createdAtMs: number;
  readonly usedAtMs: number;
  readonly uses: number;
  /** An image has the same layer. */
  readonly isShared: boolean;
}

export type CachedItem =
  | (Item & { readonly kind: "layer"; readonly entry: BuildCacheRecord })
  | (Item & { readonly kind: "mount"; readonly mount: CacheMount });

export interface CachePruneOptions {
  /** What images share too; it costs them nothing, and the next build time. */
  readonly all: boolean;
  /** Only what was last used before. */
  readonly untilMs?: number;
  /** This much may stay, what was used last first. */
  readonly keepBytes?: number;
}

/** All of it, what was used last first. Walks through what images do not need. */
export function loadBuildCache(engine: Engine): readonly CachedItem[] {
  const reach = reachOf(engine, listImages(engine.state), listTags(engine.state));
  const usage = new DiskUsage();
  const counted = new Set<string>();
  const layers = listCacheEntries(engine.state).map((entry) =>
    layerItem(engine, entry, reach, usage, counted),
  );
  const mounts = listCacheMounts(engine).map((mount): CachedItem => {
    const { name, path, createdAtMs, usedAtMs } = mount;
    const description = "RUN --mount=type=cache";
    const item = { id: name, description, bytes: usage.of(path), createdAtMs, usedAtMs, uses: 0 };
    return { kind: "mount", ...item, isShared: false, mount };
  });
  return [...layers, ...mounts].sort((a, b) => b.usedAtMs - a.usedAtMs);
}

function layerItem(
  { paths }: Engine,
  entry: BuildCacheRecord,
  reach: Reach,
  usage: DiskUsage,
  counted: Set<string>,
): CachedItem {
  const { key, diffID, descriptor, description, createdAtMs, usedAtMs, uses } = entry;
  const isShared = reach.layers.has(diffID);
  let bytes = 0;
  if (!isShared && !counted.has(diffID)) {
    counted.add(diffID);
    const layer = layerPath(paths, parseDiffID(diffID));
    const blob = new BlobStore(paths).path(parseDigest(descriptor.digest));
    bytes =
      usage.of(layer) + usage.of(`${layer}.json`) + (reach.blobs.has(descriptor.digest) ? 0 : usage.of(blob));
  }
  const id = digestHex(parseDigest(key));
  return { kind: "layer", id, description, bytes, createdAtMs, usedAtMs, uses, isShared, entry };
}

/** Removes what no build has in use now. Gives ids, and what the disk got back. */
export async function pruneBuildCache(
  engine: Engine,
  options: CachePruneOptions,
): Promise<{ readonly ids: readonly string[]; readonly bytes: number }> {
  await sweepBuilds(engine);
  const gone = chosen(loadBuildCache(engine), options);
  const mounts = gone.filter((item) => item.kind === "mount");
  const removed = mounts.filter(({ mount }) => removeCacheMount(engine, mount));
  const layers = gone.filter((item) => item.kind === "layer");
  deleteCacheEntries(
    engine.state,
    layers.map(({ entry }) => entry.key),
  );
  const { freedBytes } = collectGarbage(engine, { measure: true, among: reachOfEntries(layers) });
  const bytes = freedBytes + removed.reduce((sum, item) => sum + item.bytes, 0);
  return { ids: [...layers, ...removed].map(({ id }) => id.slice(0, 25)), bytes };
}

function chosen(items: readonly CachedItem[], { all, untilMs, keepBytes = 0 }: CachePruneOptions) {
  let kept = 0;
  return items.filter((item) => {
    const isOld = untilMs === undefined || item.usedAtMs < untilMs;
    const mayGo = isOld && (all || !item.isShared);
    const fits = kept + item.bytes <= keepBytes;
    if (mayGo && !(fits && keepBytes > 0)) return true;
    kept += item.bytes;
    return false;
  });
}

function reachOfEntries(items: readonly { readonly entry: BuildCacheRecord }[]): Partial<Reach> {
  return {
    blobs: new Set(items.map(({ entry }) => entry.descriptor.digest)),
    layers: new Set(items.map(({ entry }) => entry.diffID)),
  };
}
