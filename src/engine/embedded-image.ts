/**
 * The image that the executable carries, found by the name a user gives it.
 */
import { canonicalName, parseReference, withDefaultTag } from "../image/reference.ts";
import type { ImageRecord } from "../state/record.ts";
import { isEmbedded, storeEmbeddedImage } from "../storage/embedded-image.ts";
import type { ImageStore } from "../storage/local-image.ts";

/** Puts the embedded image into the store if `name` (a valid reference) means it; undefined when it does not. */
export async function embeddedImage(store: ImageStore, name: string): Promise<ImageRecord | undefined> {
  const reference = canonicalName(withDefaultTag(parseReference(name)));
  return isEmbedded(reference) ? storeEmbeddedImage(store) : undefined;
}
