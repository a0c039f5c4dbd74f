/**
 * `commit`: a container's changes as one more layer on its image, under a new config and perhaps a name.
 *
 * A running container stands still while its files are read (unless asked otherwise), and in that time is marked as
 * paused: should we be killed, `unpause` lets it go on. The image's own layers are taken over as they are.
 */
import { BockerError } from "../errors.ts";
import { applyChanges } from "../image/config-change.ts";
import type { Digest } from "../image/digest.ts";
import type { ImageConfig } from "../image/image-config.ts";
import { type Descriptor, maxManifestBytes, parseManifest } from "../image/manifest.ts";
import { canonicalName, familiarName, type NamedReference } from "../image/reference.ts";
import { appendContainerEvent, appendEvent } from "../state/event.ts";
import { findImageByReference, getImage } from "../state/image.ts";
import type { ContainerRecord, ImageRecord } from "../state/record.ts";
import { BlobStore } from "../storage/blob-store.ts";
import { collectGarbage } from "../storage/collect-garbage.ts";
import type { Brought } from "../storage/import-archive.ts";
import { gather } from "../storage/pack-tree.ts";
import { holdStore } from "../storage/store-hold.ts";
import { storeImage } from "../storage/store-image.ts";
import { type StoredLayer, storeTar } from "../storage/store-layer.ts";
import { committedConfig } from "./commit-config.ts";
import { type ChangesOptions, packChanges } from "./container-changes.ts";
import { loadContainerImage } from "./container-image.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { renderCreated } from "./image-time.ts";
import { withPaused } from "./paused.ts";
import { removeImage } from "./remove-image.ts";
import { unlessRemoved } from "./removed-meanwhile.ts";
import { noSuchImage } from "./resolve-image.ts";

export interface CommitOptions {
  readonly author?: string;
  readonly message?: string;
  /** Dockerfile instructions. */
  readonly changes: readonly string[];
  readonly pause: boolean;
  /** The name must be taken, and the image that had it goes once nobody else needs it. */
  readonly replace: boolean;
  /** SOURCE_DATE_EPOCH: time of the image, and the latest of its files. */
  readonly epochSeconds?: number;
  readonly onWarning: (message: string) => void;
}

/** Gives the new image's id. Throws docker's phrases for the container, the name and the changes. */
export async function commitContainer(
  engine: Engine,
  nameOrId: string,
  target: NamedReference | undefined,
  options: CommitOptions,
): Promise<string> {
  const record = await loadContainer(engine, nameOrId);
  checkCommittable(record);
  applyChanges({}, options.changes);
  const replaced = options.replace ? requireTarget(engine, target) : undefined;
  const image = await unlessRemoved(engine, record, nameOrId, () =>
    commitWhole(engine, record, target, options),
  );
  appendContainerEvent(engine.state, record.id, "commit", {
    comment: options.message ?? "",
    imageID: image.id,
    imageRef: target === undefined ? "" : familiarName(target),
  });
  const name = target === undefined ? {} : { name: familiarName(target) };
  appendEvent(engine.state, { type: "image", action: "tag", id: image.id, attributes: name });
  if (replaced !== undefined && replaced.id !== image.id) await removeUnused(engine, replaced);
  return image.id;
}

function checkCommittable({ id, status, config }: ContainerRecord): void {
  if (config.rootfs) {
    throw new BockerError("cannot commit a container that uses an exploded rootfs", {
      kind: "unsupported",
      hint: `bocker init ${config.image.replace(/:O$/, "")} NAME makes an image of the directory`,
    });
  }
  if (status === "dead")
    throw new BockerError(`You cannot commit container ${id} which is Dead`, { kind: "conflict" });
  if (status !== "removing") return;
  throw new BockerError(`You cannot commit container ${id} which is being removed`, { kind: "conflict" });
}

function requireTarget(engine: Engine, target: NamedReference | undefined): ImageRecord {
  if (target === undefined) {
    throw new BockerError("--replace needs the name of the image to replace", { kind: "usage" });
  }
  const image = findImageByReference(engine.state, canonicalName(target));
  if (image === undefined) throw noSuchImage(familiarName(target));
  return image;
}

/** All of it, or nothing. */
async function commitWhole(
  engine: Engine,
  record: ContainerRecord,
  target: NamedReference | undefined,
  options: CommitOptions,
): Promise<ImageRecord> {
  const brought: Brought = { blobs: new Set(), layers: new Set() };
  try {
    using _hold = await holdStore(engine.paths);
    const image = loadContainerImage(engine, record);
    const below = layersBelow(engine, record, image);
    const layer = await withPaused(engine, record, options.pause, () =>
      storeChanges(engine, record, image, options, brought),
    );
    const config = committedConfig(image, record.config, layer?.diffID, {
      changes: options.changes,
      created: renderCreated(options.epochSeconds),
      ...(options.author === undefined ? {} : { author: options.author }),
      ...(options.message === undefined ? {} : { message: options.message }),
    });
    const tags = target === undefined ? [] : [{ reference: canonicalName(target) }];
    return await storeImage(
      engine,
      { config, layers: [...below, ...(layer ? [layer.descriptor] : [])], tags },
      brought,
    );
  } catch (error) {
    collectGarbage(engine, { among: brought });
    throw error;
  }
}

/** The layers of the container's image, as its manifest has them. */
function layersBelow(engine: Engine, record: ContainerRecord, image: ImageConfig): readonly Descriptor[] {
  const row = getImage(engine.state, record.imageId);
  if (row === undefined) {
    throw new BockerError(`cannot commit container "${record.name}": its image ${record.imageId} is gone`, {
      kind: "not-found",
      hint: `its files can still be had: bocker export -o FILE ${record.name}`,
    });
  }
  const manifest = parseManifest(
    new BlobStore(engine.paths).readBytes(row.manifestDigest as Digest, maxManifestBytes),
  );
  if (manifest.kind === "manifest" && manifest.layers.length === image.rootfs.diff_ids.length)
    return manifest.layers;
  throw new BockerError(`the manifest of image ${record.imageId} does not fit its config`, {
    kind: "corrupt",
  });
}

/** Undefined where the container has changed nothing. */
async function storeChanges(
  engine: Engine,
  record: ContainerRecord,
  image: ImageConfig,
  options: CommitOptions,
  brought: Brought,
): Promise<StoredLayer | undefined> {
  const packing: ChangesOptions = {
    ...(options.epochSeconds === undefined ? {} : { latestSeconds: options.epochSeconds }),
    onLeftOut: (name) =>
      options.onWarning(`${JSON.stringify(name)} was left out: in a layer such a name means a removal`),
  };
  const changes = gather(packChanges(engine, record, image, packing));
  const first = changes.next();
  if (first.done === true) return undefined;
  return storeTar(engine.paths, resumed(first.value, changes), "the container's changes", brought);
}

async function* resumed(first: Buffer, rest: Generator<Buffer>): AsyncGenerator<Buffer> {
  try {
    yield first;
    yield* rest;
  } finally {
    rest.return(undefined);
  }
}

/** As a name that moves away from an image would leave it, but gone: unless somebody uses it, or it has other names. */
async function removeUnused(engine: Engine, image: ImageRecord): Promise<void> {
  try {
    await removeImage(engine, image.id, { force: false });
  } catch (error) {
    if (!(error instanceof BockerError && (error.kind === "in-use" || error.kind === "not-found")))
      throw error;
  }
}
