/**
 * An image that is made here (commit, import): its config and manifest as OCI documents, and its row.
 *
 * Layers are in the store already. Keys are written in a fixed order, so that the same image has the same id.
 */

import { digestOf } from "../image/digest.ts";
import type { ImageConfig } from "../image/image-config.ts";
import type { Descriptor } from "../image/manifest.ts";
import { type ImageFormat, layerCompression, MediaType } from "../image/media-type.ts";
import type { ImageRecord } from "../state/record.ts";
import { BlobStore } from "./blob-store.ts";
import type { Brought } from "./import-archive.ts";
import { type ImageStore, insertImage, type NewTag } from "./local-image.ts";

export interface MadeImage {
  readonly config: ImageConfig;
  /** As many as the config has diffIDs, bottom first. */
  readonly layers: readonly Descriptor[];
  readonly tags: readonly NewTag[];
  /** Of the manifest; absent: none. */
  readonly annotations?: Readonly<Record<string, string>>;
  /** Absent: oci. docker's manifests have no annotations. */
  readonly format?: ImageFormat;
}

/** A document, and what a manifest or index says of it. */
export interface EncodedDocument {
  readonly bytes: Buffer;
  readonly descriptor: Descriptor;
}

/** The image's two documents. */
export function encodeImage(
  made: Omit<MadeImage, "tags">,
): Readonly<Record<"config" | "manifest", EncodedDocument>> {
  const { annotations = {}, format = "oci" } = made;
  const types = documentTypes[format];
  const config = encodeDocument(types.config, configDocument(made.config));
  const manifest = encodeDocument(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: config.descriptor,
    layers: made.layers.map((layer) => layerAs(format, layer)),
    ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
  });
  return { config, manifest };
}

/** Stores the documents and the row. What it adds to the store it says in `brought`. */
export async function storeImage(store: ImageStore, made: MadeImage, brought: Brought): Promise<ImageRecord> {
  const { config, manifest } = encodeImage(made);
  const blobs = new BlobStore(store.paths);
  for (const { descriptor, bytes } of [config, manifest]) {
    brought.blobs.add(descriptor.digest);
    await blobs.writeBytes(descriptor, bytes);
  }
  const { tags } = made;
  return insertImage(store, {
    id: config.descriptor.digest,
    manifest: manifest.descriptor,
    config: made.config,
    tags,
  });
}

function configDocument({
  created,
  author,
  architecture,
  variant,
  os,
  config,
  rootfs,
  history,
}: ImageConfig) {
  return { created, author, architecture, variant, os, config, rootfs, history };
}

/** One side's names for layers to the other's: the bytes are the same. */
function layerAs(format: ImageFormat, { mediaType, digest, size }: Descriptor): Descriptor {
  const compression = layerCompression(mediaType);
  return { mediaType: compression === undefined ? mediaType : layerTypes[format][compression], digest, size };
}

const documentTypes = {
  oci: { manifest: MediaType.ociManifest, config: MediaType.ociConfig },
  docker: { manifest: MediaType.dockerManifest, config: MediaType.dockerConfig },
} as const;

const layerTypes = {
  oci: { none: MediaType.ociLayer, gzip: MediaType.ociLayerGzip, zstd: MediaType.ociLayerZstd },
  docker: { none: MediaType.dockerLayer, gzip: MediaType.dockerLayerGzip, zstd: MediaType.dockerLayerZstd },
} as const;

function encodeDocument(mediaType: string, document: unknown): EncodedDocument {
  const bytes = Buffer.from(JSON.stringify(document));
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length } };
}
