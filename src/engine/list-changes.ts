/**
 * `diff`: what a container has changed in its root file system. What the engine itself has put there for its mounts is
 * left out, as docker keeps it in a layer of its own.
 */
import { closeSync } from "node:fs";
import { BockerError } from "../errors.ts";
import type { ContainerRecord } from "../state/record.ts";
import { stackLayers } from "../storage/layer-stack.ts";
import { listDifferences, listUpperChanges, type TreeChange } from "../storage/list-changes.ts";
import { openFolderTree, openLayerTree } from "../storage/open-tree.ts";
import { loadContainerImage } from "./container-image.ts";
import { containerRootfs } from "./container-rootfs.ts";
import { parseRootDirectory } from "./directory-image.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";

export type { TreeChange };

/** Targets that every start makes where the image lacks them. */
const engineTargets: ReadonlySet<string> = new Set([
  "/dev",
  "/etc/hostname",
  "/etc/hosts",
  "/etc/mtab",
  "/etc/resolv.conf",
  "/proc",
  "/sys",
]);

/** The changes, in the order of the tree. Throws docker's `No such container: x`. */
export async function listContainerChanges(engine: Engine, nameOrId: string): Promise<readonly TreeChange[]> {
  const record = await loadContainer(engine, nameOrId);
  const image = loadContainerImage(engine, record);
  const rootfs = containerRootfs(engine, record, image);
  if (record.config.rootfs && rootfs.kind === "directory") throw noBase(record);
  const layers = record.config.rootfs
    ? [parseRootDirectory(record.config.image).path]
    : stackLayers(engine.paths, image.rootfs.diff_ids);
  const base = layers.length === 0 ? undefined : openLayerTree(layers);
  const changed = openFolderTree(rootfs.kind === "overlay" ? rootfs.upperdir : rootfs.path);
  try {
    const list = rootfs.kind === "overlay" ? listUpperChanges : listDifferences;
    return withoutEngineTargets(list(base, changed));
  } finally {
    closeSync(changed);
    if (base !== undefined) closeSync(base);
  }
}

function noBase({ name, config }: ContainerRecord): BockerError {
  return new BockerError(`cannot tell what container "${name}" has changed: it writes into ${config.image}`, {
    kind: "unsupported",
    hint: "run it with DIR:O, and its changes are kept apart",
  });
}

/** A directory that counts as changed for nothing but them goes too. */
export function withoutEngineTargets(changes: readonly TreeChange[]): readonly TreeChange[] {
  const isOurs = ({ kind, path }: TreeChange) => kind === "added" && engineTargets.has(path);
  const ours = changes.filter(isOurs);
  if (ours.length === 0) return changes;
  const others = changes.filter((change) => !isOurs(change));
  return others.filter(({ kind, path }) => {
    const isParent = path !== "/" && ours.some((target) => target.path.startsWith(`${path}/`));
    if (!isParent) return true;
    // Only /etc can be: added with our files alone in it, or changed by them.
    return kind === "deleted" || others.some((other) => other.path.startsWith(`${path}/`));
  });
}
