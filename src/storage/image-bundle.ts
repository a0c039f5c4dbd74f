/**
 * Images of the store laid out for others: an OCI image layout, and beside it docker's manifest.json.
 *
 * Blobs are those of the store, byte for byte, so digests stay what they are. Since docker 25 writes both descriptions into
 * one archive, this does too: docker, podman and skopeo read manifest.json, umoci and containerd the layout.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md and
 * https://github.com/moby/docker-image-spec/blob/main/spec.md#combined-image-json--filesystem-changeset-format
 */

import { BockerError } from "../errors.ts";
import type { Digest } from "../image/digest.ts";
import { type Descriptor, type Manifest, maxManifestBytes, parseManifest } from "../image/manifest.ts";
import { MediaType } from "../image/media-type.ts";
import { familiarName, familiarRepository, parseReference } from "../image/reference.ts";
import type { ImageRecord } from "../state/record.ts";
import { BlobStore } from "./blob-store.ts";
import type { ImageStore } from "./local-image.ts";

export interface BundledImage {
  readonly image: ImageRecord;
  /** Canonical references with a tag; none for an image that was asked for by id. */
  readonly names: readonly string[];
}

/** One file of the bundle: bytes, or a blob where it lies. */
export type BundleFile =
  | { readonly name: string; readonly bytes: Buffer }
  | { readonly name: string; readonly path: string; readonly sizeBytes: number };

export interface BundleOptions {
  /** manifest.json and repositories too. */
  readonly forDocker: boolean;
}

/** Every file, sorted by name. Throws kind `not-found` or `corrupt` where the store lacks one. */
export function planBundle(
  store: ImageStore,
  images: readonly BundledImage[],
  { forDocker }: BundleOptions,
): readonly BundleFile[] {
  const blobs = new BlobStore(store.paths);
  const found = images.map((item) => ({ ...item, ...readManifest(blobs, item.image) }));
  const files = new Map<string, BundleFile>();
  for (const { descriptor, manifest } of found) {
    for (const { digest } of [descriptor, manifest.config, ...manifest.layers]) {
      files.set(blobName(digest), blobFile(blobs, digest));
    }
  }
  const put = (name: string, value: unknown) =>
    files.set(name, { name, bytes: Buffer.from(JSON.stringify(value)) });
  put("oci-layout", { imageLayoutVersion: "1.0.0" });
  put("index.json", {
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    manifests: found.flatMap(indexEntries),
  });
  if (forDocker) {
    put("manifest.json", found.map(dockerEntry));
    const repositories = repositoriesOf(found);
    if (Object.keys(repositories).length > 0) put("repositories", repositories);
  }
  return [...files.keys()].sort().flatMap((name) => files.get(name) ?? []);
}

interface Found extends BundledImage {
  readonly descriptor: Descriptor;
  readonly manifest: Manifest;
}

function readManifest(blobs: BlobStore, image: ImageRecord): Pick<Found, "descriptor" | "manifest"> {
  const digest = image.manifestDigest as Digest;
  const bytes = blobs.readBytes(digest, maxManifestBytes);
  const manifest = parseManifest(bytes);
  if (manifest.kind !== "manifest")
    throw new BockerError(`${digest} is an index, no manifest`, { kind: "corrupt" });
  return { descriptor: { mediaType: manifest.mediaType, digest, size: bytes.length }, manifest };
}

function blobFile(blobs: BlobStore, digest: Digest): BundleFile {
  const sizeBytes = blobs.size(digest);
  if (sizeBytes === undefined) {
    throw new BockerError(`blob ${digest} is not in the store`, {
      kind: "not-found",
      hint: "the store is damaged or was cleaned by another tool; pull the image again",
    });
  }
  return { name: blobName(digest), path: blobs.path(digest), sizeBytes };
}

function blobName(digest: Digest): string {
  return `blobs/${digest.replace(":", "/")}`;
}

/** A descriptor a name, with containerd's annotations, as docker writes them; one without for no name. */
function indexEntries({ descriptor, names }: Found): readonly Descriptor[] {
  if (names.length === 0) return [descriptor];
  return names.map((name) => ({
    ...descriptor,
    annotations: {
      "io.containerd.image.name": name,
      "org.opencontainers.image.ref.name": parseReference(name).tag ?? "latest",
    },
  }));
}

function dockerEntry({ names, manifest }: Found) {
  return {
    Config: blobName(manifest.config.digest),
    RepoTags: names.length === 0 ? null : names.map((name) => familiarName(parseReference(name))),
    Layers: manifest.layers.map(({ digest }) => blobName(digest)),
  };
}

/** What docker before 1.10 read: repository, tag, id of the topmost layer. */
function repositoriesOf(images: readonly Found[]): Record<string, Record<string, string>> {
  const repositories: Record<string, Record<string, string>> = {};
  for (const { names, manifest } of images) {
    const top = manifest.layers.at(-1)?.digest.replace(/^[^:]*:/, "");
    for (const reference of names.map(parseReference)) {
      const name = familiarRepository(reference);
      if (top !== undefined) repositories[name] = { ...repositories[name], [reference.tag ?? "latest"]: top };
    }
  }
  return repositories;
}
