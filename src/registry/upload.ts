/**
 * Blobs into a registry: asked for first, mounted from a neighbour where that will do, else sent, and gone on with
 * where the line broke.
 *
 *   HEAD blob ─200─▶ exists        POST uploads/?mount=… ─201─▶ mounted
 *                                       │202: an upload with an address
 *                                       ▼
 *                       PATCH the bytes ──broken──▶ GET the address: how many came? ──▶ PATCH the rest
 *                                       ▼
 *                                  PUT ?digest=…  ─201─▶ uploaded
 *
 * Small blobs go in the body of the PUT. https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#push
 */
import { createReadStream } from "node:fs";
import { BockerError } from "../errors.ts";
import { type Digest, digestMismatch } from "../image/digest.ts";
import type { ImageReference, Repository } from "../image/reference.ts";
import type { RegistryClient } from "./registry-client.ts";
import { RegistryError } from "./registry-error.ts";
import {
  backoffMs,
  type HttpResponse,
  isTemporaryStatus,
  redirectTarget,
  retryAfterMs,
} from "./transport.ts";
import { TransportError } from "./transport-error.ts";

/** A blob in a file. */
export interface UploadSource {
  readonly digest: Digest;
  /** Bytes. */
  readonly size: number;
  readonly path: string;
}

export interface UploadOptions {
  /** A repository of the same registry that is thought to have the blob. */
  readonly mountFrom?: Repository;
  /** Bytes that have gone out so far; falls when a broken line took some along. */
  readonly onProgress?: (doneBytes: number) => void;
}

export type UploadResult = "exists" | "mounted" | "uploaded";

/** One upload as the registry knows it. */
interface Session {
  readonly address: URL;
  /** Bytes that the registry has. */
  readonly offset: number;
}

/** Up to here one request more costs more than sending the bytes again would. */
const monolithicBytes = 64 * 1024;
const readBytes = 1024 * 1024;
/** A registry over object storage copies a large blob before it answers: so many times the usual patience. */
const storingPatience = 10;
/** Interruptions of one blob that are bridged, whatever progress there is between them. */
const maxInterruptions = 100;

/** Makes the registry have the blob. Throws RegistryError, TransportError, or kind `corrupt` for answers that make no sense. */
export async function uploadBlob(
  client: RegistryClient,
  reference: ImageReference,
  source: UploadSource,
  options: UploadOptions = {},
): Promise<UploadResult> {
  const upload = new Upload(client, reference, source, options);
  if (await upload.exists()) return "exists";
  const begun = await upload.begin(options.mountFrom);
  if (begun === "mounted") return "mounted";
  await carryThrough(upload, begun, client.timing.attempts);
  return "uploaded";
}

/** Sends the bytes, and again what of them got lost, until the registry has the blob or there is no hope. */
async function carryThrough(upload: Upload, begun: Session, attempts: number): Promise<void> {
  let session: Session | undefined = begun;
  for (let idle = 0, count = 1; ; count++) {
    const before = session?.offset ?? 0;
    try {
      session ??= await upload.beginAgain();
      return await upload.complete(session);
    } catch (error) {
      idle += 1;
      const hopeless = idle >= attempts || count >= maxInterruptions;
      if (hopeless || !(await upload.waitAfter(error, idle, session !== undefined))) throw error;
      // The last request may have done its work, and only the answer was lost.
      if (await upload.exists()) return;
      session = session === undefined ? undefined : await upload.find(session);
      if ((session?.offset ?? 0) > before) idle = 0;
    }
  }
}

class Upload {
  constructor(
    private readonly client: RegistryClient,
    private readonly reference: ImageReference,
    private readonly source: UploadSource,
    private readonly options: UploadOptions,
  ) {}

  async exists(): Promise<boolean> {
    const { digest } = this.source;
    const response = await this.client.write(
      this.reference,
      { method: "HEAD", target: `blobs/${digest}` },
      [200, 404],
    );
    await response.body.drain();
    return response.status === 200;
  }

  /** Opens an upload; where the registry has the blob in `mountFrom`, none is needed. */
  async begin(mountFrom?: Repository): Promise<Session | "mounted"> {
    const mount = new URLSearchParams({ mount: this.source.digest, from: mountFrom ?? "" });
    const response = await this.client.write(
      this.reference,
      {
        method: "POST",
        target: mountFrom === undefined ? "blobs/uploads/" : `blobs/uploads/?${mount}`,
        ...(mountFrom === undefined ? {} : { mountFrom }),
      },
      mountFrom === undefined ? [202] : [201, 202],
    );
    await response.body.drain();
    if (response.status === 201) return "mounted";
    return { address: this.addressIn(response), offset: 0 };
  }

  async beginAgain(): Promise<Session> {
    const session = await this.begin();
    if (session === "mounted") throw this.nonsense("answers an upload with a mount");
    return session;
  }

  /** Sends what the registry has not, and closes the upload. */
  async complete(session: Session): Promise<void> {
    let current = session;
    const { size } = this.source;
    const isWhole = size <= monolithicBytes && session.offset === 0;
    if (!isWhole) while (current.offset < size) current = await this.#patch(current);
    // The rest of the query may be signed: it stays as it was sent.
    const address = new URL(current.address);
    address.search += `${address.search === "" ? "?" : "&"}digest=${encodeURIComponent(this.source.digest)}`;
    const response = await this.client.write(
      this.reference,
      {
        method: "PUT",
        target: address,
        headers: { "content-type": "application/octet-stream" },
        body: isWhole ? this.#bytesFrom(0) : "",
        attempts: 1,
        answerMs: this.client.timing.headersMs * storingPatience,
      },
      [201, 204],
    );
    await response.body.drain();
    const claimed = response.headers.get("docker-content-digest");
    if (claimed !== null && claimed !== this.source.digest)
      throw digestMismatch(`blob ${this.source.digest}`, claimed, this.source.digest);
  }

  /** Asks how much of a broken upload has come; undefined: the registry has given it up. */
  async find(session: Session): Promise<Session | undefined> {
    const response = await this.client.write(
      this.reference,
      { method: "GET", target: session.address },
      [204, 202, 200, 404, 400],
    );
    await response.body.drain();
    if (response.status === 404 || response.status === 400) return undefined;
    const found = this.#sessionIn(response, 0, session.address);
    return found.offset > this.source.size ? undefined : found;
  }

  /** Waits as long as is due after an error that may pass; false at once for one that will not. */
  async waitAfter(error: unknown, failures: number, hadSession: boolean): Promise<boolean> {
    const { timing } = this.client;
    let asked: number | undefined;
    if (error instanceof RegistryError) {
      const lost = hadSession && (error.status === 404 || error.status === 416);
      if (!lost && !isTemporaryStatus(error.status)) return false;
      asked = retryAfterMs(error.retryAfter, Date.now());
      if (asked !== undefined && asked > timing.maxPauseMs) return false;
    } else if (!(error instanceof TransportError && error.temporary)) return false;
    await Bun.sleep(asked ?? backoffMs(failures, timing.backoffMs, timing.maxPauseMs));
    return true;
  }

  addressIn(response: HttpResponse): URL {
    const location = response.headers.get("location");
    if (location === null) throw this.nonsense("gives no address to upload to");
    return redirectTarget(response.url, location, this.reference.registry);
  }

  nonsense(what: string): BockerError {
    return new BockerError(
      `cannot push blob ${this.source.digest}: registry "${this.reference.registry}" ${what}`,
      {
        kind: "corrupt",
      },
    );
  }

  async #patch(session: Session): Promise<Session> {
    const { size } = this.source;
    const response = await this.client.write(
      this.reference,
      {
        method: "PATCH",
        target: session.address,
        headers: {
          "content-type": "application/octet-stream",
          ...(session.offset === 0 ? {} : { "content-range": `${session.offset}-${size - 1}` }),
        },
        body: this.#bytesFrom(session.offset),
        attempts: 1,
        answerMs: this.client.timing.headersMs * storingPatience,
      },
      [202, 204, 201],
    );
    await response.body.drain();
    const next = this.#sessionIn(response, size, session.address);
    if (next.offset <= session.offset || next.offset > size)
      throw this.nonsense(`says it has ${next.offset} bytes after ${size} were sent`);
    return next;
  }

  /** Reads `Range: 0-1023`: 1024 bytes are there. */
  #sessionIn(response: HttpResponse, assumed: number, address: URL): Session {
    const range = response.headers.get("range");
    const last = /^(?:bytes=)?0-(\d{1,15})$/.exec(range ?? "")?.[1];
    if (range !== null && last === undefined) throw this.nonsense(`sends the range "${range.slice(0, 80)}"`);
    const named = response.headers.get("location") === null ? address : this.addressIn(response);
    // "0-0" is what Docker's registry says of an empty upload.
    const offset = last === undefined ? assumed : last === "0" ? 0 : Number(last) + 1;
    return { address: named, offset };
  }

  #bytesFrom(start: number) {
    const { path, size } = this.source;
    const { onProgress } = this.options;
    return {
      sizeBytes: size - start,
      async *open(): AsyncGenerator<Uint8Array, void, void> {
        if (size === start) return;
        let done = start;
        onProgress?.(done);
        const stream = createReadStream(path, { start, end: size - 1, highWaterMark: readBytes });
        for await (const chunk of stream as AsyncIterable<Buffer>) {
          yield chunk;
          done += chunk.byteLength;
          onProgress?.(done);
        }
      },
    };
  }
}

/** Stores a manifest under a tag or digest. Throws when the registry says it has another digest. */
export async function uploadManifest(
  client: RegistryClient,
  reference: ImageReference,
  name: string,
  manifest: { readonly mediaType: string; readonly digest: Digest; readonly bytes: Uint8Array<ArrayBuffer> },
): Promise<void> {
  const response = await client.write(
    reference,
    {
      method: "PUT",
      target: `manifests/${name}`,
      headers: { "content-type": manifest.mediaType },
      body: manifest.bytes,
    },
    [201, 200, 202],
  );
  await response.body.drain();
  const claimed = response.headers.get("docker-content-digest");
  if (claimed !== null && claimed !== manifest.digest)
    throw digestMismatch("the pushed manifest", claimed, manifest.digest);
}
