/**
 * Pushes images: the blobs and the manifest as they lie in the store, so that what is pulled again has the same digests.
 *
 * Blobs first and the manifest last: a tag in the registry never names what is not there. Where another repository of
 * the same registry is known to have a layer, it is mounted from there. Nothing here renders; see push-event.ts.
 */
import { existsSync } from "node:fs";
import { BockerError } from "../errors.ts";
import type { Digest } from "../image/digest.ts";
import { type Descriptor, type Manifest, maxManifestBytes, parseManifest } from "../image/manifest.ts";
import {
  canonicalName,
  familiarName,
  familiarRepository,
  type ImageReference,
  parseReference,
  type Repository,
  repoDigest,
  type Tag,
} from "../image/reference.ts";
import { createRegistryClient, type RegistryClient } from "../registry/registry-client.ts";
import { type UploadResult, uploadBlob, uploadManifest } from "../registry/upload.ts";
import { appendEvent } from "../state/event.ts";
import { findImageByReference, getImage, listTags, setTag } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import { BlobStore } from "../storage/blob-store.ts";
import { layersOf } from "../storage/local-image.ts";
import { holdStore } from "../storage/store-hold.ts";
import type { Engine } from "./engine.ts";
import { Slots } from "./pull-slots.ts";
import type { PushEvent } from "./push-event.ts";

export interface PushOptions {
  readonly onProgress?: (event: PushEvent) => void;
}

type TaggedReference = ImageReference & { readonly tag: Tag };

/** docker's default. */
const parallelUploads = 5;

/**
 * Pushes one tag, or every tag of the repository where the reference has none. Throws docker's phrases for a name
 * that is not here and for what the registry refuses.
 */
export async function pushImage(
  engine: Engine,
  reference: ImageReference,
  options: PushOptions = {},
): Promise<void> {
  if (reference.digest !== undefined) {
    throw new BockerError("cannot push a digest reference", { kind: "invalid-reference" });
  }
  const tell = options.onProgress ?? (() => {});
  tell({ kind: "repository", name: `${reference.registry}/${reference.repository}` });
  const tags = tagsToPush(engine, reference);
  using _hold = await holdStore(engine.paths);
  const client = createRegistryClient(reference.registry, engine.settings.registries);
  for (const [tagged, image] of tags) await new Push(engine, client, tagged, image, tell).run();
}

function tagsToPush(
  engine: Engine,
  reference: ImageReference,
): readonly (readonly [TaggedReference, ImageRecord])[] {
  const { registry, repository } = reference;
  const local = listTags(engine.state).flatMap((row) => {
    const named = parseReference(row.reference);
    const image = getImage(engine.state, row.imageId);
    if (named.registry !== registry || named.repository !== repository || image === undefined) return [];
    return [[named, image] as const];
  });
  if (local.length === 0) {
    throw new BockerError(`An image does not exist locally with the tag: ${familiarRepository(reference)}`, {
      kind: "not-found",
      hint: `name one: bocker tag IMAGE ${familiarName(reference)}`,
    });
  }
  const wanted = local.flatMap(([named, image]) => {
    const { tag } = named;
    const isAsked = tag !== undefined && (reference.tag === undefined || reference.tag === tag);
    return isAsked ? [[{ ...named, tag }, image] as const] : [];
  });
  if (wanted.length > 0) return wanted;
  throw new BockerError(
    reference.tag === undefined
      ? `no tags to push for ${familiarRepository(reference)}`
      : `tag does not exist: ${familiarName(reference)}`,
    { kind: "not-found" },
  );
}

/** One tag on its way. */
class Push {
  readonly #engine: Engine;
  readonly #client: RegistryClient;
  readonly #reference: TaggedReference;
  readonly #image: ImageRecord;
  readonly #tell: (event: PushEvent) => void;
  readonly #blobs: BlobStore;
  readonly #slots = new Slots(parallelUploads);
  #failed = false;

  constructor(
    engine: Engine,
    client: RegistryClient,
    reference: TaggedReference,
    image: ImageRecord,
    tell: (event: PushEvent) => void,
  ) {
    this.#engine = engine;
    this.#client = client;
    this.#reference = reference;
    this.#image = image;
    this.#tell = tell;
    this.#blobs = new BlobStore(engine.paths);
  }

  async run(): Promise<void> {
    const digest = this.#image.manifestDigest as Digest;
    const bytes = this.#blobs.readBytes(digest, maxManifestBytes);
    const manifest = parseManifest(bytes);
    if (manifest.kind !== "manifest") throw new BockerError(`${digest} is no manifest`, { kind: "corrupt" });
    await this.#pushBlobs(manifest);
    const { tag } = this.#reference;
    await uploadManifest(this.#client, this.#reference, tag, {
      mediaType: manifest.mediaType,
      digest,
      bytes: new Uint8Array(bytes),
    });
    this.#record(digest);
    this.#tell({ kind: "digest", tag, digest, sizeBytes: bytes.byteLength });
  }

  async #pushBlobs(manifest: Manifest): Promise<void> {
    for (const blob of [manifest.config, ...manifest.layers]) this.#mustHave(blob);
    const neighbours = this.#neighbours();
    const diffIDs = layersOf(this.#image);
    const layers = new Map(
      manifest.layers.map((layer, index) => [layer.digest, { layer, diffID: diffIDs[index] }]),
    );
    const topFirst = [...layers.values()].reverse();
    const named = topFirst.map(({ layer, diffID }) => ({ layer, id: shortID(diffID ?? layer.digest) }));
    for (const { id } of named) this.#tell({ kind: "layer", id, status: "Preparing" });
    const uploads = named.map(({ layer, id }) => this.#pushLayer(layer, id, neighbours.get(layer.digest)));
    // The first failure is the one to show; uploads that run may end, none is begun.
    const results = await Promise.allSettled(uploads);
    for (const result of results) if (result.status === "rejected") throw result.reason;
    await this.#upload(manifest.config, neighbours.get(manifest.config.digest));
  }

  async #pushLayer(layer: Descriptor, id: string, mountFrom: Repository | undefined): Promise<void> {
    if (this.#slots.busy) this.#tell({ kind: "layer", id, status: "Waiting" });
    await this.#slots.run(async () => {
      if (this.#failed) return;
      try {
        const result = await this.#upload(layer, mountFrom, (doneBytes) =>
          this.#tell({ kind: "layer", id, status: "Pushing", doneBytes, totalBytes: layer.size }),
        );
        const from = mountFrom === undefined ? "" : this.#familiar(mountFrom);
        this.#tell({ kind: "layer", id, status: statusOf(result, from) });
      } catch (error) {
        this.#failed = true;
        throw error;
      }
    });
  }

  #upload(
    blob: Descriptor,
    mountFrom: Repository | undefined,
    onProgress?: (doneBytes: number) => void,
  ): Promise<UploadResult> {
    const source = { digest: blob.digest, size: blob.size, path: this.#blobs.path(blob.digest) };
    return uploadBlob(this.#client, this.#reference, source, {
      ...(mountFrom === undefined ? {} : { mountFrom }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
  }

  #mustHave(blob: Descriptor): void {
    if (existsSync(this.#blobs.path(blob.digest)) && this.#blobs.size(blob.digest) === blob.size) return;
    throw new BockerError(
      `cannot push "${familiarName(this.#reference)}": blob ${blob.digest} is not in the store`,
      { kind: "corrupt", hint: "pull or import the image again" },
    );
  }

  /** Blobs that other repositories of this registry are known to have: of what was pulled from or pushed to them. */
  #neighbours(): ReadonlyMap<Digest, Repository> {
    const found = new Map<Digest, Repository>();
    for (const row of listTags(this.#engine.state)) {
      if (row.repoDigest === undefined) continue;
      const { registry, repository } = parseReference(row.repoDigest);
      if (registry !== this.#reference.registry || repository === this.#reference.repository) continue;
      for (const digest of this.#blobsOf(getImage(this.#engine.state, row.imageId)))
        found.set(digest, repository);
    }
    return found;
  }

  #blobsOf(image: ImageRecord | undefined): readonly Digest[] {
    if (image === undefined || !this.#blobs.has(image.manifestDigest as Digest)) return [];
    const manifest = parseManifest(this.#blobs.readBytes(image.manifestDigest as Digest, maxManifestBytes));
    if (manifest.kind !== "manifest") return [];
    return [manifest.config, ...manifest.layers].map(({ digest }) => digest);
  }

  #familiar(repository: Repository): string {
    return familiarRepository({ registry: this.#reference.registry, repository });
  }

  /** From now on the image is known by this registry's digest, as docker's RepoDigests has it. */
  #record(digest: Digest): void {
    const { state } = this.#engine;
    const name = familiarName(this.#reference);
    const reference = canonicalName(this.#reference);
    state.transaction(() => {
      const isStill = findImageByReference(state, reference)?.id === this.#image.id;
      if (isStill) {
        setTag(state, {
          reference,
          imageId: this.#image.id,
          repoDigest: repoDigest(this.#reference, digest),
        });
      }
      appendEvent(state, { type: "image", action: "push", id: name, attributes: { name } });
    });
  }
}

function statusOf(result: UploadResult, mountedFrom: string) {
  if (result === "mounted") return `Mounted from ${mountedFrom}` as const;
  return result === "exists" ? "Layer already exists" : "Pushed";
}

function shortID(digest: string): string {
  return digest.slice(digest.indexOf(":") + 1).slice(0, 12);
}
