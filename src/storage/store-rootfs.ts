/**
 * A root file system, as a tar or a directory, made an image of one layer.
 *
 * A tar that is plain or compressed with gzip or zstd is kept as it is, byte for byte; other formats (xz, bzip2) are
 * none of a layer, and are stored with gzip, as directories are.
 */
import type { DiffID } from "../image/digest.ts";
import type { HistoryEntry, ImageProcessConfig } from "../image/image-config.ts";
import { hostPlatform, type Platform } from "../image/platform.ts";
import type { ImageRecord } from "../state/record.ts";
import { decompress, sniffCompression } from "./decompress.ts";
import type { Brought } from "./import-archive.ts";
import type { ImageStore, NewTag } from "./local-image.ts";
import type { PackOptions } from "./pack-entry.ts";
import { packTree } from "./pack-tree.ts";
import { storeImage } from "./store-image.ts";
import { layerTypes, type StoredLayer, storeAsIs, storeTar } from "./store-layer.ts";

export type RootfsSource =
  | { readonly kind: "tar"; readonly body: AsyncIterable<Uint8Array> }
  | { readonly kind: "directory"; readonly path: string; readonly packing?: PackOptions };

export interface RootfsImage {
  /** ISO 8601; absent: the image bears no time, and the same files are the same image. */
  readonly created?: string;
  readonly config: ImageProcessConfig;
  readonly history: HistoryEntry;
  readonly platform?: Platform;
  readonly tags: readonly NewTag[];
  /** Names the files in errors; absent: "its files". */
  readonly label?: string;
}

/** Throws kind `corrupt` for what is no tar. What it adds to the store it says in `brought`. */
export async function storeRootfs(
  store: ImageStore,
  source: RootfsSource,
  image: RootfsImage,
  brought: Brought,
): Promise<ImageRecord> {
  const { descriptor, diffID } = await storeFiles(store, source, image.label ?? "its files", brought);
  const { created, config, history, tags } = image;
  const { os, architecture, variant } = image.platform ?? hostPlatform();
  const whole = {
    ...(created === undefined ? {} : { created }),
    architecture,
    ...(variant === undefined ? {} : { variant }),
    os,
    config,
    rootfs: { type: "layers" as const, diff_ids: [diffID] satisfies DiffID[] },
    history: [history],
  };
  return storeImage(store, { config: whole, layers: [descriptor], tags }, brought);
}

async function storeFiles(
  store: ImageStore,
  source: RootfsSource,
  label: string,
  brought: Brought,
): Promise<StoredLayer> {
  if (source.kind === "directory") {
    return storeTar(store.paths, packTree(source.path, source.packing), label, brought);
  }
  const { format, body } = await sniffCompression(source.body);
  const mediaType = layerTypes[format];
  if (mediaType !== undefined) return storeAsIs(store.paths, body, mediaType, label, brought);
  return storeTar(store.paths, decompress(body), label, brought);
}
