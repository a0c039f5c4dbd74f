/**
 * What the prune commands take away: stopped containers, images that nobody uses, and what nothing leads to.
 *
 * Each removal is the one of `rm` and `rmi` and is refused as theirs is, when somebody began to use the thing in
 * between. Sizes are what the disk gets back.
 */
import { messageOf } from "../errors.ts";
import { containersUsing } from "../state/container.ts";
import { appendPruneEvent } from "../state/event.ts";
import { findImageByReference, listImages, tagsOfImage } from "../state/image.ts";
import type { ContainerRecord, ImageRecord } from "../state/record.ts";
import { collectGarbage } from "../storage/collect-garbage.ts";
import { DiskUsage } from "../storage/disk-usage.ts";
import { loadImageConfig } from "../storage/local-image.ts";
import { removeLayoutTags } from "../storage/oci-layout.ts";
import { type RemovedImage, removeImage } from "../storage/remove-image.ts";
import { sweepStorage } from "../storage/sweep-storage.ts";
import { loadContainerImage } from "./container-image.ts";
import { containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { loadContainers } from "./find-container.ts";
import { type Labels, type PruneFilter, passesFilter } from "./prune-filter.ts";
import { removeIdleContainer } from "./remove-container.ts";

export interface PrunedContainers {
  readonly ids: readonly string[];
  readonly bytes: number;
  /** Why some stayed, a line each. */
  readonly problems: readonly string[];
}

/** Removes the containers that do not run and are not being started; their anonymous volumes stay, as docker's do. */
export async function pruneContainers(engine: Engine, filter: PruneFilter): Promise<PrunedContainers> {
  const ids: string[] = [];
  const problems: string[] = [];
  let bytes = 0;
  for (const record of await loadContainers(engine)) {
    if (!isIdle(record) || !passesFilter(filter, record.createdAtMs, () => containerLabels(engine, record)))
      continue;
    const size = new DiskUsage().of(containerFolder(engine.paths, record.id));
    try {
      await removeIdleContainer(engine, record, { volumes: false });
      ids.push(record.id);
      bytes += size;
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  appendPruneEvent(engine.state, "container", bytes);
  return { ids, bytes, problems };
}

function isIdle({ status, monitor }: ContainerRecord): boolean {
  return status === "dead" || ((status === "exited" || status === "created") && monitor === undefined);
}

function containerLabels(engine: Engine, record: ContainerRecord): Labels {
  const image = quietly(() => loadContainerImage(engine, record).config.Labels);
  return { ...image, ...record.config.labels };
}

export interface PrunedImages {
  readonly removed: readonly RemovedImage[];
  readonly bytes: number;
  /** A pull or import is going on: files that nothing leads to had to stay, for they may be its. */
  readonly isBusy: boolean;
}

/**
 * Removes images that no container was made from: those without a name, or `all`. Then everything in the store that
 * nothing leads to, unfinished downloads too.
 */
export async function pruneImages(
  engine: Engine,
  filter: PruneFilter,
  options: { readonly all: boolean },
): Promise<PrunedImages> {
  const removed: RemovedImage[] = [];
  const untagged: string[] = [];
  for (const image of listImages(engine.state)) {
    const names = tagsOfImage(engine.state, image.id).map(({ reference }) => reference);
    if ((names.length > 0 && !options.all) || containersUsing(engine.state, image.id).length > 0) continue;
    if (!passesFilter(filter, image.createdAtMs, () => imageLabels(engine, image))) continue;
    removed.push(...(await removeUnused(engine, names.length > 0 ? names : [image.id])));
    untagged.push(...names);
  }
  // A name that stayed, or was given anew meanwhile, keeps its line.
  if (untagged.length > 0)
    await removeLayoutTags(
      engine.paths,
      untagged.filter((name) => !isTag(engine, name)),
    );
  const store = pruneStore(engine);
  appendPruneEvent(engine.state, "image", store.bytes);
  return { removed, ...store };
}

function isTag(engine: Engine, reference: string): boolean {
  return findImageByReference(engine.state, reference) !== undefined;
}

/** Name by name, without force: a container that was made meanwhile keeps the last one, and the image. */
async function removeUnused(engine: Engine, names: readonly string[]): Promise<readonly RemovedImage[]> {
  const removed: RemovedImage[] = [];
  for (const name of names) {
    try {
      removed.push(...(await removeImage(engine, name, { force: false, keepsFiles: true })));
    } catch {
      // In use now, or gone.
    }
  }
  return removed;
}

function imageLabels(engine: Engine, image: ImageRecord): Labels {
  return quietly(() => loadImageConfig(engine.paths, image).config.Labels) ?? {};
}

/** What is damaged has no labels, and can be removed all the same. */
function quietly(load: () => Labels | undefined): Labels | undefined {
  try {
    return load();
  } catch {
    return undefined;
  }
}

function pruneStore(engine: Engine): Pick<PrunedImages, "bytes" | "isBusy"> {
  const before = new DiskUsage().of(engine.paths.tmp);
  sweepStorage(engine.paths, { partMaxAgeMs: 0 });
  const swept = Math.max(0, before - new DiskUsage().of(engine.paths.tmp));
  const { collected, freedBytes } = collectGarbage(engine, { measure: true });
  return { bytes: swept + freedBytes, isBusy: !collected };
}
