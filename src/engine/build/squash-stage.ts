/**
 * `--squash`: a finished stage's layers made one, its files the same.
 *
 * The one layer is what turns the base's tree into the stage's, so that a file which one step made and another removed is
 * nowhere. It is a step like any other: found again while the layers are the same. The history keeps every instruction,
 * and says as docker does what was merged into what.
 */
import { closeSync } from "node:fs";
import { keyOf, type StepLayer } from "../../build/layer-cache.ts";
import type { DiffID } from "../../image/digest.ts";
import { stackLayers } from "../../storage/layer-stack.ts";
import { openLayerTree } from "../../storage/open-tree.ts";
import { packSquashed } from "../../storage/pack-squashed.ts";
import { gather } from "../../storage/pack-tree.ts";
import { encodeImage } from "../../storage/store-image.ts";
import type { Engine } from "../engine.ts";
import type { BuildContext, BuiltStage } from "./build-context.ts";
import { imageConfigOf } from "./image-config-of.ts";

/** The stage as it is where nothing is to be squashed, or there is but one layer to do it with. */
export async function squashStage(build: BuildContext, built: BuiltStage): Promise<BuiltStage> {
  const { options, steps, signal } = build;
  const squash = options.finish?.squash;
  const keptCount = squash === "all" ? 0 : built.baseLayers;
  if (squash === undefined || built.layers.length - keptCount < 2) return built;
  const kept = built.layers.slice(0, keptCount);
  const layer = await steps.run(
    `squashing ${built.layers.length - keptCount} layers into one`,
    undefined,
    async (step) => {
      signal.throwIfAborted();
      const key = keyOf({
        step: "squash",
        base: diffIDsOf(kept),
        layers: diffIDsOf(built.layers),
        latestSeconds: built.epochSeconds,
      });
      const known = options.cache === "use" ? build.cache.find(key) : undefined;
      if (known !== undefined) step.cached();
      return known ?? build.cache.store({ key, description: "squash" }, packLayer(build.engine, built, kept));
    },
  );
  return { ...built, state: { ...built.state, history: historyOf(build, built) }, layers: [...kept, layer] };
}

function diffIDsOf(layers: readonly StepLayer[]): readonly DiffID[] {
  return layers.map(({ diffID }) => diffID);
}

function* packLayer(
  { paths }: Engine,
  { layers, epochSeconds }: BuiltStage,
  kept: readonly StepLayer[],
): Generator<Buffer> {
  const [below, all] = [diffIDsOf(kept), diffIDsOf(layers)];
  const base = below.length === 0 ? undefined : openLayerTree(stackLayers(paths, below));
  try {
    const tree = openLayerTree(stackLayers(paths, all));
    try {
      yield* gather(packSquashed({ base, tree, paths, below, all, latestSeconds: epochSeconds }));
    } finally {
      closeSync(tree);
    }
  } finally {
    if (base !== undefined) closeSync(base);
  }
}

/** docker's: what is squashed has no layer of its own any more, and one more entry has the layer of them all. */
function historyOf({ options }: BuildContext, built: BuiltStage): BuiltStage["state"]["history"] {
  const isAll = options.finish?.squash === "all";
  const config = imageConfigOf(built, options);
  const layers = built.layers.map(({ descriptor }) => descriptor);
  const id = encodeImage({ config, layers }).config.descriptor.digest;
  const comment =
    isAll || built.baseId === undefined ? `create new from ${id}` : `merge ${id} to ${built.baseId}`;
  const entries = built.state.history.map((entry, index) =>
    isAll || index >= built.baseHistory ? { ...entry, empty_layer: true } : entry,
  );
  return [...entries, { comment }];
}
