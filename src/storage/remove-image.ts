/**
 * `rmi`: takes names away and, with the last one, the image. Rules and phrases are docker's (moby,
 * daemon/images/image_delete.go): a name among others is only untagged; the last name of an image that a container
 * uses needs force; an id takes all names of one repository along; a running container's image stays in any case.
 */
import { BockerError } from "../errors.ts";
import { chainIDs } from "../image/chain-id.ts";
import {
  canonicalName,
  familiarName,
  isReference,
  parseReference,
  withDefaultTag,
} from "../image/reference.ts";
import { containersUsing } from "../state/container.ts";
import { appendEvent } from "../state/event.ts";
import { listImages, removeImage as removeImageRow, removeTag, tagsOfImage } from "../state/image.ts";
import type { ContainerRecord, ImageRecord, TagRecord } from "../state/record.ts";
import { collectGarbage, reachOf } from "./collect-garbage.ts";
import { findLocalImage, type ImageStore, layersOf } from "./local-image.ts";
import { removeLayoutTags } from "./oci-layout.ts";

/** One line of output each: `Untagged: alpine:latest`, `Deleted: sha256:…`. */
export type RemovedImage = { readonly untagged: string } | { readonly deleted: string };

export interface RemoveImageOptions {
  readonly force: boolean;
  /** Leave the files to the caller's removeLayoutTags and collectGarbage: for many images at once. */
  readonly keepsFiles?: boolean;
}

/** Removes what `text` names. Throws docker's `No such image: X` and `conflict: …`. */
export async function removeImage(
  store: ImageStore,
  text: string,
  options: RemoveImageOptions,
): Promise<readonly RemovedImage[]> {
  const image = findLocalImage(store.state, text);
  if (image === undefined) throw new BockerError(`No such image: ${shownName(text)}`, { kind: "not-found" });
  const reach = reachOf(store, [image], tagsOfImage(store.state, image.id));
  const gone = store.state.transaction(() => removeRows(store, image, text, options.force));
  if (options.keepsFiles !== true) {
    await removeLayoutTags(
      store.paths,
      gone.tags.map((tag) => tag.reference),
    );
    if (gone.deleted.length > 0) collectGarbage(store, { among: reach });
  }
  return [
    ...gone.tags.flatMap((tag) => untaggedLines(tag, gone.remaining)),
    ...gone.deleted.map((deleted) => ({ deleted })),
  ];
}

interface Removal {
  readonly tags: readonly TagRecord[];
  /** Tags of the image that stay. */
  readonly remaining: readonly TagRecord[];
  /** Image ID, then the chainIDs of layers that went with it, top first. */
  readonly deleted: readonly string[];
}

function removeRows(store: ImageStore, image: ImageRecord, text: string, force: boolean): Removal {
  const tags = tagsOfImage(store.state, image.id);
  const named = tags.find((tag) => isNamedBy(tag, text));
  const users = containersUsing(store.state, image.id);
  if (named !== undefined) checkLastName(image, text, tags, users, force);
  else checkByID(image, tags, users, force);
  const going = named === undefined ? tags : [named];
  const remaining = tags.filter((tag) => !going.includes(tag));
  for (const tag of going) untag(store, tag);
  // A forced removal leaves a container's image without a name; it goes when the container has gone.
  if (remaining.length > 0 || users.length > 0) return { tags: going, remaining, deleted: [] };
  const deleted = [image.id, ...exclusiveChainIDs(store, image)];
  removeImageRow(store.state, image.id);
  appendEvent(store.state, { type: "image", action: "delete", id: image.id, attributes: {} });
  return { tags: going, remaining, deleted };
}

function untag(store: ImageStore, tag: TagRecord): void {
  removeTag(store.state, tag.reference);
  const attributes = { name: familiarName(parseReference(tag.reference)) };
  appendEvent(store.state, { type: "image", action: "untag", id: tag.imageId, attributes });
}

function checkLastName(
  image: ImageRecord,
  text: string,
  tags: readonly TagRecord[],
  users: readonly ContainerRecord[],
  force: boolean,
): void {
  const [user] = users;
  if (force || tags.length > 1 || user === undefined) return;
  throw conflict(
    `unable to remove repository reference "${text}" (must force) - container ${shortID(user.id)} is using its ` +
      `referenced image ${shortID(image.id)}`,
  );
}

function checkByID(
  image: ImageRecord,
  tags: readonly TagRecord[],
  users: readonly ContainerRecord[],
  force: boolean,
): void {
  const cannot = (must: string, reason: string) =>
    conflict(`unable to delete ${shortID(image.id)} (${must} be forced) - ${reason}`);
  const running = users.find(
    ({ status }) => status !== "created" && status !== "exited" && status !== "dead",
  );
  if (running !== undefined) {
    throw cannot("cannot", `image is being used by running container ${shortID(running.id)}`);
  }
  if (force) return;
  const repositories = new Set(tags.map((tag) => repositoryOf(tag.reference)));
  if (repositories.size > 1 || tags.length > 1) {
    throw cannot("must", "image is referenced in multiple repositories");
  }
  const [stopped] = users;
  if (stopped !== undefined) {
    throw cannot("must", `image is being used by stopped container ${shortID(stopped.id)}`);
  }
}

/** chainIDs, top first, that no other image has: what docker reports as deleted layers. */
function exclusiveChainIDs(store: ImageStore, image: ImageRecord): readonly string[] {
  const others = listImages(store.state).filter(({ id }) => id !== image.id);
  const kept = new Set(others.flatMap((other) => chainIDs(layersOf(other)) as string[]));
  return chainIDs(layersOf(image))
    .toReversed()
    .filter((chainID) => !kept.has(chainID));
}

/** docker shows the tag and, unless the repository has another tag of the image, its digest. */
function untaggedLines(tag: TagRecord, remaining: readonly TagRecord[]): readonly RemovedImage[] {
  const name = { untagged: familiarName(parseReference(tag.reference)) };
  const repository = repositoryOf(tag.reference);
  const kept = remaining.some(({ reference }) => repositoryOf(reference) === repository);
  if (kept || tag.repoDigest === undefined || tag.repoDigest === tag.reference) return [name];
  return [name, { untagged: familiarName(parseReference(tag.repoDigest)) }];
}

function isNamedBy(tag: TagRecord, text: string): boolean {
  if (!isReference(text)) return false;
  const name = canonicalName(withDefaultTag(parseReference(text)));
  return tag.reference === name || tag.repoDigest === name;
}

function repositoryOf(reference: string): string {
  const { registry, repository } = parseReference(reference);
  return `${registry}/${repository}`;
}

function shownName(text: string): string {
  return isReference(text) ? familiarName(withDefaultTag(parseReference(text))) : text;
}

function shortID(id: string): string {
  return id.replace("sha256:", "").slice(0, 12);
}

function conflict(reason: string): BockerError {
  return new BockerError(`conflict: ${reason}`, { kind: "in-use" });
}
