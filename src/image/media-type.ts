/**
 * Media types of what a registry serves: the OCI names and docker's older ones for the same things.
 *
 * Follows https://github.com/opencontainers/image-spec/blob/v1.1.0/media-types.md and
 * https://distribution.github.io/distribution/spec/manifest-v2-2/. Artifacts have types of their own, which are legal
 * in a registry and no image: they come out as undefined here, and the caller says so.
 */

export const MediaType = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayer: "application/vnd.docker.image.rootfs.diff.tar",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerLayerZstd: "application/vnd.docker.image.rootfs.diff.tar.zstd",
} as const;

/** Whose names an image's manifest uses: the specification's, or docker's older ones for the same things. */
export type ImageFormat = "oci" | "docker";

/** What a client that can read images asks for, best first. */
export const manifestAccept: string = [
  MediaType.ociManifest,
  MediaType.ociIndex,
  MediaType.dockerManifest,
  MediaType.dockerManifestList,
].join(", ");

export type Compression = "none" | "gzip" | "zstd";

/** The bare type of a Content-Type header, in lower case, parameters dropped. */
export function bareMediaType(header: string): string {
  const semicolon = header.indexOf(";");
  return (semicolon < 0 ? header : header.slice(0, semicolon)).trim().toLowerCase();
}

export function isIndexType(mediaType: string): boolean {
  return mediaType === MediaType.ociIndex || mediaType === MediaType.dockerManifestList;
}

export function isManifestType(mediaType: string): boolean {
  return mediaType === MediaType.ociManifest || mediaType === MediaType.dockerManifest;
}

export function isImageConfigType(mediaType: string): boolean {
  return mediaType === MediaType.ociConfig || mediaType === MediaType.dockerConfig;
}

/** docker's manifest schema 1, signed or not: given up in 2023. */
export function isSchema1Type(mediaType: string): boolean {
  return /^application\/vnd\.docker\.distribution\.manifest\.v1\+(?:json|prettyjws)$/.test(mediaType);
}

/** Layers that must be fetched from their own URLs (Windows base images). */
export function isForeignLayer(mediaType: string): boolean {
  return mediaType.includes(".nondistributable.") || mediaType.includes(".rootfs.foreign.diff.");
}

/** How a layer of this type says it is compressed; undefined: not a layer of a file system. */
export function layerCompression(mediaType: string): Compression | undefined {
  switch (mediaType) {
    case MediaType.ociLayer:
    case MediaType.dockerLayer:
      return "none";
    case MediaType.ociLayerGzip:
    case MediaType.dockerLayerGzip:
      return "gzip";
    case MediaType.ociLayerZstd:
    case MediaType.dockerLayerZstd:
      return "zstd";
    default:
      return undefined;
  }
}
