/**
 * One layer of a pull: downloaded into the store, verified, and unpacked while it arrives.
 *
 *   registry ──▶ tmp/blob-….part ──(digest right, fsync)──▶ image/blobs/…
 *                     └──▶ unpacking child ──(diffID right, syncfs)──▶ layer/HEX
 *
 * The two verifications are independent: a layer exists only when its diffID was right, a blob only when its digest
 * was; neither is undone when the other fails, since each is what its name says.
 */
import type { Paths } from "../host/paths.ts";
import { type DiffID, digestHex } from "../image/digest.ts";
import type { Descriptor } from "../image/manifest.ts";
import type { ImageReference } from "../image/reference.ts";
import { fetchBlob } from "../registry/blobs.ts";
import type { RegistryClient } from "../registry/registry-client.ts";
import { applyLayer, hasLayer } from "../storage/apply-layer.ts";
import type { BlobStore } from "../storage/blob-store.ts";
import type { LayerStatus, PullEvent } from "./pull-event.ts";
import { FileFollower } from "./pull-follow.ts";
import type { Slots } from "./pull-slots.ts";

export interface LayerPull {
  readonly paths: Paths;
  readonly blobs: BlobStore;
  readonly client: RegistryClient;
  readonly reference: ImageReference;
  readonly downloads: Slots;
  readonly unpackers: Slots;
  /** Set off when another layer failed. */
  readonly signal: AbortSignal;
  readonly onProgress: (event: PullEvent) => void;
}

/** Brings blob and layer into the store, unless they are there. Throws what download or unpacking said. */
export async function pullLayer(pull: LayerPull, blob: Descriptor, diffID: DiffID): Promise<void> {
  const tell = layerReporter(pull, blob);
  const haveBlob = pull.blobs.has(blob.digest);
  if (haveBlob && hasLayer(pull.paths, diffID)) return tell("Already exists");
  tell("Pulling fs layer");
  if (haveBlob) tell("Download complete");
  else await downloadAndUnpack(pull, blob, diffID, tell);
  // Nothing to do after an unpacking that kept pace; the whole work for a blob that was there or that came by
  // way of another process.
  await pull.unpackers.run(() => applyFile(pull, blob, diffID));
  tell("Pull complete");
}

/** The first 12 digits of a layer's digest, docker's name for it. */
export function shortLayerID(blob: Descriptor): string {
  return digestHex(blob.digest).slice(0, 12);
}

type Tell = (status: LayerStatus, doneBytes?: number) => void;

function layerReporter(pull: LayerPull, blob: Descriptor): Tell {
  const id = shortLayerID(blob);
  return (status, doneBytes) =>
    pull.onProgress({
      kind: "layer",
      id,
      status,
      ...(doneBytes === undefined ? {} : { doneBytes, totalBytes: blob.size }),
    });
}

async function applyFile(pull: LayerPull, blob: Descriptor, diffID: DiffID): Promise<void> {
  pull.signal.throwIfAborted();
  await applyLayer({ paths: pull.paths, blob: pull.blobs.path(blob.digest), diffID });
}

async function downloadAndUnpack(
  pull: LayerPull,
  blob: Descriptor,
  diffID: DiffID,
  tell: Tell,
): Promise<void> {
  let downloaded = false;
  let unpacking: Promise<unknown> | undefined;
  const follower = new FileFollower(
    [pull.blobs.partPath(blob.digest), pull.blobs.path(blob.digest)],
    (doneBytes) => {
      if (downloaded) tell("Extracting", doneBytes);
    },
  );
  const onProgress = (doneBytes: number) => {
    follower.advance(doneBytes);
    tell("Downloading", doneBytes);
    unpacking ??= unpackFollowing(pull, follower, diffID);
  };
  if (pull.downloads.busy) tell("Waiting");
  try {
    await pull.downloads.run(() => download(pull, blob, tell, onProgress));
  } catch (error) {
    follower.fail(error);
    await unpacking?.catch(() => {});
    throw error;
  }
  downloaded = true;
  tell("Download complete");
  follower.finish();
  await unpacking;
}

async function download(
  pull: LayerPull,
  blob: Descriptor,
  tell: Tell,
  onProgress: (doneBytes: number) => void,
): Promise<void> {
  pull.signal.throwIfAborted();
  const { client, reference, signal } = pull;
  const onRetry = () => tell("Retrying");
  const source = async (offset: number) => ({
    offset,
    body: fetchBlob(client, reference, blob, { offset, signal, onRetry }),
  });
  await pull.blobs.write(blob, source, {
    onProgress: (doneBytes) => {
      onProgress(doneBytes);
      if (doneBytes === blob.size) tell("Verifying Checksum");
    },
  });
}

/** A stream is read by nobody when the layer appears meanwhile; then there is nothing to wait for. */
async function unpackFollowing(pull: LayerPull, follower: FileFollower, diffID: DiffID): Promise<void> {
  const unpacking = pull.unpackers.run(() =>
    applyLayer({ paths: pull.paths, blob: follower.read(), diffID }),
  );
  // Heard by whoever awaits it; without this an early failure would count as unhandled.
  unpacking.catch(() => {});
  await unpacking;
}
