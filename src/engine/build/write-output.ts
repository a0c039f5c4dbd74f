/**
 * Where a build's result goes beside, or in place of, the image store: files, archives, a registry.
 */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { openFlags } from "../../../ffi/flags.ts";
import type { OnBuildEvent } from "../../build/build-event.ts";
import type { BuildResult } from "../../build/build-options.ts";
import { BockerError, messageOf } from "../../errors.ts";
import { monotonicMs } from "../../host/clock.ts";
import { digestOf } from "../../image/digest.ts";
import { MediaType } from "../../image/media-type.ts";
import { parseReference } from "../../image/reference.ts";
import type { ImageRecord } from "../../state/record.ts";
import { BlobStore } from "../../storage/blob-store.ts";
import { planBundle } from "../../storage/image-bundle.ts";
import { stackLayers } from "../../storage/layer-stack.ts";
import { openLayerTree } from "../../storage/open-tree.ts";
import { packTree } from "../../storage/pack-tree.ts";
import { writeArchive } from "../../storage/write-archive.ts";
import { packBundle, writeBundle } from "../../storage/write-bundle.ts";
import { type ArchivePlace, openPlace } from "../archive-place.ts";
import type { Engine } from "../engine.ts";

export type BuildOutput =
  /** The image store, and from there a registry. */
  | { readonly kind: "image"; readonly push: boolean }
  /** Nothing but the cache. */
  | { readonly kind: "cacheonly" }
  /** The files, into a directory that may be there. */
  | { readonly kind: "local"; readonly directory: string }
  /** The files, as a tar. */
  | { readonly kind: "tar"; readonly place: ArchivePlace }
  | {
      readonly kind: "archive";
      readonly format: "oci" | "docker";
      readonly place: ArchivePlace | { readonly directory: string };
      /** Canonical references; none: the build's tags. */
      readonly names: readonly string[];
    };

export interface OutputContext {
  /** Canonical references. */
  readonly tags: readonly string[];
  /** Of the events that are told. */
  readonly step: number;
  readonly onEvent: OnBuildEvent;
}

/** The image has to be kept. */
export function isStoring(output: BuildOutput): boolean {
  return output.kind === "image";
}

/** Writes one output; an image is in the store already. Throws kind `host` for what cannot be written. */
export async function writeOutput(
  engine: Engine,
  output: BuildOutput,
  result: BuildResult,
  context: OutputContext,
): Promise<void> {
  const title = titleOf(output);
  if (title === undefined) return;
  const { step, onEvent } = context;
  const beganMs = monotonicMs();
  onEvent({ kind: "started", step, title });
  try {
    await writeFiles(engine, output, result, context.tags);
    onEvent({ kind: "done", step, ms: monotonicMs() - beganMs });
  } catch (error) {
    onEvent({ kind: "failed", step, ms: monotonicMs() - beganMs, message: messageOf(error) });
    throw error;
  }
}

function titleOf(output: BuildOutput): string | undefined {
  if (output.kind === "local") return "exporting to client directory";
  if (output.kind === "tar") return "exporting to client tarball";
  return output.kind === "archive" ? `exporting to ${output.format} image format` : undefined;
}

async function writeFiles(
  engine: Engine,
  output: BuildOutput,
  result: BuildResult,
  tags: readonly string[],
): Promise<void> {
  if (output.kind === "local") await writeDirectory(engine, output.directory, result);
  else if (output.kind === "tar") await openPlace(output.place).writeAll(filesOf(engine, result));
  else if (output.kind === "archive") {
    const { names, place, format } = output;
    const image = await recordOf(engine, result);
    const bundled = [{ image, names: names.length > 0 ? names : tags }];
    const files = planBundle(engine, bundled, { forDocker: format === "docker" });
    if ("directory" in place) writeBundle(engine.paths, files, place.directory);
    else await openPlace(place).writeAll(packBundle(files));
  }
}

/** Files belong to who builds, as with docker; what is there already and is not of the image stays. */
async function writeDirectory(engine: Engine, directory: string, result: BuildResult): Promise<void> {
  mkdirSync(directory, { recursive: true });
  const rootFd = openSync(directory, openFlags.O_RDONLY | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  try {
    await writeArchive(filesOf(engine, result), { rootFd, directory: "/", keepOwner: false });
  } finally {
    closeSync(rootFd);
  }
}

async function* filesOf({ paths }: Engine, { config }: BuildResult): AsyncGenerator<Buffer> {
  const lowerdirs = stackLayers(paths, config.rootfs.diff_ids);
  if (lowerdirs.length === 0) {
    yield Buffer.alloc(1024);
    return;
  }
  const root = openLayerTree(lowerdirs);
  try {
    // The root itself is no file of the result: its time is when this machine unpacked a layer.
    yield* packTree(root, { leavesOut: (name) => name === "./" });
  } finally {
    closeSync(root);
  }
}

/** For an image that nobody keeps, its documents are put into the store beside its layers; the collector takes them. */
async function recordOf({ paths }: Engine, result: BuildResult): Promise<ImageRecord> {
  if (result.image !== undefined) return result.image;
  const blobs = new BlobStore(paths);
  const { config, manifest, configBytes, manifestBytes } = result;
  const digest = digestOf(configBytes);
  await blobs.writeBytes(
    { mediaType: MediaType.ociConfig, digest, size: configBytes.byteLength },
    configBytes,
  );
  await blobs.writeBytes(manifest, manifestBytes);
  return {
    id: digest,
    manifestDigest: manifest.digest,
    createdAtMs: 0,
    sizeBytes: 0,
    layers: config.rootfs.diff_ids,
    os: config.os,
    architecture: config.architecture,
  };
}

/** After the build: every tag goes to its registry. Throws as a push does, and where there is no tag. */
export async function pushTags(
  engine: Engine,
  tags: readonly string[],
  onEvent: OnBuildEvent,
): Promise<void> {
  if (tags.length === 0) throw new BockerError("tag is needed when pushing to registry", { kind: "usage" });
  const { pushImage } = await import("../push.ts");
  for (const [index, tag] of tags.entries()) {
    const step = -100 - index;
    const beganMs = monotonicMs();
    onEvent({ kind: "started", step, title: `pushing ${tag}` });
    try {
      await pushImage(engine, parseReference(tag), {
        onProgress: (event) => {
          if (event.kind === "layer" && event.doneBytes === undefined) {
            onEvent({ kind: "progress", step, text: `${event.id}: ${event.status}` });
          }
        },
      });
      onEvent({ kind: "done", step, ms: monotonicMs() - beganMs });
    } catch (error) {
      onEvent({ kind: "failed", step, ms: monotonicMs() - beganMs, message: messageOf(error) });
      throw error;
    }
  }
}
