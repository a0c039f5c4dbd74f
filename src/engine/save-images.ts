/**
 * `save`: images with their names as an archive or an OCI layout directory.
 */
import { digestProblem } from "../image/digest.ts";
import { canonicalName, familiarRepository, isReference, parseReference } from "../image/reference.ts";
import { findImageByReference, listTags } from "../state/image.ts";
import type { ImageRecord } from "../state/record.ts";
import { type BundledImage, planBundle } from "../storage/image-bundle.ts";
import { holdStore } from "../storage/store-hold.ts";
import { packBundle, writeBundle } from "../storage/write-bundle.ts";
import { type ArchivePlace, openPlace } from "./archive-place.ts";
import type { Engine } from "./engine.ts";
import { findImage } from "./find-image.ts";

export type ArchiveFormat = "docker-archive" | "oci-archive";

/** Writes an archive with all that `names` mean. Throws docker's `No such image: x`. */
export async function saveArchive(
  engine: Engine,
  names: readonly string[],
  format: ArchiveFormat,
  place: ArchivePlace,
): Promise<void> {
  const images = await findBundled(engine, names);
  using _hold = await holdStore(engine.paths);
  const files = planBundle(engine, images, { forDocker: format === "docker-archive" });
  await openPlace(place).writeAll(packBundle(files));
}

/** Writes an OCI layout into `directory`, which must not be there, or empty. */
export async function saveLayout(engine: Engine, names: readonly string[], directory: string): Promise<void> {
  const images = await findBundled(engine, names);
  using _hold = await holdStore(engine.paths);
  writeBundle(engine.paths, planBundle(engine, images, { forDocker: false }), directory);
}

/** docker's rule: a name with a tag is that one, a name without is all tags of the repository, an id has no name. */
async function findBundled(engine: Engine, names: readonly string[]): Promise<readonly BundledImage[]> {
  const found = new Map<string, { readonly image: ImageRecord; readonly names: Set<string> }>();
  for (const name of names) {
    for (const { image, reference } of await resolveName(engine, name)) {
      const entry = found.get(image.id) ?? { image, names: new Set<string>() };
      found.set(image.id, entry);
      if (reference !== undefined) entry.names.add(reference);
    }
  }
  return [...found.values()].map((entry) => ({ image: entry.image, names: [...entry.names] }));
}

async function resolveName(
  engine: Engine,
  name: string,
): Promise<readonly { readonly image: ImageRecord; readonly reference?: string }[]> {
  const isId = digestProblem(name) === undefined;
  const asked = isReference(name) && !isId ? parseReference(name) : undefined;
  if (asked === undefined || asked.digest !== undefined) return [{ image: await findImage(engine, name) }];
  if (asked.tag !== undefined) {
    return [{ image: await findImage(engine, name), reference: canonicalName(asked) }];
  }
  const tagged = tagsOfRepository(engine, familiarRepository(asked));
  if (tagged.length > 0) return tagged;
  const image = await findImage(engine, name);
  // The embedded image has got its name just now; an id has none.
  const named = tagsOfRepository(engine, familiarRepository(asked));
  return named.length > 0 ? named : [{ image }];
}

function tagsOfRepository(engine: Engine, repository: string) {
  return listTags(engine.state).flatMap(({ reference }) => {
    const parsed = parseReference(reference);
    if (familiarRepository(parsed) !== repository || parsed.tag === undefined) return [];
    const image = findImageByReference(engine.state, reference);
    return image === undefined ? [] : [{ image, reference }];
  });
}
