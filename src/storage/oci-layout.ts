/**
 * The two small files that make `image/` an OCI image layout which skopeo and umoci read as it lies.
 *
 *   image/oci-layout    {"imageLayoutVersion":"1.0.0"}
 *   image/index.json    a descriptor a tag, the canonical reference in org.opencontainers.image.ref.name
 *
 * The database decides what is tagged; index.json follows it for other tools and is never read as truth.
 * https://github.com/opencontainers/image-spec/blob/v1.1.0/image-layout.md
 */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { writeFileAtomic } from "../host/atomic-file.ts";
import type { Paths } from "../host/paths.ts";
import type { Descriptor } from "../image/manifest.ts";
import { MediaType } from "../image/media-type.ts";
import { lockTransient } from "./transient-lock.ts";

const refName = "org.opencontainers.image.ref.name";

interface LayoutIndex {
  readonly schemaVersion: 2;
  readonly mediaType: string;
  readonly manifests: readonly Descriptor[];
}

/** Makes the directories and files of an empty store; one stat when they are there. */
export function prepareLayout(paths: Paths): void {
  const marker = join(paths.imageLayout, "oci-layout");
  if (existsSync(marker) && existsSync(paths.tmp)) return;
  mkdirSync(paths.tmp, { recursive: true, mode: 0o700 });
  mkdirSync(paths.layers, { recursive: true, mode: 0o700 });
  mkdirSync(paths.blobs, { recursive: true, mode: 0o700 });
  if (!existsSync(indexPath(paths))) writeIndex(paths, []);
  writeFileAtomic(marker, '{"imageLayoutVersion":"1.0.0"}');
}

/** Points `reference` at a manifest, in place of what it pointed at. */
export async function setLayoutTag(paths: Paths, reference: string, manifest: Descriptor): Promise<void> {
  const { mediaType, digest, size } = manifest;
  const entry = { mediaType, digest, size, annotations: { [refName]: reference } };
  await changeIndex(paths, (manifests) => [...manifests.filter((item) => !isTag(item, reference)), entry]);
}

/** Forgets references; unknown ones are no error. */
export async function removeLayoutTags(paths: Paths, references: readonly string[]): Promise<void> {
  const gone = new Set(references);
  await changeIndex(paths, (list) => list.filter((item) => !gone.has(item.annotations?.[refName] ?? "")));
}

/** What index.json says now; a missing or damaged file is an empty list. */
export function readLayoutIndex(paths: Paths): readonly Descriptor[] {
  try {
    const index = JSON.parse(readFileSync(indexPath(paths), "utf8")) as Partial<LayoutIndex>;
    return Array.isArray(index.manifests) ? index.manifests : [];
  } catch {
    return [];
  }
}

async function changeIndex(
  paths: Paths,
  change: (manifests: readonly Descriptor[]) => readonly Descriptor[],
): Promise<void> {
  prepareLayout(paths);
  using _lock = await lockTransient(join(paths.tmp, "index.lock"));
  const before = readLayoutIndex(paths);
  const after = change(before);
  if (!Bun.deepEquals(before, after)) writeIndex(paths, after);
}

function writeIndex(paths: Paths, manifests: readonly Descriptor[]): void {
  const index: LayoutIndex = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests };
  writeFileAtomic(indexPath(paths), JSON.stringify(index));
}

function indexPath(paths: Paths): string {
  return join(paths.imageLayout, "index.json");
}

function isTag(descriptor: Descriptor, reference: string): boolean {
  return descriptor.annotations?.[refName] === reference;
}
