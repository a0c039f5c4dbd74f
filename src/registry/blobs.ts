/**
 * Blobs from a registry, as streams: cut at their size, resumed where the line broke.
 *
 * The digest is checked by whoever keeps the bytes (storage hashes while it writes, what an earlier run left
 * included), except for small ones, which come whole and verified. Never more bytes than the descriptor says.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-blobs
 */
import { BockerError } from "../errors.ts";
import { verifyDigest } from "../image/digest.ts";
import type { Descriptor } from "../image/manifest.ts";
import { isForeignLayer } from "../image/media-type.ts";
import type { ImageReference } from "../image/reference.ts";
import type { RegistryClient } from "./registry-client.ts";
import type { HttpResponse } from "./transport.ts";
import { TransportError } from "./transport-error.ts";

export interface BlobRequest {
  /** Bytes that are there already; the stream begins after them. */
  readonly offset?: number;
  /** Hears of each interruption that is bridged. */
  readonly onRetry?: (error: TransportError) => void;
  /** Ends the stream with the signal's reason, also while it waits for data. */
  readonly signal?: AbortSignal;
}

/** Interruptions in a row without a byte in between before the blob is given up. */
const maxIdleResumes = 4;

/**
 * The bytes of a blob from `offset` to its end, exactly. Broken lines are bridged with Range requests. Throws
 * RegistryError, TransportError, or kind `corrupt` for a body that is too short or too long.
 */
export async function* fetchBlob(
  client: RegistryClient,
  reference: ImageReference,
  blob: Descriptor,
  request: BlobRequest = {},
): AsyncGenerator<Uint8Array, void, void> {
  refuseForeign(blob);
  let at = request.offset ?? 0;
  for (let idle = 0; at < blob.size || blob.size === 0; ) {
    const before = at;
    try {
      for await (const chunk of readFrom(client, reference, blob, at, request.signal)) {
        at += chunk.byteLength;
        yield chunk;
      }
      return;
    } catch (error) {
      request.signal?.throwIfAborted();
      if (!(error instanceof TransportError) || !error.temporary) throw error;
      idle = at > before ? 0 : idle + 1;
      if (idle >= maxIdleResumes) throw error;
      request.onRetry?.(error);
    }
  }
}

/** A blob that is small by its nature (an image config), whole and verified. */
export async function fetchSmallBlob(
  client: RegistryClient,
  reference: ImageReference,
  blob: Descriptor,
  limitBytes: number,
): Promise<Uint8Array> {
  if (blob.size > limitBytes) {
    throw new BockerError(`blob ${blob.digest} of ${blob.size} bytes is larger than ${limitBytes}`, {
      kind: "corrupt",
    });
  }
  const bytes = Buffer.concat(await Array.fromAsync(fetchBlob(client, reference, blob)));
  verifyDigest(`blob ${blob.digest}`, bytes, blob.digest);
  return bytes;
}

/** One response's worth: from `at` on, whether or not the server honours Range. */
async function* readFrom(
  client: RegistryClient,
  reference: ImageReference,
  blob: Descriptor,
  at: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array, void, void> {
  signal?.throwIfAborted();
  const headers: Record<string, string> = at > 0 ? { range: `bytes=${at}-` } : {};
  const query = { method: "GET", path: `blobs/${blob.digest}`, headers } as const;
  const response = await client.query(reference, query, at > 0 ? [200, 206] : [200]);
  let position = response.status === 206 ? rangeStart(blob, response, at) : 0;
  checkLength(blob, response, position);
  const stop = () => response.body.discard();
  signal?.addEventListener("abort", stop);
  try {
    for await (const chunk of response.body.chunks()) {
      const end = position + chunk.byteLength;
      if (end > blob.size) throw wrongSize(blob, "more");
      if (end > at) yield position >= at ? chunk : chunk.subarray(at - position);
      position = end;
    }
  } finally {
    signal?.removeEventListener("abort", stop);
  }
  if (position < blob.size) throw wrongSize(blob, String(position));
}

function rangeStart(blob: Descriptor, response: HttpResponse, at: number): number {
  const range = response.headers.get("content-range") ?? "";
  const start = Number(/^bytes (\d+)-/.exec(range)?.[1] ?? Number.NaN);
  if (start <= at) return start;
  response.body.discard();
  throw new BockerError(`blob ${blob.digest}: registry sent range "${range.slice(0, 80)}" for byte ${at}`, {
    kind: "corrupt",
  });
}

function checkLength(blob: Descriptor, response: HttpResponse, position: number): void {
  const header = response.headers.get("content-length");
  if (header === null || position + Number(header) === blob.size) return;
  response.body.discard();
  throw wrongSize(blob, String(position + Number(header)));
}

function wrongSize(blob: Descriptor, got: string): BockerError {
  return new BockerError(`blob ${blob.digest}: size mismatch: got ${got} bytes, want ${blob.size}`, {
    kind: "corrupt",
    details: { digest: blob.digest, want: blob.size },
  });
}

function refuseForeign(blob: Descriptor): void {
  if (!isForeignLayer(blob.mediaType)) return;
  throw new BockerError(`layer ${blob.digest} is foreign (media type "${blob.mediaType}")`, {
    kind: "unsupported",
    hint: "such layers may only be fetched from their vendor",
  });
}
