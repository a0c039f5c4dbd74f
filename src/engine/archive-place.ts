/**
 * Where a user wants an archive: in a file, or through a descriptor of this process.
 */
import { type ByteTarget, descriptorTarget, fileTarget } from "../storage/byte-target.ts";

/** A descriptor stays the caller's. */
export type ArchivePlace = { readonly file: string } | { readonly fd: number };

export function openPlace(place: ArchivePlace): ByteTarget {
  return "file" in place ? fileTarget(place.file) : descriptorTarget(place.fd);
}
