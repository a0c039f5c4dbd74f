/**
 * Manifests and indexes: which blobs make up an image, and which image serves which platform.
 *
 * Takes OCI's and docker's (schema 2) forms alike; schema 1 is refused with a reason. Everything here came from a
 * stranger: sizes, counts and digests are checked before anybody acts on them. Follows
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md and image-index.md
 */
import { BockerError } from "../errors.ts";
import { type Digest, digestProblem } from "./digest.ts";
import {
  asArray,
  asObject,
  asSize,
  asString,
  type JsonObject,
  optionalObject,
  optionalString,
  optionalStringMap,
  optionalStrings,
  parseJsonObject,
  present,
} from "./json-field.ts";
import {
  bareMediaType,
  isForeignLayer,
  isImageConfigType,
  isIndexType,
  isManifestType,
  isSchema1Type,
  layerCompression,
  MediaType,
} from "./media-type.ts";
import { normalisePlatform, type Platform, renderPlatform, selectPlatform } from "./platform.ts";

export interface Descriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly urls?: readonly string[];
  readonly annotations?: Readonly<Record<string, string>>;
  readonly platform?: Platform;
}

export interface Manifest {
  readonly kind: "manifest";
  readonly mediaType: string;
  readonly config: Descriptor;
  /** Bottom first. */
  readonly layers: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

export interface ImageIndex {
  readonly kind: "index";
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Bytes of a manifest or index that anybody has to accept; the distribution spec's own limit. */
export const maxManifestBytes = 4 * 1024 * 1024;
/** Bytes of an image config; real ones have some ten thousand. */
export const maxConfigBytes = 8 * 1024 * 1024;
const maxLayers = 512;
const maxIndexEntries = 4096;

/**
 * Parses manifest or index. `contentType` is what the sender called it; the document's own mediaType must agree, so
 * that bytes with one digest can't be read in two ways.
 */
export function parseManifest(bytes: Uint8Array | string, contentType?: string): Manifest | ImageIndex {
  const json = parseJsonObject("manifest", bytes);
  const sent = contentType === undefined ? "" : bareMediaType(contentType);
  const mediaType = manifestMediaType(json, sent);
  const annotations = present("annotations", optionalStringMap("manifest: annotations", json.annotations));
  if (isIndexType(mediaType)) {
    const manifests = descriptors("manifest: manifests", json.manifests, maxIndexEntries);
    return { kind: "index", mediaType, manifests, ...annotations };
  }
  return {
    kind: "manifest",
    mediaType,
    config: parseDescriptor("manifest: config", json.config),
    layers: descriptors("manifest: layers", json.layers, maxLayers),
    ...annotations,
  };
}

/** The entry of an index for a platform. Throws docker's `no matching manifest for …`. */
export function selectManifest(index: ImageIndex, wanted: Platform): Descriptor {
  const found = selectPlatform(
    wanted,
    index.manifests.map((entry) => entry.platform),
  );
  const only = index.manifests.length === 1 ? index.manifests[0] : undefined;
  // An index of one entry that names no platform (buildah, umoci) can only mean that one.
  const entry = index.manifests[found] ?? (only?.platform === undefined ? only : undefined);
  if (entry !== undefined) return entry;
  const offered = index.manifests.flatMap((item) => (item.platform ? [renderPlatform(item.platform)] : []));
  const names = [...new Set(offered.filter((name) => !name.startsWith("unknown/")))].slice(0, 12).join(", ");
  throw new BockerError(
    `no matching manifest for ${renderPlatform(normalisePlatform(wanted))} in the manifest list entries`,
    { kind: "not-found", ...(names === "" ? {} : { hint: `it has: ${names}; choose one with --platform` }) },
  );
}

/** Throws unless the manifest is of an image whose layers can be fetched and unpacked here. */
export function checkRunnable(manifest: Manifest): void {
  if (!isImageConfigType(manifest.config.mediaType)) {
    throw new BockerError(`config of media type "${manifest.config.mediaType}" is not a container image`, {
      kind: "unsupported",
      hint: "it may be a chart, a signature or another artifact",
    });
  }
  if (manifest.config.size > maxConfigBytes) {
    throw new BockerError(`config of ${manifest.config.size} bytes is larger than ${maxConfigBytes}`, {
      kind: "corrupt",
    });
  }
  for (const layer of manifest.layers) checkLayer(layer);
}

function checkLayer(layer: Descriptor): void {
  if (isForeignLayer(layer.mediaType)) {
    throw new BockerError(`layer ${layer.digest} is foreign (media type "${layer.mediaType}")`, {
      kind: "unsupported",
      hint: "such layers may only be fetched from their vendor and hold Windows files",
    });
  }
  if (layerCompression(layer.mediaType) === undefined) {
    throw new BockerError(`layer ${layer.digest} has the unknown media type "${layer.mediaType}"`, {
      kind: "unsupported",
    });
  }
}

function manifestMediaType(json: JsonObject, sent: string): string {
  const own = bareMediaType(optionalString("manifest: mediaType", json.mediaType) ?? "");
  if (isSchema1Type(sent) || isSchema1Type(own) || json.schemaVersion === 1) {
    throw new BockerError("docker image manifest schema 1 is no longer supported", {
      kind: "unsupported",
      hint: "push the image again with a newer docker, or convert it with skopeo copy",
    });
  }
  if (json.schemaVersion !== 2)
    throw new BockerError("manifest: schemaVersion must be 2", { kind: "corrupt" });
  const known = (type: string) => isManifestType(type) || isIndexType(type);
  if (own !== "" && !known(own)) throw unknownType(own);
  if (own !== "" && known(sent) && own !== sent) {
    throw new BockerError(`manifest: sent as "${sent}", and calls itself "${own}"`, { kind: "corrupt" });
  }
  const type = own !== "" ? own : known(sent) ? sent : guessType(json, sent);
  const mixed = isIndexType(type) ? json.layers : json.manifests;
  if (mixed !== undefined)
    throw new BockerError("manifest: has both layers and manifests", { kind: "corrupt" });
  return type;
}

/** OCI lets a document leave its type out, and files on disk have no Content-Type. */
function guessType(json: JsonObject, sent: string): string {
  const generic = sent === "" || sent === "application/json" || sent === "application/octet-stream";
  if (!generic && !sent.startsWith("text/plain")) throw unknownType(sent);
  return json.manifests === undefined ? MediaType.ociManifest : MediaType.ociIndex;
}

function unknownType(mediaType: string): BockerError {
  return new BockerError(`unsupported manifest media type "${mediaType.slice(0, 120)}"`, {
    kind: "unsupported",
  });
}

function descriptors(path: string, value: unknown, most: number): Descriptor[] {
  const list = value === undefined || value === null ? [] : asArray(path, value);
  if (list.length > most) {
    throw new BockerError(`${path}: ${list.length} entries are more than ${most}`, { kind: "corrupt" });
  }
  return list.map((item, index) => parseDescriptor(`${path}[${index}]`, item));
}

/** Parses one descriptor; `path` is its place, for the message. */
function parseDescriptor(path: string, value: unknown): Descriptor {
  const json = asObject(path, value);
  const digest = asString(`${path}.digest`, json.digest);
  const problem = digestProblem(digest);
  if (problem !== undefined) throw new BockerError(`${path}.digest: ${problem}`, { kind: "corrupt" });
  return {
    mediaType: asString(`${path}.mediaType`, json.mediaType),
    digest: digest as Digest,
    size: asSize(`${path}.size`, json.size),
    ...present("urls", optionalStrings(`${path}.urls`, json.urls)),
    ...present("annotations", optionalStringMap(`${path}.annotations`, json.annotations)),
    ...present("platform", parseDescriptorPlatform(`${path}.platform`, json.platform)),
  };
}

function parseDescriptorPlatform(path: string, value: unknown): Platform | undefined {
  const json = optionalObject(path, value);
  if (json === undefined) return undefined;
  return {
    os: asString(`${path}.os`, json.os),
    architecture: asString(`${path}.architecture`, json.architecture),
    ...present("variant", optionalString(`${path}.variant`, json.variant) || undefined),
  };
}
