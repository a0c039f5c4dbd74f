/**
 * The build cache for other machines: `--cache-to` and `--cache-from`, in a directory or a registry.
 *
 * It has the form of an image: the config says which step made which layer, the layers are the layers. Keys of steps are
 * digests of what the steps depend on, the same on every machine. What comes in is checked against its digests; that a
 * step really makes the layer is taken on trust, as from any image.
 */
import type { MadeStep } from "../../build/layer-cache.ts";
import { BockerError } from "../../errors.ts";
import { digestOf, parseDiffID, parseDigest, verifyDigest } from "../../image/digest.ts";
import { parseJsonObject } from "../../image/json-field.ts";
import { type Descriptor, type Manifest, parseManifest } from "../../image/manifest.ts";
import { MediaType } from "../../image/media-type.ts";
import { findCacheEntry, putCacheEntry } from "../../state/build-cache.ts";
import { applyLayer } from "../../storage/apply-layer.ts";
import { BlobStore } from "../../storage/blob-store.ts";
import { hasLayer } from "../../storage/layer-directory.ts";
import { holdStore } from "../../storage/store-hold.ts";
import type { Engine } from "../engine.ts";
import { type CachePlace, type CacheShelf, openShelf } from "./cache-shelf.ts";

const configType = "application/vnd.bocker.build-cache.v1+json";
const maxConfigBytes = 8 << 20;
/** As many layers as a manifest may have. */
const maxSteps = 512;

/** Writes the steps' layers, and which step made which; in place of what was there. Throws what the place throws. */
export async function exportCache(
  engine: Engine,
  place: CachePlace,
  steps: readonly MadeStep[],
): Promise<void> {
  using _hold = await holdStore(engine.paths);
  const shelf = await openShelf(engine, place);
  const blobs = new BlobStore(engine.paths);
  const kept = steps.slice(-maxSteps);
  const layers = new Map(kept.map(({ descriptor }) => [descriptor.digest, descriptor]));
  for (const layer of layers.values()) await shelf.put(layer, blobs.path(layer.digest));
  const config = Buffer.from(JSON.stringify({ version: 1, steps: kept.map(renderStep) }));
  const descriptor: Descriptor = { mediaType: configType, digest: digestOf(config), size: config.length };
  await blobs.writeBytes(descriptor, config);
  await shelf.put(descriptor, blobs.path(descriptor.digest));
  const manifest = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: descriptor,
    layers: [...layers.values()],
  };
  await shelf.publish(new Uint8Array(Buffer.from(JSON.stringify(manifest))));
}

function renderStep({ key, description, diffID, descriptor }: MadeStep) {
  return { key, description, diffID, layer: descriptor.digest };
}

/** Takes over all steps that are not known here; gives their number. Throws kind `not-found` where there is no cache. */
export async function importCache(engine: Engine, place: CachePlace): Promise<number> {
  using _hold = await holdStore(engine.paths);
  const shelf = await openShelf(engine, place);
  const manifest = readManifest(await shelf.load());
  const layers = new Map<string, Descriptor>(manifest.layers.map((layer) => [layer.digest, layer]));
  let count = 0;
  for (const step of await readSteps(shelf, manifest.config)) {
    const descriptor = layers.get(step.layer);
    if (descriptor === undefined) throw broken(`it has no layer ${step.layer}`);
    if (await takeOver(engine, shelf, { ...step, descriptor })) count += 1;
  }
  return count;
}

function readManifest(bytes: Uint8Array): Manifest {
  const manifest = parseManifest(bytes);
  if (manifest.kind === "manifest" && manifest.config.mediaType === configType) return manifest;
  throw new BockerError("no build cache of bocker's", {
    kind: "unsupported",
    hint: "caches of other builders, and images, cannot be read as one",
  });
}

async function takeOver({ paths, state }: Engine, shelf: CacheShelf, step: MadeStep): Promise<boolean> {
  const { key, description, descriptor, diffID } = step;
  const blobs = new BlobStore(paths);
  const isThere = hasLayer(paths, diffID) && blobs.has(descriptor.digest);
  if (isThere && findCacheEntry(state, key) !== undefined) return false;
  await blobs.write(descriptor, async () => ({ offset: 0, body: shelf.read(descriptor) }));
  const { sizeBytes } = await applyLayer({ paths, blob: blobs.path(descriptor.digest), diffID });
  putCacheEntry(state, { key, description, diffID, descriptor, sizeBytes });
  return true;
}

interface WrittenStep extends Pick<MadeStep, "key" | "description" | "diffID"> {
  readonly layer: string;
}

async function readSteps(shelf: CacheShelf, config: Descriptor): Promise<readonly WrittenStep[]> {
  if (config.size > maxConfigBytes) throw broken(`its config has ${config.size} bytes`);
  const bytes = Buffer.concat(await Array.fromAsync(shelf.read(config)));
  verifyDigest("build cache config", bytes, config.digest);
  const { steps } = parseJsonObject("build cache config", bytes);
  if (!Array.isArray(steps) || steps.length > maxSteps) throw broken("its config has no list of steps");
  return steps.map(readStep);
}

function readStep(value: unknown): WrittenStep {
  const { key, description, diffID, layer } = (value ?? {}) as Record<string, unknown>;
  if (typeof description !== "string") throw broken("a step has no description");
  const [checkedKey, checkedLayer] = [key, layer].map((text) => parseDigest(String(text)));
  return {
    key: checkedKey ?? "",
    description,
    diffID: parseDiffID(String(diffID)),
    layer: checkedLayer ?? "",
  };
}

function broken(reason: string): BockerError {
  return new BockerError(`the build cache is damaged: ${reason}`, { kind: "corrupt" });
}
