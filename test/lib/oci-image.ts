/**
 * Small OCI images made in memory: tar, compress, config, manifest, index. For tests of whatever reads images.
 */
import { type Digest, digestOf } from "../../src/image/digest.ts";
import { MediaType } from "../../src/image/media-type.ts";

export interface TestFile {
  readonly name: string;
  /** Absent: a directory. */
  readonly content?: string | Uint8Array;
  /** Absent: 0644, 0755 for a directory. */
  readonly mode?: number;
}

export interface TestBlob {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly descriptor: { readonly mediaType: string; readonly digest: Digest; readonly size: number };
}

export interface TestImage {
  readonly manifest: TestBlob;
  readonly config: TestBlob;
  readonly layers: readonly TestBlob[];
  readonly diffIDs: readonly Digest[];
}

export interface TestImageOptions {
  readonly compression?: "none" | "gzip" | "zstd";
  readonly platform?: { readonly os: string; readonly architecture: string; readonly variant?: string };
  /** docker's media types in place of OCI's. */
  readonly docker?: boolean;
  /** The process part of the config. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** An image of the given layers, bottom first. */
export function makeImage(
  layers: readonly (readonly TestFile[])[],
  options: TestImageOptions = {},
): TestImage {
  const { compression = "gzip", platform = { os: "linux", architecture: "amd64" }, docker = false } = options;
  const tars = layers.map(makeTar);
  const type = docker ? dockerLayerType[compression] : ociLayerType[compression];
  const blobs = tars.map((tar) => makeBlob(compress(tar, compression), type));
  const diffIDs = tars.map((tar) => digestOf(tar));
  const config = makeJsonBlob(docker ? MediaType.dockerConfig : MediaType.ociConfig, {
    created: "2024-01-02T03:04:05Z",
    ...platform,
    config: options.config ?? {},
    rootfs: { type: "layers", diff_ids: diffIDs },
    history: [],
  });
  const manifest = makeManifest(config, blobs, docker);
  return { manifest, config, layers: blobs, diffIDs };
}

/** A manifest over any blobs: of a hostile image, too. */
export function makeManifest(config: TestBlob, layers: readonly TestBlob[], docker = false): TestBlob {
  const mediaType = docker ? MediaType.dockerManifest : MediaType.ociManifest;
  const descriptors = layers.map((layer) => layer.descriptor);
  return makeJsonBlob(mediaType, {
    schemaVersion: 2,
    mediaType,
    config: config.descriptor,
    layers: descriptors,
  });
}

/** An index over images. */
export function makeIndex(
  entries: readonly { readonly image: TestImage; readonly platform?: Readonly<Record<string, string>> }[],
): TestBlob {
  const manifests = entries.map(({ image, platform }) => ({
    ...image.manifest.descriptor,
    ...(platform === undefined ? {} : { platform }),
  }));
  const mediaType = MediaType.ociIndex;
  return makeJsonBlob(mediaType, { schemaVersion: 2, mediaType, manifests });
}

export function makeJsonBlob(mediaType: string, value: unknown): TestBlob {
  return makeBlob(Buffer.from(JSON.stringify(value)), mediaType);
}

export function makeBlob(bytes: Uint8Array<ArrayBuffer>, mediaType: string): TestBlob {
  return { bytes, descriptor: { mediaType, digest: digestOf(bytes), size: bytes.byteLength } };
}

/** A ustar archive of plain files and directories. */
export function makeTar(files: readonly TestFile[]): Buffer<ArrayBuffer> {
  const parts = files.flatMap((file) => {
    const data = Buffer.from(file.content ?? "");
    return [tarHeader(file, data.byteLength), data, Buffer.alloc((512 - (data.byteLength % 512)) % 512)];
  });
  return Buffer.concat([...parts, Buffer.alloc(1024)]);
}

function tarHeader(file: TestFile, size: number): Buffer {
  const directory = file.content === undefined;
  const header = Buffer.alloc(512);
  const octal = (value: number, at: number, width: number) =>
    header.write(`${value.toString(8).padStart(width - 1, "0")}\0`, at, "latin1");
  header.write(file.name, 0, 100);
  octal(file.mode ?? (directory ? 0o755 : 0o644), 100, 8);
  octal(0, 108, 8);
  octal(0, 116, 8);
  octal(size, 124, 12);
  octal(1_700_000_000, 136, 12);
  header.write("        ", 148);
  header.write(directory ? "5" : "0", 156);
  header.write("ustar\x0000", 257, "latin1");
  octal(
    header.reduce((sum, byte) => sum + byte, 0),
    148,
    7,
  );
  return header;
}

function compress(
  bytes: Buffer<ArrayBuffer>,
  compression: "none" | "gzip" | "zstd",
): Uint8Array<ArrayBuffer> {
  if (compression === "gzip") return Bun.gzipSync(bytes);
  return compression === "zstd" ? new Uint8Array(Bun.zstdCompressSync(bytes)) : bytes;
}

const ociLayerType = {
  none: MediaType.ociLayer,
  gzip: MediaType.ociLayerGzip,
  zstd: MediaType.ociLayerZstd,
} as const;
const dockerLayerType = {
  none: MediaType.dockerLayer,
  gzip: MediaType.dockerLayerGzip,
  zstd: MediaType.dockerLayerZstd,
} as const;
