/**
 * The image inside the executable, put into the store on first use, so that `run busybox` needs no network.
 *
 * Built by images/build-busybox.ts. From then on it is an image like any other: listed, tagged, removable. A busybox
 * that was pulled under the same name wins, since the store is asked first.
 */
import { readFileSync } from "node:fs";
import { BockerError } from "../errors.ts";
import { type Digest, digestOf } from "../image/digest.ts";
import { parseImageConfig } from "../image/image-config.ts";
import { type Manifest, parseManifest } from "../image/manifest.ts";
import type { ImageRecord } from "../state/record.ts";
import { applyLayer } from "./apply-layer.ts";
import { BlobStore } from "./blob-store.ts";
import { type ImageStore, insertImage } from "./local-image.ts";
import { holdStore } from "./store-hold.ts";

/** Canonical name of the one image that is embedded. */
const embeddedReference = "docker.io/library/busybox:latest";

interface EmbeddedFiles {
  readonly documents: string;
  readonly layer: string;
}

interface ImageDocuments {
  readonly config: string;
  readonly manifest: string;
}

/** Whether a canonical reference is that of the embedded image; no effects. */
export function isEmbedded(reference: string): boolean {
  return reference === embeddedReference;
}

/**
 * Unpacks the embedded image into the store and tags it. Throws kind `not-found` in a build that has none, or in
 * a checkout where it was not built.
 */
export async function storeEmbeddedImage(store: ImageStore): Promise<ImageRecord> {
  const files = embeddedFiles();
  const documents = readDocuments(files);
  const config = parseImageConfig(documents.config);
  const manifest = parseManifest(documents.manifest) as Manifest;
  const [diffID] = config.rootfs.diff_ids;
  const [layer] = manifest.layers;
  if (diffID === undefined || layer === undefined) throw missing();
  using _hold = await holdStore(store.paths);
  const blobs = new BlobStore(store.paths);
  await blobs.writeBytes(layer, readFileSync(files.layer));
  await applyLayer({ paths: store.paths, blob: blobs.path(layer.digest), diffID });
  await blobs.writeBytes(manifest.config, Buffer.from(documents.config));
  const descriptor = describe(manifest.mediaType, documents.manifest);
  await blobs.writeBytes(descriptor, Buffer.from(documents.manifest));
  const tags = [{ reference: embeddedReference }];
  return await insertImage(store, { id: manifest.config.digest, manifest: descriptor, config, tags });
}

function describe(mediaType: string, text: string): { mediaType: string; digest: Digest; size: number } {
  return { mediaType, digest: digestOf(text), size: Buffer.byteLength(text) };
}

function readDocuments(files: EmbeddedFiles): ImageDocuments {
  const text = readFileSync(files.documents, "utf8");
  if (text === "") throw missing("this bocker was built without an embedded image");
  return JSON.parse(text) as ImageDocuments;
}

/** Only the target architecture's files are bundled: the other branch is dropped at build time. */
function embeddedFiles(): EmbeddedFiles {
  try {
    if (process.arch === "arm64") return require("./embedded-file-arm64.ts") as EmbeddedFiles;
    return require("./embedded-file-amd64.ts") as EmbeddedFiles;
  } catch (cause) {
    throw missing("the embedded image was not built", cause, "run: bun run build");
  }
}

function missing(reason = "the embedded image is damaged", cause?: unknown, hint?: string): BockerError {
  return new BockerError(`cannot use image "busybox": ${reason}`, {
    kind: "not-found",
    cause,
    hint: hint ?? "pull one: bocker pull busybox",
  });
}
