/**
 * An image argument that is a path: a root file system as a tar or a directory, an OCI layout, a docker-save tar.
 *
 * The same bytes are unpacked once and shared, since layers are known by their content. What was imported from which
 * file (device, inode, size, times) is remembered in import-cache.json, so that an unchanged file is not read again;
 * the cache is advice, and losing it costs time only.
 */
import { createReadStream, readFileSync, type Stats, statSync } from "node:fs";
import { join } from "node:path";
import { BockerError, messageOf } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { randomHex } from "../host/random-id.ts";
import { digestOf } from "../image/digest.ts";
import { type ImageConfig, parseImageConfig } from "../image/image-config.ts";
import type { Descriptor } from "../image/manifest.ts";
import { MediaType } from "../image/media-type.ts";
import { hostPlatform } from "../image/platform.ts";
import { getImage } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import { applyUnknownLayer } from "../storage/apply-layer.ts";
import { BlobStore } from "../storage/blob-store.ts";
import { collectGarbage } from "../storage/collect-garbage.ts";
import { type CompressionFormat, decompress, detectCompression } from "../storage/decompress.ts";
import { extractImageArchive, isImageArchive } from "../storage/image-archive.ts";
import {
  type Brought,
  importArchive,
  isLayoutDirectory,
  partsOfArchive,
  partsOfDirectory,
} from "../storage/import-archive.ts";
import { type ImageStore, insertImage } from "../storage/local-image.ts";
import { fingerprintTree, packTree } from "../storage/pack-tree.ts";
import { removeTree } from "../storage/remove-tree.ts";
import { holdStore } from "../storage/store-hold.ts";
import { lockTransient } from "../storage/transient-lock.ts";

const cacheEntries = 256;
const readBytes = 512 * 1024;

/**
 * Brings the image at `path` into the store, or finds it there. It gets no name. Throws kind `not-found`,
 * `corrupt` or `unsupported` with the path in the message.
 */
export async function importImageArgument(store: ImageStore, path: string): Promise<ImageRecord> {
  try {
    const stat = statPath(path);
    const key = stat.isDirectory() ? `tree ${fingerprintTree(path)}` : fileKey(stat);
    const known = recallImport(store, key);
    if (known !== undefined) return known;
    const image = await importWhole(store, path, stat.isDirectory());
    rememberImport(store, key, image.id);
    return image;
  } catch (error) {
    throw namingPath(path, error);
  }
}

/** All of it, or nothing: what a failed import has brought goes again. */
async function importWhole(store: ImageStore, path: string, isDirectory: boolean): Promise<ImageRecord> {
  const brought: Brought = { blobs: new Set(), layers: new Set() };
  try {
    using _hold = await holdStore(store.paths);
    return await (isDirectory ? importDirectory(store, path, brought) : importFile(store, path, brought));
  } catch (error) {
    collectGarbage(store, { among: brought });
    throw error;
  }
}

function statPath(path: string): Stats {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) throw new BockerError("no such file or directory", { kind: "not-found" });
  if (stat.isDirectory() || stat.isFile()) return stat;
  throw new BockerError("neither a file nor a directory", { kind: "unsupported" });
}

function namingPath(path: string, error: unknown): BockerError {
  const known = error instanceof BockerError ? error : undefined;
  return new BockerError(`cannot use "${path}" as an image: ${messageOf(error)}`, {
    kind: known?.kind ?? "host",
    cause: known?.cause ?? (known === undefined ? error : undefined),
    ...(known?.hint === undefined ? {} : { hint: known.hint }),
  });
}

function importDirectory(store: ImageStore, path: string, brought: Brought): Promise<ImageRecord> {
  if (isLayoutDirectory(path)) return importArchive(store, partsOfDirectory(path), brought);
  return importRootfs(store, packTree(path), MediaType.ociLayer, brought);
}

async function importFile(store: ImageStore, path: string, brought: Brought): Promise<ImageRecord> {
  if (await isImageArchive(decompress(readFile(path)))) return importArchiveFile(store, path, brought);
  const format = detectCompression(await Bun.file(path).slice(0, 6).bytes());
  const mediaType = layerTypes[format];
  if (mediaType !== undefined) return importRootfs(store, readFile(path), mediaType, brought);
  return importRootfs(store, decompress(readFile(path)), MediaType.ociLayer, brought);
}

/** xz and bzip2 are no formats of a layer: such a tar is stored uncompressed. */
const layerTypes: Readonly<Partial<Record<CompressionFormat, string>>> = {
  none: MediaType.ociLayer,
  gzip: MediaType.ociLayerGzip,
  zstd: MediaType.ociLayerZstd,
};

function readFile(path: string): AsyncIterable<Buffer> {
  return createReadStream(path, { highWaterMark: readBytes });
}

async function importArchiveFile(store: ImageStore, path: string, brought: Brought): Promise<ImageRecord> {
  const stem = join(store.paths.tmp, `import-${randomHex(8)}`);
  using _lock = await lockTransient(`${stem}.lock`, { removeFile: true });
  try {
    const files = await extractImageArchive(decompress(readFile(path)), `${stem}.parts`);
    return await importArchive(store, partsOfArchive(files), brought);
  } finally {
    removeTree(store.paths, `${stem}.parts`);
  }
}

/** A tar of a root file system becomes an image of one layer, with nothing configured. */
async function importRootfs(
  store: ImageStore,
  body: AsyncIterable<Uint8Array>,
  mediaType: string,
  brought: Brought,
): Promise<ImageRecord> {
  const blobs = new BlobStore(store.paths);
  const blob = await blobs.importStream(body);
  const layer = { mediaType, ...blob };
  brought.blobs.add(blob.digest);
  const { diffID } = await applyUnknownLayer(store.paths, blobs.path(blob.digest), "its files");
  brought.layers.add(diffID);
  const { os, architecture } = hostPlatform();
  const config = encodeDocument(MediaType.ociConfig, {
    architecture,
    os,
    config: {},
    rootfs: { type: "layers", diff_ids: [diffID] },
    history: [{ comment: "imported from a root file system" }],
  });
  const manifest = encodeDocument(MediaType.ociManifest, {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: config.descriptor,
    layers: [layer],
  });
  for (const document of [config, manifest]) await blobs.writeBytes(document.descriptor, document.bytes);
  const parsed: ImageConfig = parseImageConfig(config.bytes);
  return insertImage(store, {
    id: config.descriptor.digest,
    manifest: manifest.descriptor,
    config: parsed,
    tags: [],
  });
}

function encodeDocument(mediaType: string, document: unknown): { bytes: Buffer; descriptor: Descriptor } {
  const bytes = Buffer.from(JSON.stringify(document));
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
}

function fileKey({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `file ${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`;
}

/** Pairs of key and image ID, the latest last. */
type ImportCache = readonly (readonly [key: string, imageId: string])[];

function recallImport(store: ImageStore, key: string): ImageRecord | undefined {
  const found = loadCache(store).find(([known]) => known === key);
  return found === undefined ? undefined : getImage(store.state, found[1]);
}

/** Two importers at once may forget one of the two, and read that file once more. */
function rememberImport(store: ImageStore, key: string, imageId: string): void {
  const others = loadCache(store).filter(([known]) => known !== key);
  const kept = [...others, [key, imageId]].slice(-cacheEntries);
  writeFileAtomic(cachePath(store), JSON.stringify(kept), { mode: 0o600 });
}

function loadCache(store: ImageStore): ImportCache {
  try {
    const cache: unknown = JSON.parse(readFileSync(cachePath(store), "utf8"));
    return Array.isArray(cache) ? (cache as ImportCache) : [];
  } catch {
    return [];
  }
}

function cachePath(store: ImageStore): string {
  return join(store.paths.root, "import-cache.json");
}
