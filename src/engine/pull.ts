/**
 * Pulls an image: reference → manifest → config and layers in the store → its row and tag.
 *
 * The row is written last, in one transaction, when every blob and layer is on the disk: a pull that dies leaves
 * parts that the next one goes on from, and no image. Nothing here renders; see pull-event.ts.
 */
import { availableParallelism } from "node:os";
import { BockerError } from "../errors.ts";
import type { Paths } from "../host/paths.ts";
import type { Digest } from "../image/digest.ts";
import { type ImageConfig, parseImageConfig } from "../image/image-config.ts";
import { type Descriptor, type Manifest, maxConfigBytes } from "../image/manifest.ts";
import { hostPlatform, type Platform, platformMatches, renderPlatform } from "../image/platform.ts";
import { canonicalName, familiarName, type NamedReference, repoDigest } from "../image/reference.ts";
import { fetchSmallBlob } from "../registry/blobs.ts";
import { headManifest, type ResolvedManifest, resolveManifest } from "../registry/manifests.ts";
import { createRegistryClient, type RegistryClient } from "../registry/registry-client.ts";
import { RegistryError } from "../registry/registry-error.ts";
import type { RegistrySettings } from "../registry/registry-settings.ts";
import { appendEvent } from "../state/event.ts";
import { findImageByReference, getImage, setTag, tagsOfImage, upsertImage } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { hasLayer, loadLayerFacts } from "../storage/apply-layer.ts";
import { BlobStore } from "../storage/blob-store.ts";
import { setLayoutTag } from "../storage/oci-layout.ts";
import { holdStore } from "../storage/store-hold.ts";
import type { PullEvent } from "./pull-event.ts";
import { pullLayer } from "./pull-layer.ts";
import { Slots } from "./pull-slots.ts";

export interface PullDeps {
  readonly paths: Paths;
  readonly state: State;
  readonly registries: RegistrySettings;
}

export interface PullOptions {
  /** Absent: this machine's. */
  readonly platform?: Platform;
  readonly onProgress?: (event: PullEvent) => void;
}

/** docker's default. */
const parallelDownloads = 3;

/**
 * Brings the image that `reference` names now into the store and points its tag at it; does next to nothing when
 * that is so already. Throws docker's phrases for what the registry refuses, kind `corrupt` for what it gets wrong.
 */
export async function pullImage(
  deps: PullDeps,
  reference: NamedReference,
  options: PullOptions = {},
): Promise<ImageRecord> {
  const tell = options.onProgress ?? (() => {});
  const platform = options.platform ?? hostPlatform();
  using _hold = await holdStore(deps.paths);
  const client = createRegistryClient(reference.registry, deps.registries);
  const current = await findCurrent(deps, client, reference, platform);
  if (current !== undefined) {
    tellResolved(tell, reference);
    tellEnd(tell, reference, current.digest, true);
    return current.image;
  }
  const resolved = await resolveManifest(client, reference, platform);
  tellResolved(tell, reference);
  const before = getImage(deps.state, resolved.manifest.config.digest);
  const known = before !== undefined && isComplete(deps.paths, before);
  const image = known ? before : await fetchImage(deps, client, reference, resolved, tell);
  const upToDate = known && isTagged(deps.state, before, reference);
  if (options.platform !== undefined) warnOfPlatform(tell, reference, platform, image);
  await record(deps, reference, resolved, image);
  tellEnd(tell, reference, resolved.topDigest, upToDate);
  return image;
}

/** The local image, if the registry's answer to a mere question about the tag shows that it is the one. */
async function findCurrent(
  deps: PullDeps,
  client: RegistryClient,
  reference: NamedReference,
  platform: Platform,
): Promise<{ readonly image: ImageRecord; readonly digest: Digest } | undefined> {
  const image = findImageByReference(deps.state, tagKey(reference));
  if (image === undefined || !isComplete(deps.paths, image) || !platformMatches(platform, image))
    return undefined;
  const tag = tagsOfImage(deps.state, image.id).find((row) => row.reference === tagKey(reference));
  if (tag?.repoDigest === undefined) return undefined;
  try {
    const digest = await headManifest(client, reference);
    const same = digest !== undefined && tag.repoDigest === repoDigest(reference, digest);
    return same ? { image, digest } : undefined;
  } catch (error) {
    // An answer to HEAD has no body to explain itself: the GET that follows gets the same refusal with words.
    if (error instanceof RegistryError) return undefined;
    throw error;
  }
}

function isComplete(paths: Paths, image: ImageRecord): boolean {
  const blobs = new BlobStore(paths);
  const digests = [image.id, image.manifestDigest] as Digest[];
  return (
    digests.every((digest) => blobs.has(digest)) &&
    image.layers.every((diffID) => hasLayer(paths, diffID as ImageConfig["rootfs"]["diff_ids"][number]))
  );
}

function isTagged(state: State, image: ImageRecord, reference: NamedReference): boolean {
  return tagsOfImage(state, image.id).some((tag) => tag.reference === tagKey(reference));
}

/** A digest says more than the tag beside it: docker keeps no tag then. */
function tagKey(reference: NamedReference): string {
  return reference.digest === undefined ? canonicalName(reference) : repoDigest(reference, reference.digest);
}

async function fetchImage(
  deps: PullDeps,
  client: RegistryClient,
  reference: NamedReference,
  resolved: ResolvedManifest,
  tell: (event: PullEvent) => void,
): Promise<ImageRecord> {
  const { manifest } = resolved;
  const bytes = await fetchSmallBlob(client, reference, manifest.config, maxConfigBytes);
  const config = parseImageConfig(bytes);
  checkLayerCount(reference, manifest, config);
  await fetchLayers(deps, client, reference, manifest, config, tell);
  const blobs = new BlobStore(deps.paths);
  await blobs.writeBytes(manifest.config, bytes);
  for (const index of resolved.indexes) {
    await blobs.writeBytes(descriptorOf(index.document.mediaType, index.digest, index.bytes), index.bytes);
  }
  await blobs.writeBytes(descriptorOf(manifest.mediaType, resolved.digest, resolved.bytes), resolved.bytes);
  return imageRecord(deps.paths, resolved, config);
}

async function fetchLayers(
  deps: PullDeps,
  client: RegistryClient,
  reference: NamedReference,
  manifest: Manifest,
  config: ImageConfig,
  onProgress: (event: PullEvent) => void,
): Promise<void> {
  const abort = new AbortController();
  const pull = {
    paths: deps.paths,
    blobs: new BlobStore(deps.paths),
    client,
    reference,
    downloads: new Slots(parallelDownloads),
    unpackers: new Slots(availableParallelism()),
    signal: abort.signal,
    onProgress,
  };
  const seen = new Set<string>();
  const pulls = manifest.layers.flatMap((layer, index) => {
    const diffID = config.rootfs.diff_ids[index];
    const key = `${layer.digest} ${diffID}`;
    if (diffID === undefined || seen.has(key)) return [];
    seen.add(key);
    return [pullLayer(pull, layer, diffID)];
  });
  // The first failure stops the others; wait for them all, so that nobody writes to the store after we threw.
  for (const one of pulls) one.catch((error) => abort.abort(error));
  await Promise.allSettled(pulls);
  if (abort.signal.aborted) throw abort.signal.reason;
}

function checkLayerCount(reference: NamedReference, manifest: Manifest, config: ImageConfig): void {
  const layers = manifest.layers.length;
  const diffIDs = config.rootfs.diff_ids.length;
  if (layers === diffIDs) return;
  throw new BockerError(
    `cannot pull "${familiarName(reference)}": manifest has ${layers} layers, config has ${diffIDs}`,
    { kind: "corrupt" },
  );
}

function imageRecord(paths: Paths, resolved: ResolvedManifest, config: ImageConfig): ImageRecord {
  const { diff_ids: layers } = config.rootfs;
  const created = Date.parse(config.created ?? "");
  return {
    id: resolved.manifest.config.digest,
    manifestDigest: resolved.digest,
    createdAtMs: Number.isNaN(created) ? 0 : created,
    sizeBytes: layers.reduce((sum, diffID) => sum + loadLayerFacts(paths, diffID).sizeBytes, 0),
    layers,
    os: config.os,
    architecture: config.architecture,
  };
}

async function record(
  deps: PullDeps,
  reference: NamedReference,
  resolved: ResolvedManifest,
  image: ImageRecord,
): Promise<void> {
  const key = tagKey(reference);
  deps.state.transaction(() => {
    upsertImage(deps.state, image);
    setTag(deps.state, {
      reference: key,
      imageId: image.id,
      repoDigest: repoDigest(reference, resolved.topDigest),
    });
    const name = familiarName(reference);
    appendEvent(deps.state, { type: "image", action: "pull", id: name, attributes: { name } });
  });
  await setLayoutTag(
    deps.paths,
    key,
    descriptorOf(resolved.manifest.mediaType, resolved.digest, resolved.bytes),
  );
}

function descriptorOf(mediaType: string, digest: Digest, bytes: Uint8Array): Descriptor {
  return { mediaType, digest, size: bytes.byteLength };
}

/** docker pulls it all the same, and says so. */
function warnOfPlatform(
  tell: (event: PullEvent) => void,
  reference: NamedReference,
  wanted: Platform,
  image: ImageRecord,
): void {
  if (platformMatches(wanted, image)) return;
  const message =
    `image with reference ${familiarName(reference)} was found but its platform (${renderPlatform(image)}) ` +
    `does not match the specified platform (${renderPlatform(wanted)})`;
  tell({ kind: "warning", message });
}

function tellResolved(tell: (event: PullEvent) => void, reference: NamedReference): void {
  const label =
    reference.digest === undefined ? (reference.tag ?? "latest") : repoDigest(reference, reference.digest);
  tell({ kind: "resolved", label, repository: reference.repository });
}

function tellEnd(
  tell: (event: PullEvent) => void,
  reference: NamedReference,
  digest: Digest,
  upToDate: boolean,
): void {
  tell({ kind: "digest", digest });
  tell({ kind: "status", upToDate, name: familiarName(reference) });
}
