/**
 * `load`: the images of an archive (docker's, an OCI layout, or both in one) into the store, under the names in it.
 *
 * The archive is read once, so it may come through a pipe. Where it is both, manifest.json says which images and
 * names there are, and the layout has their manifests, so that every digest stays what it was.
 */
import { createReadStream, statSync } from "node:fs";
import { join } from "node:path";
import { BockerError } from "../errors.ts";
import { randomHex } from "../host/random-id.ts";
import { type Descriptor, maxManifestBytes } from "../image/manifest.ts";
import { hostPlatform, type Platform } from "../image/platform.ts";
import {
  canonicalName,
  familiarName,
  isReference,
  parseReference,
  withDefaultTag,
} from "../image/reference.ts";
import { appendEvent } from "../state/event.ts";
import { findImageByReference } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import { collectGarbage } from "../storage/collect-garbage.ts";
import { decompress } from "../storage/decompress.ts";
import { extractImageArchive } from "../storage/image-archive.ts";
import {
  type Brought,
  broken,
  followDescriptor,
  type ImageParts,
  importDockerImage,
  importLayoutImage,
  isLayoutDirectory,
  partsOfArchive,
  partsOfDirectory,
  readDockerManifest,
  readLayout,
} from "../storage/import-archive.ts";
import { nameImage } from "../storage/name-image.ts";
import { removeTree } from "../storage/remove-tree.ts";
import { holdStore } from "../storage/store-hold.ts";
import { lockTransient } from "../storage/transient-lock.ts";
import type { Engine } from "./engine.ts";

export type LoadEvent =
  | { readonly kind: "read"; readonly doneBytes: number; readonly totalBytes?: number }
  /** A name in the archive was another image's here, which has lost it. */
  | { readonly kind: "renamed"; readonly name: string; readonly previousId: string }
  /** One for each name; `name` is absent for an image that has none. */
  | { readonly kind: "loaded"; readonly id: string; readonly name?: string };

export interface LoadOptions {
  readonly platform?: Platform;
  readonly onEvent: (event: LoadEvent) => void;
}

const readBytes = 512 * 1024;

/** Loads a file or a layout directory. Throws docker's `open x: no such file or directory`. */
export async function loadFile(engine: Engine, path: string, options: LoadOptions): Promise<void> {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined)
    throw new BockerError(`open ${path}: no such file or directory`, { kind: "not-found" });
  if (!stat.isDirectory()) {
    const body = createReadStream(path, { highWaterMark: readBytes });
    await loadStream(engine, body, options, stat.isFile() ? stat.size : undefined);
    return;
  }
  if (!isLayoutDirectory(path)) throw noManifest();
  await loadWhole(engine, (brought) => loadParts(engine, partsOfDirectory(path), brought, options));
}

/** Loads what comes through standard input. */
export function loadStandardInput(engine: Engine, options: LoadOptions): Promise<void> {
  return loadStream(engine, createReadStream("", { fd: 0, highWaterMark: readBytes }), options);
}

/** Loads what comes through `body`, compressed or not. */
async function loadStream(
  engine: Engine,
  body: AsyncIterable<Uint8Array>,
  options: LoadOptions,
  totalBytes?: number,
): Promise<void> {
  await loadWhole(engine, async (brought) => {
    const stem = join(engine.paths.tmp, `import-${randomHex(8)}`);
    using _lock = await lockTransient(`${stem}.lock`, { removeFile: true });
    try {
      const tar = decompress(counted(body, options, totalBytes));
      const files = await extractImageArchive(tar, `${stem}.parts`, { anyName: true });
      await loadParts(engine, partsOfArchive(files), brought, options);
    } finally {
      removeTree(engine.paths, `${stem}.parts`);
    }
  });
}

/** An image that is complete stays, should a later one fail; of that one nothing stays. */
async function loadWhole(engine: Engine, load: (brought: Brought) => Promise<void>): Promise<void> {
  const brought: Brought = { blobs: new Set(), layers: new Set() };
  try {
    using _hold = await holdStore(engine.paths);
    await load(brought);
  } catch (error) {
    collectGarbage(engine, { among: brought });
    throw error;
  }
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  { onEvent }: LoadOptions,
  totalBytes: number | undefined,
): AsyncGenerator<Uint8Array> {
  let doneBytes = 0;
  for await (const chunk of body) {
    doneBytes += chunk.byteLength;
    onEvent({ kind: "read", doneBytes, ...(totalBytes === undefined ? {} : { totalBytes }) });
    yield chunk;
  }
}

/** One image of the archive, and how it is stored. */
interface Loadable {
  readonly names: readonly string[];
  store(brought: Brought): Promise<ImageRecord>;
}

async function loadParts(
  engine: Engine,
  parts: ImageParts,
  brought: Brought,
  options: LoadOptions,
): Promise<void> {
  const loadables = listImages(engine, parts, options.platform ?? hostPlatform());
  for (const { names, store } of loadables) {
    const image = await store(brought);
    for (const name of names) await giveName(engine, image, name, options);
    if (names.length === 0) options.onEvent({ kind: "loaded", id: image.id });
    appendEvent(engine.state, {
      type: "image",
      action: "load",
      id: image.id,
      attributes: { name: image.id },
    });
  }
}

async function giveName(
  engine: Engine,
  image: ImageRecord,
  reference: string,
  { onEvent }: LoadOptions,
): Promise<void> {
  const name = familiarName(parseReference(reference));
  const previous = findImageByReference(engine.state, reference);
  if (previous !== undefined && previous.id !== image.id) {
    onEvent({ kind: "renamed", name, previousId: previous.id });
  }
  await nameImage(engine, image, reference);
  onEvent({ kind: "loaded", id: image.id, name });
}

/** Names are checked before anything is stored. */
function listImages(engine: Engine, parts: ImageParts, platform: Platform): readonly Loadable[] {
  const layout = readLayout(parts);
  const docker = readDockerManifest(parts);
  if (docker === undefined && layout === undefined) throw noManifest();
  if (docker === undefined) return listLayout(engine, parts, layout ?? [], platform);
  return docker.map((entry) => {
    const names = entry.repoTags.map(parseName);
    const described = findDescribed(parts, layout ?? [], entry.config, platform);
    const store = (brought: Brought) =>
      described === undefined
        ? importDockerImage(engine, parts, brought, entry)
        : importLayoutImage(engine, parts, brought, described);
    return { names, store };
  });
}

/** The layout's manifest with that config, if there is one: docker writes both since version 25. */
function findDescribed(parts: ImageParts, layout: readonly Descriptor[], config: string, platform: Platform) {
  const digest = /^blobs\/(sha256|sha512)\/([0-9a-f]+)$/.exec(config)?.slice(1).join(":");
  if (digest === undefined) return undefined;
  for (const descriptor of layout) {
    if (descriptor.size > maxManifestBytes) continue;
    const found = tryFollow(parts, descriptor, platform);
    if (found?.manifest.config.digest === digest) return found;
  }
  return undefined;
}

/** An index whose images for this platform are elsewhere leads nowhere. */
function tryFollow(parts: ImageParts, descriptor: Descriptor, platform: Platform) {
  try {
    return followDescriptor(parts, descriptor, platform);
  } catch (error) {
    if (error instanceof BockerError) return undefined;
    throw error;
  }
}

/** Each manifest once, with all names that the layout gives it. */
function listLayout(
  engine: Engine,
  parts: ImageParts,
  layout: readonly Descriptor[],
  platform: Platform,
): readonly Loadable[] {
  if (layout.length === 0) throw broken("its index is empty");
  return [...Map.groupBy(layout, ({ digest }) => digest).values()].map((descriptors) => ({
    names: [...new Set(descriptors.flatMap(nameOf))],
    store: (brought) => {
      const [first] = descriptors;
      if (first === undefined) throw broken("its index is empty");
      return importLayoutImage(engine, parts, brought, followDescriptor(parts, first, platform));
    },
  }));
}

/** containerd's annotation is a whole name; the specification's often a tag alone, which names nothing by itself. */
function nameOf({ annotations }: Descriptor): readonly string[] {
  const full = annotations?.["io.containerd.image.name"];
  if (full !== undefined) return [parseName(full)];
  const name = annotations?.["org.opencontainers.image.ref.name"] ?? "";
  return /[/:]/.test(name) && isReference(name) ? [parseName(name)] : [];
}

function parseName(text: string): string {
  const reference = parseReference(text);
  if (reference.digest === undefined) return canonicalName(withDefaultTag(reference));
  throw new BockerError(`invalid tag ${JSON.stringify(text)} in the archive`, { kind: "corrupt" });
}

function noManifest(): BockerError {
  return new BockerError("invalid archive: does not contain a manifest.json", {
    kind: "corrupt",
    hint: "a tar of a root file system is taken by: bocker import FILE NAME",
  });
}
