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
import { getImage } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import { collectGarbage } from "../storage/collect-garbage.ts";
import { decompress } from "../storage/decompress.ts";
import { extractImageArchive, isImageArchive } from "../storage/image-archive.ts";
import {
  type Brought,
  importArchive,
  isLayoutDirectory,
  partsOfArchive,
  partsOfDirectory,
} from "../storage/import-archive.ts";
import type { ImageStore } from "../storage/local-image.ts";
import { fingerprintTree } from "../storage/pack-tree.ts";
import { removeTree } from "../storage/remove-tree.ts";
import { holdStore } from "../storage/store-hold.ts";
import { storeRootfs } from "../storage/store-rootfs.ts";
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
  return storeRootfs(store, { kind: "directory", path }, unnamed, brought);
}

async function importFile(store: ImageStore, path: string, brought: Brought): Promise<ImageRecord> {
  if (await isImageArchive(decompress(readFile(path)))) return importArchiveFile(store, path, brought);
  return storeRootfs(store, { kind: "tar", body: readFile(path) }, unnamed, brought);
}

/** Nothing configured, and no time: the same files are the same image. */
const unnamed = { history: { comment: "imported from a root file system" }, config: {}, tags: [] };

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
