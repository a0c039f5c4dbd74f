/**
 * A layer that is made here, into the store: the tar is read once, and while it is compressed and hashed into a blob,
 * the unpacking process makes the applied layer of it.
 */
import { BockerError } from "../errors.ts";
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";
import type { Descriptor } from "../image/manifest.ts";
import { MediaType } from "../image/media-type.ts";
import { applyUnknownLayer, type UnpackOptions } from "./apply-layer.ts";
import { BlobStore } from "./blob-store.ts";
import { ByteChannel } from "./byte-channel.ts";
import type { CompressionFormat } from "./decompress.ts";
import { gzipStream } from "./gzip-stream.ts";
import type { Brought } from "./import-archive.ts";

export interface StoredLayer {
  readonly descriptor: Descriptor;
  readonly diffID: DiffID;
}

/** Stores a plain tar, compressed with gzip. `label` names it in errors. */
export function storeTar(
  paths: Paths,
  tar: AsyncIterable<Buffer>,
  label: string,
  brought: Brought,
  options: Pick<UnpackOptions, "mayBeEmpty"> = {},
): Promise<StoredLayer> {
  return storeBoth(paths, tar, gzipStream, MediaType.ociLayerGzip, label, brought, options);
}

/** What a layer's blob may be compressed with, and its media type. */
export const layerTypes: Readonly<Partial<Record<CompressionFormat, string>>> = {
  none: MediaType.ociLayer,
  gzip: MediaType.ociLayerGzip,
  zstd: MediaType.ociLayerZstd,
};

/** Stores a tar as it comes, plain or compressed as `mediaType` says: the blob has the same bytes. */
export function storeAsIs(
  paths: Paths,
  body: AsyncIterable<Buffer>,
  mediaType: string,
  label: string,
  brought: Brought,
): Promise<StoredLayer> {
  return storeBoth(paths, body, (bytes) => bytes, mediaType, label, brought);
}

async function storeBoth(
  paths: Paths,
  body: AsyncIterable<Buffer>,
  encode: (bytes: AsyncIterable<Buffer>) => AsyncIterable<Uint8Array>,
  mediaType: string,
  label: string,
  brought: Brought,
  options: UnpackOptions = {},
): Promise<StoredLayer> {
  const channel = new ByteChannel();
  const unpacking = applyUnknownLayer(paths, channel, label, options);
  const writing = new BlobStore(paths).importStream(encode(copyInto(channel, body)));
  // Whichever fails first ends the other: the channel carries the news both ways.
  writing.catch((error) => channel.fail(error));
  const [unpacked, written] = await Promise.allSettled([unpacking, writing]);
  if (written.status === "fulfilled") brought.blobs.add(written.value.digest);
  if (unpacked.status === "fulfilled") brought.layers.add(unpacked.value.diffID);
  if (written.status === "rejected" && !(written.reason instanceof ReaderGone)) throw written.reason;
  if (unpacked.status === "rejected") throw unpacked.reason;
  if (written.status === "rejected") throw written.reason;
  return { descriptor: { mediaType, ...written.value }, diffID: unpacked.value.diffID };
}

/** The unpacking process has stopped reading; why, it says itself. */
class ReaderGone extends BockerError {
  constructor() {
    super("the unpacking process has ended early");
  }
}

async function* copyInto(channel: ByteChannel, body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  try {
    for await (const piece of body) {
      if (!(await channel.push(piece))) throw new ReaderGone();
      yield piece;
    }
  } finally {
    channel.end();
  }
}
