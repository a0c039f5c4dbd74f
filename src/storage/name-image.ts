/**
 * A name for an image of the store, in the database and in the layout's index.
 */
import type { Digest } from "../image/digest.ts";
import { maxManifestBytes, parseManifest } from "../image/manifest.ts";
import { setTag, tagsOfImage } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import { BlobStore } from "./blob-store.ts";
import type { ImageStore } from "./local-image.ts";
import { setLayoutTag } from "./oci-layout.ts";

/** Points `reference` (canonical, with a tag) at the image, away from whatever it named. It may have it already. */
export async function nameImage(store: ImageStore, image: ImageRecord, reference: string): Promise<void> {
  // What is known of it beside the name (the registry's digest) stays.
  if (tagsOfImage(store.state, image.id).some((tag) => tag.reference === reference)) return;
  const digest = image.manifestDigest as Digest;
  const bytes = new BlobStore(store.paths).readBytes(digest, maxManifestBytes);
  setTag(store.state, { reference, imageId: image.id });
  await setLayoutTag(store.paths, reference, {
    mediaType: parseManifest(bytes).mediaType,
    digest,
    size: bytes.length,
  });
}
