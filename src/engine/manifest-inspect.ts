/**
 * `manifest inspect`: what a registry has under a name, without pulling it.
 */
import { BockerError } from "../errors.ts";
import type { Digest } from "../image/digest.ts";
import { parseImageConfig } from "../image/image-config.ts";
import { type Descriptor, type Manifest, maxConfigBytes } from "../image/manifest.ts";
import { MediaType } from "../image/media-type.ts";
import { canonicalName, familiarName, type NamedReference } from "../image/reference.ts";
import { fetchSmallBlob } from "../registry/blobs.ts";
import { type FetchedManifest, fetchManifest } from "../registry/manifests.ts";
import { createRegistryClient, type RegistryClient } from "../registry/registry-client.ts";
import { RegistryError } from "../registry/registry-error.ts";
import type { RegistrySettings } from "../registry/registry-settings.ts";
import type { JsonObject } from "./inspect-host-config.ts";

export interface InspectedManifest {
  readonly isIndex: boolean;
  /** The document as the registry sent it, parsed. */
  readonly document: unknown;
}

/** docker's VerboseManifest: a document with its descriptor. */
export type VerboseManifest = JsonObject;

/** The document that the reference names. Throws docker's `no such manifest: x`. */
export async function inspectManifest(
  settings: RegistrySettings,
  reference: NamedReference,
): Promise<InspectedManifest> {
  const client = createRegistryClient(reference.registry, settings);
  const fetched = await fetchNamed(client, reference);
  return { isIndex: fetched.document.kind === "index", document: parse(fetched) };
}

/** The same with descriptors and platforms: one, or a list for an index. */
export async function inspectManifestVerbose(
  settings: RegistrySettings,
  reference: NamedReference,
): Promise<VerboseManifest | readonly VerboseManifest[]> {
  const client = createRegistryClient(reference.registry, settings);
  const fetched = await fetchNamed(client, reference);
  if (fetched.document.kind === "manifest") {
    const platform = await platformOf(client, reference, fetched.document);
    return verbose(canonicalName(reference), describe(fetched), platform, fetched);
  }
  const entries: VerboseManifest[] = [];
  for (const entry of fetched.document.manifests) {
    const child = await fetchManifest(client, reference, entry.digest);
    const name = `${canonicalName(reference)}@${entry.digest}`;
    entries.push(verbose(name, entry, entry.platform, child));
  }
  return entries;
}

async function fetchNamed(client: RegistryClient, reference: NamedReference): Promise<FetchedManifest> {
  try {
    return await fetchManifest(client, reference, reference.digest ?? reference.tag ?? "latest");
  } catch (error) {
    if (!(error instanceof RegistryError && error.status === 404)) throw error;
    throw new BockerError(`no such manifest: ${familiarName(reference)}`, {
      kind: "not-found",
      cause: error,
    });
  }
}

/** Only the image's config says what a single manifest is for; an artifact's says nothing. */
async function platformOf(client: RegistryClient, reference: NamedReference, manifest: Manifest) {
  const { mediaType } = manifest.config;
  if (mediaType !== MediaType.ociConfig && mediaType !== MediaType.dockerConfig) return undefined;
  const bytes = await fetchSmallBlob(client, reference, manifest.config, maxConfigBytes);
  const { os, architecture, variant } = parseImageConfig(bytes);
  return { architecture, os, ...(variant === undefined ? {} : { variant }) };
}

function describe(fetched: FetchedManifest): Descriptor {
  const { document, digest, bytes } = fetched;
  return { mediaType: document.mediaType, digest: digest as Digest, size: bytes.byteLength };
}

function verbose(
  name: string,
  { mediaType, digest, size }: Descriptor,
  platform: Descriptor["platform"],
  fetched: FetchedManifest,
): VerboseManifest {
  const isDocker = fetched.document.mediaType === MediaType.dockerManifest;
  return {
    Ref: name,
    Descriptor: { mediaType, digest, size, ...(platform === undefined ? {} : { platform }) },
    Raw: Buffer.from(fetched.bytes).toString("base64"),
    [isDocker ? "SchemaV2Manifest" : "OCIManifest"]: parse(fetched),
  };
}

function parse(fetched: FetchedManifest): unknown {
  return JSON.parse(Buffer.from(fetched.bytes).toString("utf8"));
}
