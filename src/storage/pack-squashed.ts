/**
 * Layers made one: the tar that turns the tree of the lower ones into the tree of all.
 *
 * What the squashed layers write is changed for certain: size and time alone do not tell, times of built files being cut.
 * Mode and owner of the root are said where one of the squashed layers says them; the mounted tree shows those of whichever
 * directory is on top, which need not be the one that says so (layer-stack.ts).
 */
import { closeSync } from "node:fs";
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";
import { rootAttributesOf, stackLayers } from "./layer-stack.ts";
import { openFolderTree } from "./open-tree.ts";
import { packDifference } from "./pack-layer.ts";
import { walkTree } from "./tree-walk.ts";

export interface SquashedTrees {
  /** Descriptors; `base` undefined: an empty tree. */
  readonly base: number | undefined;
  readonly tree: number;
  readonly paths: Paths;
  /** The layers of each, bottom first. */
  readonly below: readonly DiffID[];
  readonly all: readonly DiffID[];
  /** Later times become this, in seconds. */
  readonly latestSeconds: number;
}

/** Nothing at all where the trees are the same. */
export function packSquashed(trees: SquashedTrees): Generator<Buffer> {
  const { base, tree, paths, below, all, latestSeconds } = trees;
  const [was, now] = [rootAttributesOf(paths, below), rootAttributesOf(paths, all)];
  return packDifference(base, tree, {
    latestSeconds,
    certain: writtenNames(paths, all.slice(below.length)),
    rootChanged: was.mode !== now.mode || was.uid !== now.uid || was.gid !== now.gid,
    rewrite: (entry) =>
      entry.name === "./"
        ? { ...entry, ...now, modified: { seconds: latestSeconds, nanoseconds: 0 } }
        : entry,
  });
}

/** Of everything in the layers but directories. */
function writtenNames(paths: Paths, layers: readonly DiffID[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const directory of stackLayers(paths, layers)) {
    const tree = openFolderTree(directory);
    try {
      for (const { name, stat } of walkTree(tree)) if (!stat.isDirectory()) names.add(name);
    } finally {
      closeSync(tree);
    }
  }
  return names;
}
