/**
 * `pull --all-tags`: every tag that a repository has, one after the other.
 */
import { familiarRepository, type ImageReference, parseTag } from "../image/reference.ts";
import { listRemoteTags } from "../registry/listing.ts";
import { createRegistryClient } from "../registry/registry-client.ts";
import { type PullDeps, type PullOptions, pullImage } from "./pull.ts";

/** Throws what the registry refuses, and what the first tag that can't be pulled throws. */
export async function pullAllTags(
  deps: PullDeps,
  repository: ImageReference,
  options: PullOptions = {},
): Promise<void> {
  const client = createRegistryClient(repository.registry, deps.registries);
  const tags = await listRemoteTags(client, repository);
  let upToDate = true;
  for (const tag of tags) {
    const onProgress: PullOptions["onProgress"] = (event) => {
      if (event.kind !== "status") return options.onProgress?.(event);
      // docker sums the tags up in one line.
      upToDate &&= event.upToDate;
    };
    await pullImage(deps, { ...repository, tag: parseTag(tag) }, { ...options, onProgress });
  }
  options.onProgress?.({ kind: "status", upToDate, name: familiarRepository(repository) });
}
