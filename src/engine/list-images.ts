/**
 * Images and their tags as rows: what `images` shows and `inspect` begins with.
 */
import { familiarRepository, splitCanonicalName } from "../image/reference.ts";
import { countImageUses, listImages, listTags } from "../state/image.ts";
import type { ImageRecord, TagRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";

export interface ImageRow {
  readonly image: ImageRecord;
  /** `alpine`; `<none>` for an image without a tag. */
  readonly repository: string;
  readonly tag: string;
  /** `sha256:…` of the registry's manifest; `<none>` for what was made here. */
  readonly digest: string;
}

const none = "<none>";

/** One row a tag, newest image first; an image without tags has one row of its own. */
export function loadImageRows(engine: Engine): readonly ImageRow[] {
  const tags = Map.groupBy(listTags(engine.state), (tag) => tag.imageId);
  return listImages(engine.state)
    .toSorted((left, right) => right.createdAtMs - left.createdAtMs)
    .flatMap((image) => rowsOf(image, tags.get(image.id) ?? []));
}

/** Image id to the number of its containers, running or not. */
export function loadImageUses(engine: Engine): ReadonlyMap<string, number> {
  return countImageUses(engine.state);
}

function rowsOf(image: ImageRecord, tags: readonly TagRecord[]): readonly ImageRow[] {
  if (tags.length === 0) return [{ image, repository: none, tag: none, digest: none }];
  return tags.map((tag) => {
    const reference = splitCanonicalName(tag.reference);
    return {
      image,
      repository: familiarRepository(reference),
      tag: reference.tag ?? none,
      digest: tag.repoDigest?.slice(tag.repoDigest.indexOf("@") + 1) ?? none,
    };
  });
}
