/**
 * The overlay driver: applied layers as lower directories, one upper directory a container.
 *
 *   container/ID/upper    what the container has written; its mode and owner are those of `/`
 *   container/ID/work     overlayfs's own, for copying up
 *   container/ID/empty    the only lower directory of an image without layers
 *
 * https://docs.kernel.org/filesystems/overlayfs.html
 */
import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { BockerError } from "../errors.ts";
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";
import { layerPath, loadLayerFacts } from "./layer-directory.ts";
import { removeTree } from "./remove-tree.ts";
import type { OverlayRootfs, StorageDriver } from "./storage-driver.ts";

export const overlayDriver: StorageDriver = {
  name: "overlay",
  prepare: prepareOverlay,
  remove: removeOverlay,
};

interface RootAttributes {
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
}

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

/**
 * Lower directories, top first. A layer that occurs twice stays in its higher place only: it hides itself, and
 * overlayfs refuses the same directory twice. Nothing shows from under a layer whose root is opaque.
 */
function planOverlay(paths: Paths, directory: string, layers: readonly DiffID[]): OverlayRootfs {
  const lowerdirs: string[] = [];
  for (const diffID of new Set(layers.toReversed())) {
    lowerdirs.push(existingLayer(paths, diffID));
    if (loadLayerFacts(paths, diffID).opaqueRoot) break;
  }
  return { kind: "overlay", lowerdirs, upperdir: join(directory, "upper"), workdir: join(directory, "work") };
}

function existingLayer(paths: Paths, diffID: DiffID): string {
  const path = layerPath(paths, diffID);
  if (existsSync(path)) return path;
  throw new BockerError(`layer ${diffID} is not in the store`, {
    kind: "not-found",
    hint: "the store is damaged; remove the image and pull it again",
  });
}

/** The upper directory's own attributes are what `/` shows, so it takes those of the image's root. */
function makeUpper(paths: Paths, rootfs: OverlayRootfs, layers: readonly DiffID[]): void {
  const { mode, uid, gid } = rootAttributes(paths, layers);
  mkdirSync(rootfs.upperdir, { recursive: true, mode: 0o700 });
  if (uid !== 0 || gid !== 0) chownSync(rootfs.upperdir, uid, gid);
  chmodSync(rootfs.upperdir, mode);
}

/** Those of the topmost layer that says anything about its root. */
function rootAttributes(paths: Paths, layers: readonly DiffID[]): RootAttributes {
  const telling = layers.findLast((diffID) => loadLayerFacts(paths, diffID).describesRoot);
  if (telling === undefined) return { mode: 0o755, uid: 0, gid: 0 };
  const { mode, uid, gid } = lstatSync(layerPath(paths, telling));
  return { mode: mode & 0o7777, uid, gid };
}

function removeOverlay(paths: Paths, containerId: string): void {
  for (const name of ["upper", "work", "empty"]) removeTree(paths, join(paths.containers, containerId, name));
}
