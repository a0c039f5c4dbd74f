/**
 * Blobs in the OCI image layout: written once, verified while they arrive, never changed after.
 *
 * A blob that is on its way is `tmp/blob-ALGORITHM-HEX.part`, locked by its writer, and is kept when the writer
 * dies or the line breaks: the next one hashes what is there and asks for the rest. It becomes a blob by fsync and
 * rename, once digest and size are right. https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
 */
import {
  closeSync,
  existsSync,
  fstatSync,
  fsync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { BockerError } from "../errors.ts";
import { syncFolder } from "../host/atomic-file.ts";
import type { Paths } from "../host/paths.ts";
import { randomHex } from "../host/random-id.ts";
import {
  type Digest,
  DigestHasher,
  digestAlgorithm,
  digestHex,
  digestMismatch,
  verifyDigest,
} from "../image/digest.ts";
import type { Descriptor } from "../image/manifest.ts";
import { prepareLayout } from "./oci-layout.ts";
import { lockTransient } from "./transient-lock.ts";

/**
 * Opens the bytes of a blob from `offset` on. A source that cannot start there (a server without Range) answers
 * with `offset` 0 and all of it.
 */
export type BlobSource = (offset: number) => Promise<BlobStream>;

export interface BlobStream {
  readonly offset: number;
  readonly body: AsyncIterable<Uint8Array>;
}

export interface BlobWriteOptions {
  /** Bytes on disk so far, of descriptor.size; called for each chunk and once for what a resumed part brings. */
  readonly onProgress?: (doneBytes: number) => void;
  /** Sees every byte of the blob once, in order, also those found in a part; awaited (unpacking while it arrives). */
  readonly onBytes?: (chunk: Uint8Array) => void | Promise<void>;
}

/** `present`: it was there, or somebody else finished it while we waited. */
export type BlobWriteResult = "written" | "present";

const rehashChunkBytes = 1 << 20;

/** The blobs of one state root. Holds nothing open; make one wherever it is needed. */
export class BlobStore {
  readonly #paths: Paths;

  constructor(paths: Paths) {
    this.#paths = paths;
  }

  has(digest: Digest): boolean {
    return existsSync(this.path(digest));
  }

  /** Where the blob lies or would lie. */
  path(digest: Digest): string {
    return join(this.#paths.imageLayout, "blobs", digestAlgorithm(digest), digestHex(digest));
  }

  /** Where the blob lies while it is incomplete. */
  partPath(digest: Digest): string {
    return join(this.#paths.tmp, `blob-${digestAlgorithm(digest)}-${digestHex(digest)}.part`);
  }

  /** Size in bytes of a blob that is there; undefined when it is not. */
  size(digest: Digest): number | undefined {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size;
  }

  /**
   * Stores what `source` delivers under the descriptor's digest. Of several processes (or calls) with the same
   * digest one downloads and the others wait. Throws kind `corrupt` with got and want; the part is then gone, but
   * after an error of the source it stays for the next attempt.
   */
  async write(
    descriptor: Descriptor,
    source: BlobSource,
    options: BlobWriteOptions = {},
  ): Promise<BlobWriteResult> {
    if (this.has(descriptor.digest)) return "present";
    const part = this.partPath(descriptor.digest);
    prepareLayout(this.#paths);
    mkdirSync(dirname(this.path(descriptor.digest)), { recursive: true });
    using lock = await lockTransient(part);
    if (this.has(descriptor.digest)) {
      unlinkSync(part);
      return "present";
    }
    await fillPart(lock.fd, part, descriptor, source, options);
    await fsyncAsync(lock.fd);
    renameSync(part, this.path(descriptor.digest));
    syncFolder(dirname(this.path(descriptor.digest)));
    return "written";
  }

  /** Stores bytes that are in memory: a manifest, a config. */
  async writeBytes(descriptor: Descriptor, bytes: Uint8Array): Promise<BlobWriteResult> {
    return this.write(descriptor, async () => ({ offset: 0, body: once(bytes) }));
  }

  /**
   * Stores bytes whose digest nobody has told. They are written under tmp/ and take their name when their end is
   * reached; a crash leaves a file that the sweep removes.
   */
  async importStream(
    body: AsyncIterable<Uint8Array>,
  ): Promise<{ readonly digest: Digest; readonly size: number }> {
    prepareLayout(this.#paths);
    const path = join(this.#paths.tmp, `import-${randomHex(8)}.blob`);
    using _lock = await lockTransient(path.replace(/blob$/, "lock"), { removeFile: true });
    const fd = openSync(path, "wx", 0o600);
    try {
      const hasher = new DigestHasher();
      let size = 0;
      for await (const chunk of body) {
        writeFully(fd, chunk, size);
        hasher.update(chunk);
        size += chunk.byteLength;
      }
      const digest = hasher.digest();
      if (!this.has(digest)) await this.#adopt(fd, path, digest);
      return { digest, size };
    } finally {
      closeSync(fd);
      rmSync(path, { force: true });
    }
  }

  /** Makes a file of the same file system a blob. The caller has hashed it; it is moved, or left when there is one. */
  async adoptFile(path: string, digest: Digest): Promise<void> {
    if (this.has(digest)) return;
    const fd = openSync(path, "r");
    try {
      await this.#adopt(fd, path, digest);
    } finally {
      closeSync(fd);
    }
  }

  async #adopt(fd: number, path: string, digest: Digest): Promise<void> {
    mkdirSync(dirname(this.path(digest)), { recursive: true });
    await fsyncAsync(fd);
    renameSync(path, this.path(digest));
    syncFolder(dirname(this.path(digest)));
  }

  /** Reads a small blob whole and verifies it. Throws kind `not-found` or `corrupt`, naming the blob. */
  readBytes(digest: Digest, maxBytes: number): Buffer {
    const size = this.size(digest);
    if (size === undefined) throw missingBlob(digest);
    if (size > maxBytes) {
      throw new BockerError(`blob ${digest}: ${size} bytes are more than ${maxBytes}`, { kind: "corrupt" });
    }
    const bytes = readFileSync(this.path(digest));
    verifyDigest(`blob ${digest}`, bytes, digest);
    return bytes;
  }
}

/** Without node:util, which takes 0.6 ms to load: this module is on the way of every run. */
function fsyncAsync(fd: number): Promise<void> {
  return new Promise((resolve, reject) => fsync(fd, (error) => (error ? reject(error) : resolve())));
}

/** Brings the part to its full size and checks it. */
async function fillPart(
  fd: number,
  part: string,
  descriptor: Descriptor,
  source: BlobSource,
  options: BlobWriteOptions,
): Promise<void> {
  const hasher = new DigestHasher(digestAlgorithm(descriptor.digest));
  const found = usableBytes(fd, descriptor.size);
  const stream = found === descriptor.size && found > 0 ? undefined : await source(found);
  if (stream !== undefined && stream.offset !== found && stream.offset !== 0) {
    throw new BockerError(`blob ${descriptor.digest}: sent from byte ${stream.offset}, asked for ${found}`, {
      kind: "corrupt",
    });
  }
  const kept = stream?.offset ?? found;
  ftruncateSync(fd, kept);
  await rehash(fd, kept, hasher, options);
  if (stream !== undefined) await appendStream(fd, kept, stream.body, part, descriptor, hasher, options);
  const got = hasher.digest();
  if (got === descriptor.digest) return;
  unlinkSync(part);
  throw digestMismatch(`blob ${descriptor.digest}`, got, descriptor.digest);
}

/** A part longer than the blob can only be wrong. */
function usableBytes(fd: number, wantBytes: number): number {
  const { size } = fstatSync(fd);
  return size > wantBytes ? 0 : size;
}

async function rehash(
  fd: number,
  bytes: number,
  hasher: DigestHasher,
  options: BlobWriteOptions,
): Promise<void> {
  for (let offset = 0; offset < bytes; ) {
    const buffer = Buffer.allocUnsafe(Math.min(rehashChunkBytes, bytes - offset));
    const count = readSync(fd, buffer, 0, buffer.length, offset);
    if (count === 0) throw new BockerError("a partial download shrank while it was read", { kind: "host" });
    const chunk = buffer.subarray(0, count);
    hasher.update(chunk);
    await options.onBytes?.(chunk);
    offset += count;
  }
  if (bytes > 0) options.onProgress?.(bytes);
}

async function appendStream(
  fd: number,
  start: number,
  body: AsyncIterable<Uint8Array>,
  part: string,
  descriptor: Descriptor,
  hasher: DigestHasher,
  options: BlobWriteOptions,
): Promise<void> {
  let offset = start;
  for await (const chunk of body) {
    if (offset + chunk.byteLength > descriptor.size) {
      unlinkSync(part);
      throw sizeMismatch(descriptor, `more than ${descriptor.size}`);
    }
    writeFully(fd, chunk, offset);
    hasher.update(chunk);
    offset += chunk.byteLength;
    options.onProgress?.(offset);
    await options.onBytes?.(chunk);
  }
  if (offset < descriptor.size) throw sizeMismatch(descriptor, String(offset));
}

function writeFully(fd: number, chunk: Uint8Array, offset: number): void {
  for (let done = 0; done < chunk.byteLength; ) {
    done += writeSync(fd, chunk, done, chunk.byteLength - done, offset + done);
  }
}

function sizeMismatch(descriptor: Descriptor, got: string): BockerError {
  return new BockerError(
    `blob ${descriptor.digest}: size mismatch: got ${got} bytes, want ${descriptor.size}`,
    {
      kind: "corrupt",
      details: { got, want: descriptor.size },
    },
  );
}

function missingBlob(digest: Digest): BockerError {
  return new BockerError(`blob ${digest} is not in the store`, {
    kind: "not-found",
    hint: "the store is damaged or was cleaned by another tool; pull the image again",
  });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  if (bytes.byteLength > 0) yield bytes;
}
