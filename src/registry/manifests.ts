/**
 * Manifests from a registry: a reference and a platform in, one image's manifest out, every byte verified.
 *
 * An index is followed to the platform's entry (twice at most: an index may hold one). What is asked for by digest
 * must have that digest; what is asked for by tag gets the digest of the bytes that came.
 * https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests
 */
import { BockerError } from "../errors.ts";
import { type Digest, digestMismatch, digestOf, digestProblem, verifyDigest } from "../image/digest.ts";
import {
  checkRunnable,
  type ImageIndex,
  type Manifest,
  maxManifestBytes,
  parseManifest,
  selectManifest,
} from "../image/manifest.ts";
import { bareMediaType, manifestAccept } from "../image/media-type.ts";
import type { Platform } from "../image/platform.ts";
import { familiarName, type NamedReference } from "../image/reference.ts";
import type { RegistryClient } from "./registry-client.ts";
import type { HttpResponse } from "./transport.ts";

/** A manifest or index as it was sent, verified. */
export interface FetchedManifest<T extends Manifest | ImageIndex = Manifest | ImageIndex> {
  readonly document: T;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
}

export interface ResolvedManifest {
  readonly manifest: Manifest;
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  /** What the reference itself names: the index's digest where there is one. */
  readonly topDigest: Digest;
  /** Outermost first; empty for an image of one platform. */
  readonly indexes: readonly FetchedManifest<ImageIndex>[];
}

const maxIndexDepth = 2;
const pullable = [200];

/** Finds the image that `reference` means on `platform`. Throws docker's phrases; see registry-error.ts. */
export async function resolveManifest(
  client: RegistryClient,
  reference: NamedReference,
  platform: Platform,
): Promise<ResolvedManifest> {
  const indexes: FetchedManifest<ImageIndex>[] = [];
  let fetched = await fetchManifest(client, reference, reference.digest ?? reference.tag ?? "latest");
  const topDigest = fetched.digest;
  while (fetched.document.kind === "index") {
    if (indexes.length >= maxIndexDepth) {
      throw new BockerError(`cannot pull "${familiarName(reference)}": indexes are nested too deep`, {
        kind: "corrupt",
      });
    }
    indexes.push(fetched as FetchedManifest<ImageIndex>);
    const entry = selectManifest(fetched.document, platform);
    fetched = await fetchManifest(client, reference, entry.digest);
  }
  checkRunnable(fetched.document);
  return { manifest: fetched.document, digest: fetched.digest, bytes: fetched.bytes, topDigest, indexes };
}

/** Fetches one manifest or index by tag or digest, without following it. */
export async function fetchManifest(
  client: RegistryClient,
  reference: NamedReference,
  name: string,
): Promise<FetchedManifest> {
  const what = `manifest of "${familiarName(reference)}"`;
  const response = await client.query(
    reference,
    { method: "GET", path: `manifests/${name}`, headers: { accept: manifestAccept } },
    pullable,
  );
  refusePage(what, response);
  const bytes = await response.body.bytes(what, maxManifestBytes);
  const digest = checkDigest(what, bytes, name, response.headers.get("docker-content-digest"));
  const document = parseManifest(bytes, response.headers.get("content-type") ?? "");
  return { document, digest, bytes };
}

/** The digest a tag has now, without its manifest: costs no pull where those are counted. */
export async function headManifest(
  client: RegistryClient,
  reference: NamedReference,
): Promise<Digest | undefined> {
  const path = `manifests/${reference.digest ?? reference.tag ?? "latest"}`;
  const query = { method: "HEAD", path, headers: { accept: manifestAccept } } as const;
  const response = await client.query(reference, query, pullable);
  await response.body.drain();
  const digest = response.headers.get("docker-content-digest") ?? "";
  return digestProblem(digest) === undefined ? (digest as Digest) : undefined;
}

/** A login page of a proxy or hotel network comes with status 200. */
function refusePage(what: string, response: HttpResponse): void {
  if (bareMediaType(response.headers.get("content-type") ?? "") !== "text/html") return;
  response.body.discard();
  throw new BockerError(`${what}: "${response.url.host}" sent an HTML page`, {
    kind: "corrupt",
    hint: "a proxy may have answered in the registry's place",
  });
}

function checkDigest(what: string, bytes: Uint8Array, name: string, claimed: string | null): Digest {
  if (name.includes(":")) {
    verifyDigest(what, bytes, name as Digest);
    return name as Digest;
  }
  const digest = digestOf(bytes);
  if (claimed?.startsWith("sha256:") && claimed !== digest) throw digestMismatch(what, digest, claimed);
  return digest;
}
