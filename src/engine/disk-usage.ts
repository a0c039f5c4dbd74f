/**
 * `system df`: what images, containers and volumes take on the disk, and how much of it could be had back.
 *
 * Sizes of the three kinds are what du(1) says of their folders, so that they add up to the state root but for the
 * database: an image's blobs, unpacked layers and unfinished downloads; a container's folder with its log; a volume's
 * data. Sizes of single images are those of `images`.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { tagsOfImage } from "../state/image.ts";
import type { ContainerRecord, ImageRecord, VolumeRecord } from "../state/record.ts";
import { containersUsingVolume, listVolumes } from "../state/volume.ts";
import { reachOf, unreached, withCache } from "../storage/collect-garbage.ts";
import { DiskUsage } from "../storage/disk-usage.ts";
import { loadLayerFacts } from "../storage/layer-directory.ts";
import { layersOf } from "../storage/local-image.ts";
import { type CachedItem, loadBuildCache } from "./build-cache.ts";
import { containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { loadContainers } from "./find-container.ts";
import { type ImageRow, loadImageRows } from "./list-images.ts";

export interface UsageTotal {
  readonly total: number;
  readonly active: number;
  readonly bytes: number;
  readonly reclaimableBytes: number;
}

export interface ImageUsage {
  readonly row: ImageRow;
  /** Bytes of the layers that other images have too, and of its own. */
  readonly sharedBytes: number;
  readonly uniqueBytes: number;
  readonly containers: number;
}

export interface ContainerUsage {
  readonly record: ContainerRecord;
  readonly bytes: number;
}

export interface VolumeUsage {
  readonly volume: VolumeRecord;
  readonly links: number;
  readonly bytes: number;
}

export interface DiskUsageReport {
  readonly images: UsageTotal & { readonly items: readonly ImageUsage[] };
  readonly containers: UsageTotal & { readonly items: readonly ContainerUsage[] };
  readonly volumes: UsageTotal & { readonly items: readonly VolumeUsage[] };
  readonly buildCache: UsageTotal & { readonly items: readonly CachedItem[] };
}

/** Walks the whole state root: not for every day. */
export async function loadDiskUsage(engine: Engine): Promise<DiskUsageReport> {
  const containers = await loadContainers(engine);
  const buildCache = buildCacheUsage(engine);
  const cachedLayers = buildCache.items.reduce(
    (sum, item) => sum + (item.kind === "layer" ? item.bytes : 0),
    0,
  );
  const images = imagesUsage(engine, containers);
  return {
    // What only the build cache keeps lies in the same folders.
    images: { ...images, bytes: images.bytes - cachedLayers },
    containers: containersUsage(engine, containers),
    volumes: volumesUsage(engine),
    buildCache,
  };
}

/** What images share with it is theirs. */
function buildCacheUsage(engine: Engine): DiskUsageReport["buildCache"] {
  const items = loadBuildCache(engine);
  const bytes = items.reduce((sum, item) => sum + item.bytes, 0);
  return { total: items.length, active: 0, bytes, reclaimableBytes: bytes, items };
}

function imagesUsage(engine: Engine, containers: readonly ContainerRecord[]): DiskUsageReport["images"] {
  const { imageLayout, layers, chains, tmp } = engine.paths;
  const rows = loadImageRows(engine);
  const images = [...new Map(rows.map(({ image }) => [image.id, image])).values()];
  const uses = Map.groupBy(containers, ({ imageId }) => imageId);
  const active = images.filter(({ id }) => uses.has(id));
  const usage = new DiskUsage();
  const bytes = [imageLayout, layers, chains, tmp].reduce((sum, path) => sum + usage.of(path), 0);
  const holders = Map.groupBy(
    images.flatMap((image) => [...new Set(image.layers)].map((layer) => ({ layer, image }))),
    ({ layer }) => layer,
  );
  const isShared = (layer: string) => (holders.get(layer)?.length ?? 0) > 1;
  return {
    total: images.length,
    active: active.length,
    bytes,
    reclaimableBytes: reclaimableBytes(engine, active),
    items: rows.map((row) => ({
      row,
      sharedBytes: layerBytes(engine, row.image, isShared),
      uniqueBytes: layerBytes(engine, row.image, (layer) => !isShared(layer)),
      containers: uses.get(row.image.id)?.length ?? 0,
    })),
  };
}

/** What a prune of all images but these would bring: blobs, layers and unfinished downloads. */
function reclaimableBytes(engine: Engine, active: readonly ImageRecord[]): number {
  const { paths } = engine;
  const tags = active.flatMap(({ id }) => tagsOfImage(engine.state, id));
  const kept = withCache(engine, reachOf(engine, active, tags));
  const stored = unreached(paths, kept).map(({ path }) => path);
  const unfinished = namesIn(paths.tmp).map((name) => join(paths.tmp, name));
  const usage = new DiskUsage();
  return [...stored, ...unfinished].reduce((sum, path) => sum + usage.of(path) + usage.of(`${path}.json`), 0);
}

function layerBytes(engine: Engine, image: ImageRecord, isCounted: (layer: string) => boolean): number {
  return layersOf(image)
    .filter(isCounted)
    .reduce((sum, diffID) => sum + loadLayerFacts(engine.paths, diffID).sizeBytes, 0);
}

const liveStatuses: readonly string[] = ["running", "paused", "restarting"];

function containersUsage(engine: Engine, records: readonly ContainerRecord[]): DiskUsageReport["containers"] {
  const items = records.map((record) => ({
    record,
    bytes: new DiskUsage().of(containerFolder(engine.paths, record.id)),
  }));
  const idle = items.filter(({ record }) => !liveStatuses.includes(record.status));
  return {
    total: items.length,
    active: items.length - idle.length,
    bytes: folderBytes(engine.paths.containers),
    reclaimableBytes: idle.reduce((sum, { bytes }) => sum + bytes, 0),
    items,
  };
}

function volumesUsage(engine: Engine): DiskUsageReport["volumes"] {
  const items = listVolumes(engine.state).map((volume) => ({
    volume,
    links: containersUsingVolume(engine.state, volume.name).length,
    bytes: new DiskUsage().of(join(engine.paths.volumes, volume.name)),
  }));
  const unused = items.filter(({ links }) => links === 0);
  return {
    total: items.length,
    active: items.length - unused.length,
    bytes: folderBytes(engine.paths.volumes),
    reclaimableBytes: unused.reduce((sum, { bytes }) => sum + bytes, 0),
    items,
  };
}

/** An empty folder is no use of the disk worth telling. */
function folderBytes(path: string): number {
  return namesIn(path).length === 0 ? 0 : new DiskUsage().of(path);
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
