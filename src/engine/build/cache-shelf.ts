/**
 * Where a build cache for other machines lies: a directory in the form of an OCI layout, or a tag of a registry.
 */
import { copyFileSync, createReadStream, existsSync, mkdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { BockerError } from "../../errors.ts";
import { writeFileAtomic } from "../../host/atomic-file.ts";
import { randomHex } from "../../host/random-id.ts";
import { type Digest, digestHex, digestOf, parseDigest, verifyDigest } from "../../image/digest.ts";
import { parseJsonObject } from "../../image/json-field.ts";
import { type Descriptor, parseManifest } from "../../image/manifest.ts";
import { MediaType } from "../../image/media-type.ts";
import { familiarName, type NamedReference } from "../../image/reference.ts";
import type { Engine } from "../engine.ts";

export type CachePlace =
  | { readonly kind: "local"; readonly directory: string }
  | { readonly kind: "registry"; readonly reference: NamedReference };

/** What is the same for both. */
export interface CacheShelf {
  /** The manifest. Throws kind `not-found` where there is none. */
  load(): Promise<Uint8Array>;
  read(blob: Descriptor): AsyncIterable<Uint8Array>;
  /** Copies a file of this machine, unless the blob is there. */
  put(blob: Descriptor, path: string): Promise<void>;
  /** The manifest, once all of its blobs are there. */
  publish(manifest: Uint8Array<ArrayBuffer>): Promise<void>;
}

/** For messages: the directory, or the name. */
export function describePlace(place: CachePlace): string {
  return place.kind === "local" ? place.directory : familiarName(place.reference);
}

/** Nothing is made or asked before it is used. */
export async function openShelf(engine: Engine, place: CachePlace): Promise<CacheShelf> {
  return place.kind === "local" ? directoryShelf(place.directory) : registryShelf(engine, place.reference);
}

function directoryShelf(directory: string): CacheShelf {
  const pathOf = (digest: Digest) => join(directory, "blobs/sha256", digestHex(digest));
  return {
    async load() {
      const index = join(directory, "index.json");
      if (!existsSync(index)) {
        throw new BockerError(`could not read ${index}: no such file`, { kind: "not-found" });
      }
      const { manifests } = parseIndex(readFileSync(index));
      const [first] = manifests;
      if (first === undefined) throw new BockerError(`${index} names no manifest`, { kind: "corrupt" });
      const bytes = readFileSync(pathOf(first.digest));
      verifyDigest("build cache manifest", bytes, first.digest);
      return bytes;
    },
    read: ({ digest }) => createReadStream(pathOf(digest)),
    async put({ digest }, path) {
      const target = pathOf(digest);
      if (existsSync(target)) return;
      mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
      const temporary = `${target}.${randomHex(6)}.tmp`;
      copyFileSync(path, temporary);
      renameSync(temporary, target);
    },
    async publish(manifest) {
      const digest = digestOf(manifest);
      mkdirSync(join(directory, "blobs/sha256"), { recursive: true });
      writeFileAtomic(pathOf(digest), Buffer.from(manifest).toString());
      writeFileAtomic(join(directory, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
      const descriptor = { mediaType: MediaType.ociManifest, digest, size: manifest.byteLength };
      const index = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [descriptor] };
      writeFileAtomic(join(directory, "index.json"), JSON.stringify(index));
    },
  };
}

function parseIndex(bytes: Uint8Array) {
  parseJsonObject("index.json", bytes);
  const index = parseManifest(bytes, MediaType.ociIndex);
  if (index.kind === "index") return index;
  throw new BockerError("index.json of the build cache is no index", { kind: "corrupt" });
}

async function registryShelf({ settings }: Engine, reference: NamedReference): Promise<CacheShelf> {
  const [{ createRegistryClient }, { fetchManifest }, { fetchBlob }, { uploadBlob, uploadManifest }] =
    await Promise.all([
      import("../../registry/registry-client.ts"),
      import("../../registry/manifests.ts"),
      import("../../registry/blobs.ts"),
      import("../../registry/upload.ts"),
    ]);
  const client = createRegistryClient(reference.registry, settings.registries);
  const tag = reference.tag ?? "latest";
  return {
    load: async () => (await fetchManifest(client, reference, reference.digest ?? tag)).bytes,
    read: (blob) => fetchBlob(client, reference, blob),
    async put({ digest, size }, path) {
      await uploadBlob(client, reference, { digest: parseDigest(digest), size, path });
    },
    publish: (bytes) =>
      uploadManifest(client, reference, tag, {
        mediaType: MediaType.ociManifest,
        digest: digestOf(bytes),
        bytes,
      }),
  };
}
