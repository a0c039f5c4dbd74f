/**
 * The overlay driver: applied layers as lower directories, one upper directory a container.
 *
 *   container/ID/upper    what the container has written; its mode and owner are those of `/`
 *   container/ID/work     overlayfs's own, for copying up
 *   container/ID/empty    the only lower directory of an image without layers
 *
 * https://docs.kernel.org/filesystems/overlayfs.html
 */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";
import { applyRootAttributes, stackLayers } from "./layer-stack.ts";
import { removeTree } from "./remove-tree.ts";
import type { OverlayRootfs, StorageDriver } from "./storage-driver.ts";

export const overlayDriver: StorageDriver = {
  name: "overlay",
  prepare: prepareOverlay,
  remove: removeOverlay,
};

function prepareOverlay(paths: Paths, containerId: string, layers: readonly DiffID[]): OverlayRootfs {
  const directory = join(paths.containers, containerId);
  const rootfs = planOverlay(paths, directory, layers);
  if (!existsSync(rootfs.upperdir)) makeUpper(paths, rootfs, layers);
  mkdirSync(rootfs.workdir, { recursive: true, mode: 0o700 });
  if (rootfs.lowerdirs.length > 0) return rootfs;
  const empty = join(directory, "empty");
  mkdirSync(empty, { recursive: true, mode: 0o755 });
  return { ...rootfs, lowerdirs: [empty] };
}

function planOverlay(paths: Paths, directory: string, layers: readonly DiffID[]): OverlayRootfs {
  const lowerdirs = stackLayers(paths, layers);
  return { kind: "overlay", lowerdirs, upperdir: join(directory, "upper"), workdir: join(directory, "work") };
}

/** The upper directory's own attributes are what `/` shows, so it takes those of the image's root. */
function makeUpper(paths: Paths, rootfs: OverlayRootfs, layers: readonly DiffID[]): void {
  mkdirSync(rootfs.upperdir, { recursive: true, mode: 0o700 });
  applyRootAttributes(paths, layers, rootfs.upperdir);
}

function removeOverlay(paths: Paths, containerId: string): void {
  for (const name of ["upper", "work", "empty"]) removeTree(paths, join(paths.containers, containerId, name));
}
