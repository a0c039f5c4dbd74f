/**
 * Layers that steps make, into the store and into the build cache; and back out of it.
 *
 * A row is written when its layer and blob are on the disk: a build that dies leaves finished steps or nothing. The same
 * layer is compressed once, whichever steps make it.
 */
import type { Paths } from "../host/paths.ts";
import { type DiffID, digestOf, parseDiffID, parseDigest } from "../image/digest.ts";
import type { Descriptor } from "../image/manifest.ts";
import {
  deleteCacheEntries,
  findCachedLayer,
  findCacheEntry,
  noteCacheUses,
  putCacheEntry,
} from "../state/build-cache.ts";
import type { BuildCacheRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { BlobStore } from "../storage/blob-store.ts";
import type { Brought } from "../storage/import-archive.ts";
import { hasLayer, loadLayerFacts } from "../storage/layer-directory.ts";
import { storeTar } from "../storage/store-layer.ts";

export interface StepLayer {
  readonly diffID: DiffID;
  readonly descriptor: Descriptor;
}

/** A step, for its row. */
export interface CachedStep {
  /** keyOf everything that the layer depends on. */
  readonly key: string;
  readonly description: string;
}

/** A step with its layer. */
export interface MadeStep extends CachedStep, StepLayer {}

/** A layer without members: docker has one too for a step that changed nothing. */
const emptyTar = Buffer.alloc(1024);

export class LayerCache {
  readonly #paths: Paths;
  readonly #state: State;
  readonly #blobs: BlobStore;
  readonly #brought: Brought;
  readonly #oldestMs: number;
  readonly #used: string[] = [];
  readonly #steps = new Map<string, MadeStep>();

  /** `brought` hears what is added to the store. Steps made before `oldestMs` are not found. Whoever builds holds the store. */
  constructor(paths: Paths, state: State, brought: Brought, oldestMs = 0) {
    this.#oldestMs = oldestMs;
    this.#paths = paths;
    this.#state = state;
    this.#blobs = new BlobStore(paths);
    this.#brought = brought;
  }

  /** What a step of this key has made before. */
  find(key: string): StepLayer | undefined {
    const entry = findCacheEntry(this.#state, key);
    if (entry === undefined || entry.createdAtMs < this.#oldestMs) return undefined;
    const layer = this.#usable(entry);
    if (layer === undefined) deleteCacheEntries(this.#state, [key]);
    else {
      this.#used.push(key);
      this.#steps.set(key, { key, description: entry.description, ...layer });
    }
    return layer;
  }

  /** Stores the tar, nothing at all standing for the empty one. `diffID`, where it is known, saves doing it twice. */
  async store(step: CachedStep, tar: Iterator<Buffer>, diffID?: DiffID): Promise<StepLayer> {
    const layer = await this.#stored(step.description, tar, diffID);
    putCacheEntry(this.#state, {
      ...step,
      diffID: layer.diffID,
      descriptor: layer.descriptor,
      sizeBytes: loadLayerFacts(this.#paths, layer.diffID).sizeBytes,
    });
    this.#steps.set(step.key, { ...step, ...layer });
    return layer;
  }

  /** All that were found or stored. */
  get steps(): readonly MadeStep[] {
    return [...this.#steps.values()];
  }

  /** Writes down what was used since the last time. */
  noteUses(): void {
    noteCacheUses(this.#state, this.#used.splice(0));
  }

  async #stored(label: string, tar: Iterator<Buffer>, known: DiffID | undefined): Promise<StepLayer> {
    const first = known === undefined || known === emptyDigest ? tar.next() : undefined;
    const isEmpty = first !== undefined && first.done === true;
    const diffID = isEmpty ? parseDiffID(digestOf(emptyTar)) : known;
    const before = diffID === undefined ? undefined : findCachedLayer(this.#state, diffID);
    const usable = before === undefined ? undefined : this.#usable(before);
    if (usable !== undefined) return usable;
    const pieces = isEmpty ? [emptyTar] : resumed(first?.value, tar);
    return storeTar(this.#paths, asynchronous(pieces), label, this.#brought, { mayBeEmpty: true });
  }

  #usable(entry: BuildCacheRecord): StepLayer | undefined {
    const diffID = parseDiffID(entry.diffID);
    const descriptor = { ...entry.descriptor, digest: parseDigest(entry.descriptor.digest) };
    return hasLayer(this.#paths, diffID) && this.#blobs.has(descriptor.digest)
      ? { diffID, descriptor }
      : undefined;
  }
}

/** What digestOfPlan says of a plan that has nothing to write. */
const emptyDigest: string = digestOf("");

/** One digest for a list of facts; the same facts in the same order. */
export function keyOf(facts: unknown): string {
  return digestOf(JSON.stringify(facts));
}

function* resumed(first: Buffer | undefined, rest: Iterator<Buffer>): Generator<Buffer> {
  if (first !== undefined) yield first;
  for (let next = rest.next(); next.done !== true; next = rest.next()) yield next.value;
}

async function* asynchronous(pieces: Iterable<Buffer>): AsyncGenerator<Buffer> {
  yield* pieces;
}
