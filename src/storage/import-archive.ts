/**
 * Images that lie outside the store, as an OCI layout or as `docker save` writes them, brought into it.
 *
 * The content decides: every digest that a document names is checked against the bytes, every layer against its
 * diffID. What they hold besides (signatures, other platforms' images) is left out.
 */
import { createReadStream, existsSync, readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { BockerError } from "../errors.ts";
import { type DiffID, type Digest, digestHex, digestMismatch, digestOf } from "../image/digest.ts";
import { type ImageConfig, parseImageConfig } from "../image/image-config.ts";
import {
  checkRunnable,
  type Descriptor,
  type Manifest,
  maxConfigBytes,
  maxManifestBytes,
  parseManifest,
  selectManifest,
} from "../image/manifest.ts";
import { MediaType } from "../image/media-type.ts";
import { hostPlatform, type Platform } from "../image/platform.ts";
import type { ImageRecord } from "../state/record.ts";
import { applyLayer } from "./apply-layer.ts";
import { BlobStore } from "./blob-store.ts";
import { detectCompression } from "./decompress.ts";
import type { ArchivedFile, ArchivedFiles } from "./image-archive.ts";
import { type ImageStore, insertImage } from "./local-image.ts";

/** Where the parts of an image archive are: in a directory, or taken out of a tar. */
export interface ImageParts {
  /** The file of that name; undefined when there is none. Digests are unknown in a directory. */
  find(name: string): { readonly path: string; readonly size: number; readonly digest?: Digest } | undefined;
}

/** Digests of what an import has put into the store so far, so that a failed one can take it out again. */
export interface Brought {
  readonly blobs: Set<string>;
  readonly layers: Set<string>;
}

/** Parts of a directory on the host, which the user has named and may arrange with links as they like. */
export function partsOfDirectory(directory: string): ImageParts {
  return {
    find(name) {
      if (name.split("/").includes("..") || name.startsWith("/")) return undefined;
      const path = join(directory, name);
      const stat = statSync(path, { throwIfNoEntry: false });
      return stat?.isFile() ? { path, size: stat.size } : undefined;
    },
  };
}

export function partsOfArchive(files: ArchivedFiles): ImageParts {
  return { find: (name): ArchivedFile | undefined => files.get(name.replace(/^\.\//, "")) };
}

/** Whether a directory is an OCI image layout. */
export function isLayoutDirectory(directory: string): boolean {
  return existsSync(join(directory, "oci-layout")) && existsSync(join(directory, "index.json"));
}

/**
 * Stores the image of this machine's platform and gives its row, untagged. An OCI layout is preferred where an
 * archive is both (newer docker). Throws kind `corrupt` or `not-found` naming the part.
 */
export async function importArchive(
  store: ImageStore,
  parts: ImageParts,
  brought: Brought,
  platform: Platform = hostPlatform(),
): Promise<ImageRecord> {
  const isLayout = parts.find("oci-layout") !== undefined && parts.find("index.json") !== undefined;
  return isLayout
    ? importLayout(store, parts, brought, platform)
    : importDockerArchive(store, parts, brought);
}

async function importLayout(
  store: ImageStore,
  parts: ImageParts,
  brought: Brought,
  platform: Platform,
): Promise<ImageRecord> {
  const index = readPart(parts, "index.json", maxManifestBytes);
  return importLayoutImage(store, parts, brought, findManifest(parts, index, platform));
}

/** An image of a layout: its manifest, and the descriptor that led there. */
export interface LayoutImage {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
}

/** Stores one image of a layout, untagged: the same manifest, so the same digests. */
export async function importLayoutImage(
  store: ImageStore,
  parts: ImageParts,
  brought: Brought,
  { descriptor, manifest }: LayoutImage,
): Promise<ImageRecord> {
  checkRunnable(manifest);
  const config = parseImageConfig(readBlob(parts, manifest.config, maxConfigBytes));
  checkCounts(manifest.layers.length, config);
  const blobs = new BlobStore(store.paths);
  await importLayers(
    config,
    manifest.layers.map((layer) => ({ layer, context: { store, blobs, parts, brought } })),
  );
  brought.blobs.add(manifest.config.digest).add(descriptor.digest);
  await blobs.writeBytes(manifest.config, readBlob(parts, manifest.config, maxConfigBytes));
  await blobs.writeBytes(descriptor, readBlob(parts, descriptor, maxManifestBytes));
  return insertImage(store, { id: manifest.config.digest, manifest: descriptor, config, tags: [] });
}

/** Follows indexes down to the manifest for the platform; index.json itself is the first. */
function findManifest(parts: ImageParts, bytes: Buffer, platform: Platform, depth = 0): LayoutImage {
  const index = parseManifest(bytes, depth === 0 ? MediaType.ociIndex : undefined);
  if (index.kind !== "index" || depth > 3) throw broken("its indexes are nested too deeply");
  if (index.manifests.length === 0) throw broken("its index is empty");
  return followDescriptor(parts, selectManifest(index, platform), platform, depth);
}

/** The manifest that a descriptor leads to, through indexes if need be. */
export function followDescriptor(
  parts: ImageParts,
  descriptor: Descriptor,
  platform: Platform,
  depth = 0,
): LayoutImage {
  const bytes = readBlob(parts, descriptor, maxManifestBytes);
  const document = parseManifest(bytes, descriptor.mediaType);
  if (document.kind === "manifest") return { descriptor, manifest: document };
  return findManifest(parts, bytes, platform, depth + 1);
}

/** What index.json lists, names and all; undefined where the archive is no layout. */
export function readLayout(parts: ImageParts): readonly Descriptor[] | undefined {
  if (parts.find("oci-layout") === undefined || parts.find("index.json") === undefined) return undefined;
  const index = parseManifest(readPart(parts, "index.json", maxManifestBytes), MediaType.ociIndex);
  return index.kind === "index" ? index.manifests : undefined;
}

/** What manifest.json lists; undefined where there is none. */
export function readDockerManifest(parts: ImageParts): readonly DockerManifest[] | undefined {
  if (parts.find("manifest.json") === undefined) return undefined;
  return parseDockerManifest(readPart(parts, "manifest.json", maxManifestBytes));
}

export interface DockerManifest {
  readonly config: string;
  readonly layers: readonly string[];
  /** Names with tags, as they are written there. */
  readonly repoTags: readonly string[];
}

async function importDockerArchive(
  store: ImageStore,
  parts: ImageParts,
  brought: Brought,
): Promise<ImageRecord> {
  const [entry, second] = parseDockerManifest(readPart(parts, "manifest.json", maxManifestBytes));
  if (entry === undefined) throw broken("its manifest.json lists no image");
  if (second !== undefined) throw broken("it holds several images", "load it: bocker load -i FILE");
  return importDockerImage(store, parts, brought, entry);
}

/** Stores one image of docker's archive, untagged; its manifest is made here. */
export async function importDockerImage(
  store: ImageStore,
  parts: ImageParts,
  brought: Brought,
  entry: DockerManifest,
): Promise<ImageRecord> {
  const configBytes = readPart(parts, entry.config, maxConfigBytes);
  const config = parseImageConfig(configBytes);
  checkCounts(entry.layers.length, config);
  const blobs = new BlobStore(store.paths);
  const layers = await Promise.all(entry.layers.map((name) => describeLayer(blobs, parts, name)));
  await importLayers(
    config,
    layers.map((layer) => ({
      layer: layer.descriptor,
      context: { store, blobs, parts: partAs(layer), brought },
    })),
  );
  const configDescriptor = {
    mediaType: MediaType.ociConfig,
    digest: digestOf(configBytes),
    size: configBytes.length,
  };
  const bytes = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: MediaType.ociManifest,
      config: configDescriptor,
      layers: layers.map(({ descriptor }) => descriptor),
    }),
  );
  const manifest = { mediaType: MediaType.ociManifest, digest: digestOf(bytes), size: bytes.length };
  brought.blobs.add(configDescriptor.digest).add(manifest.digest);
  await blobs.writeBytes(configDescriptor, configBytes);
  await blobs.writeBytes(manifest, bytes);
  return insertImage(store, { id: configDescriptor.digest, manifest, config, tags: [] });
}

function parseDockerManifest(bytes: Buffer): readonly DockerManifest[] {
  const list = parseJson(bytes, "manifest.json");
  if (!Array.isArray(list)) throw broken("its manifest.json is not a list");
  return list.map((item: Readonly<Record<"Config" | "Layers" | "RepoTags", unknown>>) => {
    const [layers, repoTags] = [item?.Layers ?? [], item?.RepoTags ?? []];
    if (typeof item?.Config !== "string" || !areStrings(layers) || !areStrings(repoTags)) {
      throw broken("its manifest.json has an entry without Config or Layers");
    }
    return { config: item.Config, layers, repoTags };
  });
}

function areStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((word) => typeof word === "string");
}

interface FoundLayer {
  readonly path: string;
  readonly descriptor: Descriptor;
}

const layerTypes = {
  none: MediaType.ociLayer,
  gzip: MediaType.ociLayerGzip,
  zstd: MediaType.ociLayerZstd,
} as const;

/** What a layer of docker's archive is as a blob; xz and bzip2 have no media type. */
async function describeLayer(blobs: BlobStore, parts: ImageParts, name: string): Promise<FoundLayer> {
  const part = parts.find(name);
  if (part === undefined) throw broken(`${JSON.stringify(name)} is missing`);
  // Another image of the archive may have moved it into the store.
  const isStored = part.digest !== undefined && blobs.has(part.digest);
  const start = await Bun.file(isStored ? blobs.path(part.digest) : part.path)
    .slice(0, 6)
    .bytes();
  const format = detectCompression(start);
  if (format === "xz" || format === "bzip2")
    throw broken(`layer ${JSON.stringify(name)} is compressed with ${format}`);
  const digest = part.digest ?? (await hashFile(part.path));
  return { path: part.path, descriptor: { mediaType: layerTypes[format], digest, size: part.size } };
}

function partAs(layer: FoundLayer): ImageParts {
  const { digest, size } = layer.descriptor;
  return { find: () => ({ path: layer.path, size, digest }) };
}

interface LayerImport {
  readonly store: ImageStore;
  readonly blobs: BlobStore;
  readonly parts: ImageParts;
  readonly brought: Brought;
}

/** All layers of an image, on all cores; after the first failure no further one is begun. */
async function importLayers(
  config: ImageConfig,
  layers: readonly { readonly layer: Descriptor; readonly context: LayerImport }[],
): Promise<void> {
  const seen = new Set<string>();
  const waiting = config.rootfs.diff_ids.flatMap((diffID, index) => {
    const found = layers[index];
    const key = `${found?.layer.digest} ${diffID}`;
    if (found === undefined || seen.has(key)) return [];
    seen.add(key);
    return [{ ...found, diffID }];
  });
  const work = async () => {
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await importLayer(next.context, next.layer, next.diffID);
      }
    } catch (error) {
      waiting.length = 0;
      throw error;
    }
  };
  const ended = await Promise.allSettled(Array.from({ length: availableParallelism() }, work));
  for (const outcome of ended) if (outcome.status === "rejected") throw outcome.reason;
}

/** Parts from a tar are hashed already and are moved; a directory's are copied and verified on the way. */
async function importLayer(context: LayerImport, layer: Descriptor, diffID: DiffID): Promise<void> {
  const { store, blobs, parts, brought } = context;
  const part = findBlob(parts, layer.digest);
  if (part.digest !== undefined && part.digest !== layer.digest) {
    throw digestMismatch(`blob ${layer.digest}`, part.digest, layer.digest);
  }
  brought.blobs.add(layer.digest);
  if (part.digest === undefined) {
    await blobs.write(layer, async (offset) => ({
      offset,
      body: createReadStream(part.path, { start: offset }),
    }));
  } else if (!blobs.has(layer.digest)) await blobs.adoptFile(part.path, layer.digest);
  brought.layers.add(diffID);
  await applyLayer({ paths: store.paths, blob: blobs.path(layer.digest), diffID });
}

function findBlob(parts: ImageParts, digest: Digest): NonNullable<ReturnType<ImageParts["find"]>> {
  const part = parts.find(`blobs/${digest.slice(0, digest.indexOf(":"))}/${digestHex(digest)}`);
  if (part === undefined) throw broken(`blob ${digest} is missing`);
  return part;
}

function readBlob(parts: ImageParts, descriptor: Descriptor, maxBytes: number): Buffer {
  const bytes = readLimited(findBlob(parts, descriptor.digest).path, `blob ${descriptor.digest}`, maxBytes);
  const got = digestOf(bytes, descriptor.digest.startsWith("sha512") ? "sha512" : "sha256");
  if (got !== descriptor.digest) throw digestMismatch(`blob ${descriptor.digest}`, got, descriptor.digest);
  return bytes;
}

function readPart(parts: ImageParts, name: string, maxBytes: number): Buffer {
  const part = parts.find(name);
  if (part === undefined) throw broken(`${JSON.stringify(name)} is missing`);
  return readLimited(part.path, name, maxBytes);
}

function readLimited(path: string, what: string, maxBytes: number): Buffer {
  const { size } = statSync(path);
  if (size > maxBytes) throw broken(`${what}: ${size} bytes are more than ${maxBytes}`);
  return readFileSync(path);
}

async function hashFile(path: string): Promise<Digest> {
  const hasher = new Bun.CryptoHasher("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20 }))
    hasher.update(chunk as Buffer);
  return `sha256:${hasher.digest("hex")}` as Digest;
}

function checkCounts(layers: number, config: ImageConfig): void {
  const diffIDs = config.rootfs.diff_ids.length;
  if (layers !== diffIDs) throw broken(`its manifest has ${layers} layers, its config ${diffIDs}`);
}

function parseJson(bytes: Buffer, what: string): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (cause) {
    throw broken(`its ${what} is not JSON`, undefined, cause);
  }
}

export function broken(reason: string, hint?: string, cause?: unknown): BockerError {
  return new BockerError(`invalid image archive: ${reason}`, {
    kind: "corrupt",
    cause,
    ...(hint === undefined ? {} : { hint }),
  });
}
