/**
 * What COPY and ADD take files from, open for one step: the context, a stage's or image's layers, a named context.
 */
import { mkdirSync, openSync } from "node:fs";
import { join } from "node:path";
import { closeQuietly } from "../../../ffi/file.ts";
import { openFlags } from "../../../ffi/flags.ts";
import { DockerfileProblem } from "../../build/dockerfile/dockerfile-error.ts";
import type { Location } from "../../build/dockerfile/syntax.ts";
import type { StepLayer } from "../../build/layer-cache.ts";
import { layerTree, type SourceTree } from "../../build/source-tree.ts";
import type { SourceRef } from "../../build/stage-graph.ts";
import { stackLayers } from "../../storage/layer-stack.ts";
import { openLayerTree } from "../../storage/open-tree.ts";
import type { BuildContext } from "./build-context.ts";

/** A tree, and what it was made of where that says what is in it. */
export interface OpenSource extends Disposable {
  readonly tree: SourceTree;
  /** undefined: files of the host. */
  readonly layers: readonly StepLayer[] | undefined;
}

/** Waits for the stage or the image. `ref` undefined: the build context. Disposing closes what was opened here. */
export async function openSource(
  build: BuildContext,
  ref: SourceRef | undefined,
  location: Location,
): Promise<OpenSource> {
  const { options, images, platform } = build;
  if (ref === undefined) return borrowed(options.context ?? missingContext(location));
  switch (ref.kind) {
    case "scratch":
      return openLayers(build, [], "scratch");
    case "stage":
      return openLayers(build, (await build.stage(ref.index)).layers, `stage ${ref.index}`);
    case "image":
      return openLayers(build, (await images.find(ref.name, platform)).layers, ref.name);
    case "context": {
      const named = options.namedContexts.get(ref.name);
      if (named?.kind === "tree") return borrowed(named.tree);
      const image = await images.find(named?.name ?? ref.name, platform);
      return openLayers(build, image.layers, ref.name);
    }
  }
}

/** The files of layers, read-only; the caller closes. An empty directory for no layers at all. */
export function openLayersRoot(build: BuildContext, layers: readonly StepLayer[]): number {
  const { engine, sandbox } = build;
  if (layers.length > 0) {
    return openLayerTree(
      stackLayers(
        engine.paths,
        layers.map(({ diffID }) => diffID),
      ),
    );
  }
  const empty = join(sandbox.newPlace().folder, "empty");
  mkdirSync(empty);
  return openSync(empty, openFlags.O_PATH | openFlags.O_DIRECTORY);
}

function openLayers(build: BuildContext, layers: readonly StepLayer[], label: string): OpenSource {
  const root = openLayersRoot(build, layers);
  return { tree: layerTree(root, label), layers, [Symbol.dispose]: () => closeQuietly(root) };
}

function borrowed(tree: SourceTree): OpenSource {
  return { tree, layers: undefined, [Symbol.dispose]() {} };
}

function missingContext(location: Location): never {
  throw new DockerfileProblem(
    "there is no build context to copy from: only a Dockerfile was given",
    location,
    {
      hint: "name a directory: bocker build .",
    },
  );
}
