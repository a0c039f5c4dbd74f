/**
 * An image as docker's `inspect` shows it: keys of the Docker Engine API v1.47, ImageInspect. Pure.
 */
import type { ImageConfig } from "../image/image-config.ts";
import { familiarName, familiarRepository, parseReference } from "../image/reference.ts";
import type { ImageRecord, TagRecord } from "../state/record.ts";
import type { JsonObject } from "./inspect-host-config.ts";
import { renderTime } from "./render-time.ts";

export interface ImageFacts {
  readonly image: ImageRecord;
  readonly config: ImageConfig;
  readonly tags: readonly TagRecord[];
  /** Of its layers, top first. */
  readonly layerFolders: readonly string[];
}

/** docker's ImageInspect object. */
export function imageInspectOf({ image, config, tags, layerFolders }: ImageFacts): JsonObject {
  const process = config.config;
  return {
    Id: image.id,
    RepoTags: tags.map((tag) => familiarName(parseReference(tag.reference))),
    RepoDigests: [...new Set(tags.flatMap(repoDigestOf))],
    Parent: "",
    Comment: config.history.at(-1)?.comment ?? "",
    Created: config.created ?? renderTime(image.createdAtMs),
    DockerVersion: "",
    Author: config.author ?? "",
    Config: {
      Hostname: "",
      Domainname: "",
      User: process.User ?? "",
      AttachStdin: false,
      AttachStdout: false,
      AttachStderr: false,
      ...(process.ExposedPorts === undefined ? {} : { ExposedPorts: process.ExposedPorts }),
      Tty: false,
      OpenStdin: false,
      StdinOnce: false,
      Env: process.Env ?? null,
      Cmd: process.Cmd ?? null,
      ...(process.Healthcheck === undefined ? {} : { Healthcheck: process.Healthcheck }),
      Image: "",
      Volumes: process.Volumes ?? null,
      WorkingDir: process.WorkingDir ?? "",
      Entrypoint: process.Entrypoint ?? null,
      OnBuild: process.OnBuild ?? null,
      Labels: process.Labels ?? null,
      ...(process.StopSignal === undefined ? {} : { StopSignal: process.StopSignal }),
      ...(process.Shell === undefined ? {} : { Shell: process.Shell }),
    },
    Architecture: config.architecture,
    ...(config.variant === undefined ? {} : { Variant: config.variant }),
    Os: config.os,
    Size: image.sizeBytes,
    GraphDriver: graphDriverOf(layerFolders),
    RootFS: { Type: "layers", Layers: config.rootfs.diff_ids },
    Metadata: { LastTagTime: renderTime(tags[0]?.updatedAtMs) },
  };
}

function graphDriverOf(layerFolders: readonly string[]): JsonObject {
  const [upper = "", ...lower] = layerFolders;
  return {
    Name: "overlay",
    Data: { ...(lower.length === 0 ? {} : { LowerDir: lower.join(":") }), UpperDir: upper },
  };
}

function repoDigestOf(tag: TagRecord): readonly string[] {
  if (tag.repoDigest === undefined) return [];
  const reference = parseReference(tag.repoDigest);
  return [`${familiarRepository(reference)}@${reference.digest}`];
}
