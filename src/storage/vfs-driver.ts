/**
 * The vfs driver: each container has a whole copy of its image, in a plain directory.
 *
 *   container/ID/rootfs           complete once it is there
 *   container/ID/rootfs.partial   while it is copied; made anew by whoever comes after a crash
 *
 * For file systems that can carry no overlay. Where they can share blocks (XFS, btrfs) a copy costs metadata only.
 */
import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";
import { mergeLayer } from "./copy-tree.ts";
import { applyRootAttributes, stackLayers } from "./layer-stack.ts";
import { removeTree } from "./remove-tree.ts";
import type { DirectoryRootfs, StorageDriver } from "./storage-driver.ts";

export const vfsDriver: StorageDriver = { name: "vfs", prepare: prepareCopy, remove: removeCopy };

function prepareCopy(paths: Paths, containerId: string, layers: readonly DiffID[]): DirectoryRootfs {
  const directory = join(paths.containers, containerId);
  const path = join(directory, "rootfs");
  if (existsSync(path)) return { kind: "directory", path };
  const partial = join(directory, "rootfs.partial");
  removeTree(paths, partial);
  mkdirSync(partial, { recursive: true, mode: 0o700 });
  fillFromLayers(paths, layers, partial);
  renameSync(partial, path);
  return { kind: "directory", path };
}

/** Copies all layers over one another into the empty directory `target`, which becomes the image's root. */
export function fillFromLayers(paths: Paths, layers: readonly DiffID[], target: string): void {
  for (const layer of stackLayers(paths, layers).toReversed()) mergeLayer(layer, target);
  applyRootAttributes(paths, layers, target);
}

function removeCopy(paths: Paths, containerId: string): void {
  for (const name of ["rootfs", "rootfs.partial"])
    removeTree(paths, join(paths.containers, containerId, name));
}
