/**
 * `tag`: another name for an image that is here.
 */
import { BockerError } from "../errors.ts";
import type { Digest } from "../image/digest.ts";
import { maxManifestBytes, parseManifest } from "../image/manifest.ts";
import { canonicalName, familiarName, parseReference, withDefaultTag } from "../image/reference.ts";
import { appendEvent } from "../state/event.ts";
import { setTag, tagsOfImage } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import { BlobStore } from "../storage/blob-store.ts";
import { setLayoutTag } from "../storage/oci-layout.ts";
import { holdStore } from "../storage/store-hold.ts";
import type { Engine } from "./engine.ts";
import { findImage } from "./find-image.ts";

/**
 * Points `target` (no tag: `latest`) at the image that `source` names, away from whatever it named. Throws docker's
 * phrases for a source that is not here and a target that has a digest.
 */
export async function tagImage(engine: Engine, source: string, target: string): Promise<void> {
  const asked = parseReference(target);
  if (asked.digest !== undefined) {
    throw new BockerError("refusing to create a tag with a digest reference", { kind: "invalid-reference" });
  }
  const named = withDefaultTag(asked);
  using _hold = await holdStore(engine.paths);
  const image = await findImage(engine, source);
  const reference = canonicalName(named);
  engine.state.transaction(() => {
    setTag(engine.state, { reference, imageId: image.id, ...digestOfNeighbour(engine, image, reference) });
    const name = familiarName(named);
    appendEvent(engine.state, { type: "image", action: "tag", id: image.id, attributes: { name } });
  });
  await setLayoutTag(engine.paths, reference, manifestOf(engine, image));
}

/** A digest is known for a repository: another tag of the image in it has the same. */
function digestOfNeighbour(engine: Engine, image: ImageRecord, reference: string) {
  const { registry, repository } = parseReference(reference);
  const known = tagsOfImage(engine.state, image.id)
    .flatMap(({ repoDigest }) => (repoDigest === undefined ? [] : [repoDigest]))
    .find((digest) => digest.startsWith(`${registry}/${repository}@`));
  return known === undefined ? {} : { repoDigest: known };
}

function manifestOf(engine: Engine, image: ImageRecord) {
  const digest = image.manifestDigest as Digest;
  const bytes = new BlobStore(engine.paths).readBytes(digest, maxManifestBytes);
  return { mediaType: parseManifest(bytes).mediaType, digest, size: bytes.byteLength };
}
