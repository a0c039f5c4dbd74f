/**
 * The image argument of run and create: what is here, what the binary carries, a file or folder, or a pull.
 *
 * Order: a path (it needs `/`, `./` or an archive's suffix, so no docker name ever turns into one); the local store;
 * the embedded images; the registry, as --pull allows.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { parsePlatform, platformMatches } from "../image/platform.ts";
import {
  familiarName,
  isReference,
  type NamedReference,
  parseReference,
  withDefaultTag,
} from "../image/reference.ts";
import type { ImageRecord } from "../state/record.ts";
import { findLocalImage, loadImageConfigBytes } from "../storage/local-image.ts";
import type { Engine } from "./engine.ts";
import { isImagePath } from "./image-path.ts";
import type { PullEvent } from "./pull-event.ts";

export interface LocalImage {
  /** Digest of the image config. */
  readonly id: string;
  /** As the user named it: the IMAGE column. */
  readonly name: string;
  readonly configBytes: Uint8Array;
}

export interface ResolveImageOptions {
  /** Called before a pull that nobody asked for by name, with the name; then the pull's events follow. */
  readonly onMissing: (name: string) => void;
  readonly onProgress: (event: PullEvent) => void;
}

type Wanted = Pick<ContainerConfig, "image" | "pull" | "platform">;

/** Finds or fetches. Throws docker's phrases for names that are malformed, unknown or unreachable. */
export async function resolveImage(
  engine: Engine,
  wanted: Wanted,
  options: ResolveImageOptions,
): Promise<LocalImage> {
  const image = isImagePath(wanted.image)
    ? await importPath(engine, wanted.image)
    : await findOrPull(engine, wanted, options);
  return { id: image.id, name: wanted.image, configBytes: loadImageConfigBytes(engine.paths, image) };
}

async function importPath(engine: Engine, path: string): Promise<ImageRecord> {
  const { importImageArgument } = await import("./import-image.ts");
  return importImageArgument(engine, path);
}

async function findOrPull(
  engine: Engine,
  wanted: Wanted,
  options: ResolveImageOptions,
): Promise<ImageRecord> {
  if (wanted.pull !== "always") {
    const local = await findHere(engine, wanted);
    if (local !== undefined) return local;
  }
  const reference = withDefaultTag(parseReference(wanted.image));
  if (wanted.pull === "never") throw noSuchImage(familiarName(reference));
  if (wanted.pull === "missing") options.onMissing(familiarName(reference));
  return pull(engine, reference, wanted, options);
}

/** In the store, or embedded in the binary; of the platform that was asked for, if one was. */
async function findHere(engine: Engine, wanted: Wanted): Promise<ImageRecord | undefined> {
  const local = findLocalImage(engine.state, wanted.image);
  if (local !== undefined) return isOfPlatform(local, wanted.platform) ? local : undefined;
  if (!isReference(wanted.image)) return undefined;
  const { embeddedImage } = await import("./embedded-image.ts");
  const embedded = await embeddedImage(engine, wanted.image);
  return embedded !== undefined && isOfPlatform(embedded, wanted.platform) ? embedded : undefined;
}

function isOfPlatform(image: ImageRecord, platform: string | undefined): boolean {
  return platform === undefined || platformMatches(parsePlatform(platform), image);
}

async function pull(
  engine: Engine,
  reference: NamedReference,
  wanted: Wanted,
  options: ResolveImageOptions,
): Promise<ImageRecord> {
  const { pullImage } = await import("./pull.ts");
  return pullImage({ ...engine, registries: engine.settings.registries }, reference, {
    onProgress: options.onProgress,
    ...(wanted.platform === undefined ? {} : { platform: parsePlatform(wanted.platform) }),
  });
}

/** docker's words for an image that is not here and must not be fetched. */
export function noSuchImage(name: string): BockerError {
  return new BockerError(`No such image: ${name}`, {
    kind: "not-found",
    hint: `bocker pull ${name}, or name one of: bocker images`,
  });
}
