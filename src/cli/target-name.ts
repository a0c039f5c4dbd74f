/**
 * The name that commit, import and init give an image: a repository and a tag, or none at all.
 */
import { BockerError } from "../errors.ts";
import { type NamedReference, parseReference, withDefaultTag } from "../image/reference.ts";

/** No tag means `latest`; an empty or missing name none. Throws docker's phrase for a digest. */
export function parseTargetName(text: string | undefined): NamedReference | undefined {
  if (text === undefined || text === "") return undefined;
  const reference = parseReference(text);
  if (reference.digest === undefined) return withDefaultTag(reference);
  throw new BockerError("cannot import digest reference", { kind: "invalid-reference" });
}
