/**
 * Applies hand-made tars as layers in a private state root, beside a sentinel that nothing may touch.
 */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Paths, pathsUnder } from "../../src/host/paths.ts";
import { type DiffID, digestOf } from "../../src/image/digest.ts";
import { applyLayer } from "../../src/storage/apply-layer.ts";
import { layerPath } from "../../src/storage/layer-directory.ts";
import type { LayerFacts, LayerLimits } from "../../src/storage/layer-message.ts";

export interface LayerBench extends Disposable {
  readonly paths: Paths;
  /** Applies a tar; `blob` is how it is stored when that is not as it is. */
  apply(tar: Buffer, blob?: Uint8Array, limits?: LayerLimits): Promise<LayerFacts>;
  /** Path of a file in the applied layer of this tar. */
  path(tar: Buffer, name: string): string;
  /** What stands outside, as text: changes when anything there does. */
  sentinel(): string;
  /** Everything that failed work may leave: names under layer/ and tmp/, lasting locks aside. */
  leftovers(): string[];
}

export function diffIDOf(tar: Uint8Array): DiffID {
  return digestOf(tar) as string as DiffID;
}

export function openLayerBench(): LayerBench {
  const directory = mkdtempSync(join(tmpdir(), "bocker-layer-"));
  const paths = pathsUnder(join(directory, "root"), join(directory, "run"));
  const outside = join(directory, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "sentinel"), "untouched");
  let count = 0;
  return {
    paths,
    async apply(tar, blob = tar, limits = {}) {
      const file = join(directory, `blob-${count++}`);
      writeFileSync(file, blob);
      return applyLayer({ paths, blob: file, diffID: diffIDOf(tar), limits });
    },
    path: (tar, name) => join(layerPath(paths, diffIDOf(tar)), name),
    sentinel: () => {
      const facts = [outside, join(outside, "sentinel")].map((path) => {
        const { ino, mode, uid, gid, nlink, size, mtimeMs, ctimeMs } = statSync(path);
        return { ino, mode, uid, gid, nlink, size, mtimeMs, ctimeMs };
      });
      return JSON.stringify([facts, readdirSync(outside), readFileSync(join(outside, "sentinel"), "utf8")]);
    },
    leftovers: () =>
      [paths.layers, paths.tmp].flatMap((folder) => readdirSync(folder).map((name) => join(folder, name))),
    [Symbol.dispose]: () => rmSync(directory, { recursive: true, force: true }),
  };
}
