/**
 * The files of a step: those so far, and what the step writes, apart where the storage driver can keep it apart.
 *
 *   overlay      layers, below them a directory for places of mounts, above them an upper directory
 *   other ones   a copy of the whole tree, held against the layers when the step has ended
 */
import { closeSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { DiffID } from "../../image/digest.ts";
import { applyRootAttributes, isRootChanged, stackLayers } from "../../storage/layer-stack.ts";
import { openFolderTree, openLayerTree } from "../../storage/open-tree.ts";
import { packDifference, packUpper } from "../../storage/pack-layer.ts";
import { gather } from "../../storage/pack-tree.ts";
import { driverOf, prepareRootfs, removeRootfs } from "../../storage/rootfs.ts";
import { selectDriver } from "../../storage/select-driver.ts";
import type { Rootfs } from "../../storage/storage-driver.ts";
import type { Engine } from "../engine.ts";
import type { SandboxPlace } from "./build-sandbox.ts";

export interface StepRoot {
  readonly rootfs: Rootfs;
  /** What the step writes to: the upper directory, or the whole tree. */
  readonly written: string;
  /** An empty directory below all layers; undefined: there are no layers apart from one another. */
  readonly lowest: string | undefined;
}

/** Makes the directories in the container's own folder. `layers` bottom first. */
export function makeStepRoot(
  { paths, settings }: Engine,
  { id, folder }: SandboxPlace,
  layers: readonly DiffID[],
): StepRoot {
  const { storageDriver } = settings;
  if (selectDriver(paths, storageDriver).name !== "overlay") {
    const rootfs = prepareRootfs(paths, id, layers, storageDriver);
    return { rootfs, written: join(folder, "rootfs"), lowest: undefined };
  }
  const [upperdir, workdir, lowest] = [join(folder, "upper"), join(folder, "work"), join(folder, "lowest")];
  for (const path of [upperdir, workdir, lowest]) mkdirSync(path, { mode: 0o755 });
  applyRootAttributes(paths, layers, upperdir);
  const lowerdirs = [...stackLayers(paths, layers), lowest];
  return { rootfs: { kind: "overlay", lowerdirs, upperdir, workdir }, written: upperdir, lowest };
}

/** The tar of the layer; nothing at all where nothing was changed. Later times become `latestSeconds`. */
export function* packStepRoot(
  { paths }: Engine,
  { written, rootfs }: StepRoot,
  layers: readonly DiffID[],
  latestSeconds: number,
): Generator<Buffer> {
  const options = { latestSeconds, rootChanged: isRootChanged(paths, layers, written) };
  const lowerdirs = rootfs.kind === "overlay" ? [] : stackLayers(paths, layers);
  const base = lowerdirs.length === 0 ? undefined : openLayerTree(lowerdirs);
  const tree = openFolderTree(written);
  try {
    yield* gather(rootfs.kind === "overlay" ? packUpper(tree, options) : packDifference(base, tree, options));
  } finally {
    closeSync(tree);
    if (base !== undefined) closeSync(base);
  }
}

/** What only the storage driver knows how to remove. */
export function removeStepRoot({ paths }: Engine, { id }: SandboxPlace): void {
  if (driverOf(paths, id) !== "overlay") removeRootfs(paths, id);
}
