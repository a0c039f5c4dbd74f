/**
 * The image a user names on a command line, where it must be here already: in the store, or in the executable.
 */
import { familiarName, parseReference, withDefaultTag } from "../image/reference.ts";
import type { ImageRecord } from "../state/record.ts";
import { findLocalImage } from "../storage/local-image.ts";
import type { Engine } from "./engine.ts";
import { noSuchImage } from "./resolve-image.ts";

/** By reference, id or the beginning of one. Throws docker's `No such image: x:latest`. */
export async function findImage(engine: Engine, name: string): Promise<ImageRecord> {
  const local = findLocalImage(engine.state, name);
  if (local !== undefined) return local;
  // A malformed name gets its own error from the parser.
  const reference = withDefaultTag(parseReference(name));
  const { embeddedImage } = await import("./embedded-image.ts");
  const embedded = await embeddedImage(engine, name);
  if (embedded !== undefined) return embedded;
  throw noSuchImage(familiarName(reference));
}
