/**
 * A stack of applied layers as directories: which of them show, and what the root above them looks like.
 */
import { chmodSync, chownSync, existsSync, lstatSync } from "node:fs";
import { BockerError } from "../errors.ts";
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";
import { layerPath, loadLayerFacts } from "./layer-directory.ts";

/**
 * Directories of the layers that show, top first. A layer that occurs twice stays in its higher place only: it hides
 * itself, and overlayfs refuses the same directory twice. Nothing shows from under a layer whose root is opaque.
 * Throws kind `not-found` when one is missing.
 */
export function stackLayers(paths: Paths, layers: readonly DiffID[]): readonly string[] {
  const directories: string[] = [];
  for (const diffID of new Set(layers.toReversed())) {
    directories.push(existingLayer(paths, diffID));
    if (loadLayerFacts(paths, diffID).opaqueRoot) break;
  }
  return directories;
}

function existingLayer(paths: Paths, diffID: DiffID): string {
  const path = layerPath(paths, diffID);
  if (existsSync(path)) return path;
  throw new BockerError(`layer ${diffID} is not in the store`, {
    kind: "not-found",
    hint: "the store is damaged; remove the image and pull it again",
  });
}

/** Gives `directory` mode and owner of the image's root. */
export function applyRootAttributes(paths: Paths, layers: readonly DiffID[], directory: string): void {
  const { mode, uid, gid } = rootAttributesOf(paths, layers);
  chownSync(directory, uid, gid);
  chmodSync(directory, mode);
}

/** Whether `directory` has other ones than the image's root. */
export function isRootChanged(paths: Paths, layers: readonly DiffID[], directory: string): boolean {
  const was = rootAttributesOf(paths, layers);
  const now = lstatSync(directory);
  return (now.mode & 0o7777) !== was.mode || now.uid !== was.uid || now.gid !== was.gid;
}

/** Mode and owner of the image's root: of the topmost layer that says anything about it, else 0755 and root's. */
export function rootAttributesOf(paths: Paths, layers: readonly DiffID[]) {
  const telling = layers.findLast((diffID) => loadLayerFacts(paths, diffID).describesRoot);
  if (telling === undefined) return { mode: 0o755, uid: 0, gid: 0 };
  const { mode, uid, gid } = lstatSync(layerPath(paths, telling));
  return { mode: mode & 0o7777, uid, gid };
}
