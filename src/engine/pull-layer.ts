/**
 * One layer of a pull: downloaded into the store, verified, and unpacked while it arrives.
 *
 *   registry ──▶ tmp/blob-….part ──(digest right, fsync)──▶ image/blobs/…
 *                     └──▶ unpacking child ──(diffID right, syncfs)──▶ layer/HEX
 *
 * The two verifications are independent: a layer exists only when its diffID was right, a blob only when its digest
 * was; neither is undone when the other fails, since each is what its name says.
 */
import { BockerError } from "../errors.ts";
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
  // For a blob that was there, or that came by way of another process.
  if (!hasLayer(pull.paths, diffID)) await pull.unpackers.run(() => applyFile(pull, blob, diffID));
  tell("Pull complete");
}

/** The first 12 digits of a layer's digest, docker's name for it. */
function shortLayerID(blob: Descriptor): string {
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

/** A part that an earlier pull left may be damaged (a power cut): then once more, without it. */
async function downloadAndUnpack(
  pull: LayerPull,
  blob: Descriptor,
  diffID: DiffID,
  tell: Tell,
): Promise<void> {
  if (pull.downloads.busy) tell("Waiting");
  const first = new Download(pull, blob, diffID, tell);
  try {
    return await first.run();
  } catch (error) {
    const damaged = error instanceof BockerError && error.kind === "corrupt" && !first.fresh;
    if (!damaged || pull.blobs.has(blob.digest)) throw error;
  }
  tell("Retrying");
  await new Download(pull, blob, diffID, tell).run();
}

/** One try at bringing a blob in and unpacking it behind the download. */
class Download {
  readonly #pull: LayerPull;
  readonly #blob: Descriptor;
  readonly #diffID: DiffID;
  readonly #tell: Tell;
  readonly #follower: FileFollower;
  #unpacking: Promise<unknown> | undefined;
  #downloaded = false;
  /** Whether every byte came from the registry now, none from what an earlier pull left. */
  fresh = false;

  constructor(pull: LayerPull, blob: Descriptor, diffID: DiffID, tell: Tell) {
    this.#pull = pull;
    this.#blob = blob;
    this.#diffID = diffID;
    this.#tell = tell;
    const paths = [pull.blobs.partPath(blob.digest), pull.blobs.path(blob.digest)];
    this.#follower = new FileFollower(paths, (doneBytes) => {
      if (this.#downloaded) tell("Extracting", doneBytes);
    });
  }

  /**
   * When both fail, the download's error is the one thrown: bytes that are not what was promised explain why they
   * did not unpack.
   */
  async run(): Promise<void> {
    try {
      await this.#pull.downloads.run(() => this.#write());
    } catch (error) {
      this.#follower.fail(error);
      await this.#unpacking?.catch(() => {});
      throw error;
    }
    this.#downloaded = true;
    this.#tell("Download complete");
    this.#follower.finish();
    await this.#unpacking;
  }

  async #write(): Promise<void> {
    const { client, reference, signal, blobs } = this.#pull;
    signal.throwIfAborted();
    const onRetry = () => this.#tell("Retrying");
    const source = async (offset: number) => {
      this.fresh = offset === 0;
      return { offset, body: fetchBlob(client, reference, this.#blob, { offset, signal, onRetry }) };
    };
    await blobs.write(this.#blob, source, { onProgress: (doneBytes) => this.#advance(doneBytes) });
  }

  #advance(doneBytes: number): void {
    this.#follower.advance(doneBytes);
    this.#tell("Downloading", doneBytes);
    if (doneBytes === this.#blob.size) this.#tell("Verifying Checksum");
    if (this.#unpacking !== undefined) return;
    const { paths, unpackers } = this.#pull;
    this.#unpacking = unpackers.run(() =>
      applyLayer({ paths, blob: this.#follower.read(), diffID: this.#diffID }),
    );
    // Heard when run() awaits it; an early failure must not count as unhandled meanwhile.
    this.#unpacking.catch(() => {});
  }
}
