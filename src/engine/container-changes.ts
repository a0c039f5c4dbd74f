/**
 * A container's files as tar: what it has changed (for commit), and all that it sees (for export).
 *
 * Read through descriptors of read-only mounts of our own; a running container can change its tree meanwhile, and
 * cannot make us look outside of it.
 */
import { type BigIntStats, closeSync } from "node:fs";
import type { ImageConfig } from "../image/image-config.ts";
import type { ContainerRecord } from "../state/record.ts";
import { isRootChanged, stackLayers } from "../storage/layer-stack.ts";
import { openFolderTree, openLayerTree, openMergedTree } from "../storage/open-tree.ts";
import type { PackOptions } from "../storage/pack-entry.ts";
import { packDifference, packUpper } from "../storage/pack-layer.ts";
import { packTree } from "../storage/pack-tree.ts";
import { loadContainerImage } from "./container-image.ts";
import { containerRootfs } from "./container-rootfs.ts";
import type { Engine } from "./engine.ts";

export interface ChangesOptions extends PackOptions {
  /** Hears of a member that a layer cannot name. */
  readonly onLeftOut?: (name: string) => void;
}

/** The tar of the layer that the container has added to its image; nothing at all where it has changed nothing. */
export function* packChanges(
  engine: Engine,
  record: ContainerRecord,
  image: ImageConfig,
  options: ChangesOptions,
): Generator<Buffer> {
  const rootfs = containerRootfs(engine, record, image);
  const folder = rootfs.kind === "overlay" ? rootfs.upperdir : rootfs.path;
  const rootChanged = isRootChanged(engine.paths, image.rootfs.diff_ids, folder);
  const whole = { ...options, rootChanged, leavesOut: isSecretPlace(record) };
  const changed = openFolderTree(folder);
  try {
    if (rootfs.kind === "overlay") yield* packUpper(changed, whole);
    else yield* packAgainstImage(engine, image, changed, whole);
  } finally {
    closeSync(changed);
  }
}

function* packAgainstImage(
  engine: Engine,
  image: ImageConfig,
  changed: number,
  options: Parameters<typeof packDifference>[2],
): Generator<Buffer> {
  const layers = stackLayers(engine.paths, image.rootfs.diff_ids);
  const base = layers.length === 0 ? undefined : openLayerTree(layers);
  try {
    yield* packDifference(base, changed, options);
  } finally {
    if (base !== undefined) closeSync(base);
  }
}

/** The tar of the container's root file system, without what is mounted in it. */
export async function* packRootfs(
  engine: Engine,
  record: ContainerRecord,
  options: PackOptions,
): AsyncGenerator<Buffer> {
  const tree = openMergedTree(containerRootfs(engine, record, loadContainerImage(engine, record)));
  try {
    yield* packTree(tree, { ...options, leavesOut: isSecretPlace(record) });
  } finally {
    closeSync(tree);
  }
}

/** The empty files that secrets were mounted on are no files of the container's. */
function isSecretPlace({ config }: ContainerRecord): (name: string, stat: BigIntStats) => boolean {
  const places = new Set(
    (config.secrets ?? []).flatMap((secret) => (secret.type === "mount" ? [secret.target.slice(1)] : [])),
  );
  return (name, stat) => stat.isFile() && stat.size === 0n && places.has(name);
}
