/**
 * `inspect`: a container, image, network or volume by name or id, in that order, as docker's JSON.
 */
import { BockerError } from "../errors.ts";
import { mergeProcess } from "../spec/merge-process.ts";
import { findContainer } from "../state/container.ts";
import { listExecs } from "../state/exec.ts";
import { tagsOfImage } from "../state/image.ts";
import { leasesOfContainer } from "../state/lease.ts";
import { listNetworks } from "../state/network.ts";
import { portsOfContainer } from "../state/port.ts";
import type { ContainerRecord, ImageRecord } from "../state/record.ts";
import { layerPath } from "../storage/layer-directory.ts";
import { findLocalImage, layersOf, loadImageConfig } from "../storage/local-image.ts";
import { driverOf } from "../storage/rootfs.ts";
import { loadContainerImage } from "./container-image.ts";
import { containerFolder } from "./container-paths.ts";
import { loadContainerSize } from "./container-size.ts";
import { parseRootDirectory } from "./directory-image.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { containerInspectOf } from "./inspect-container.ts";
import type { JsonObject } from "./inspect-host-config.ts";
import { imageInspectOf } from "./inspect-image.ts";
import { inspectNetwork } from "./network-view.ts";
import { inspectVolume } from "./volume.ts";
import { volumeMountsOf } from "./volume-mounts.ts";

export type ObjectKind = "container" | "image" | "network" | "volume";

/**
 * The object, as JSON. Throws docker's `No such object: x`, or what the kind's own inspect says where one was asked
 * for.
 */
export async function inspectObject(
  engine: Engine,
  name: string,
  kind?: ObjectKind,
  options: { readonly size?: boolean } = {},
): Promise<JsonObject> {
  if (kind === "network") return inspectNetwork(engine, name);
  if (kind === "volume") return inspectVolume(engine, name);
  if (kind !== "image") {
    const record = await containerNamed(engine, name, kind === "container");
    if (record !== undefined) {
      const object = inspectContainer(engine, record);
      return options.size === true ? withSize(engine, record, object) : object;
    }
  }
  const image = kind === "container" ? undefined : findLocalImage(engine.state, name);
  if (image !== undefined) return inspectImage(engine, image);
  const other =
    kind === undefined
      ? (unlessMissing(() => inspectNetwork(engine, name)) ??
        unlessMissing(() => inspectVolume(engine, name)))
      : undefined;
  if (other !== undefined) return other;
  throw new BockerError(`No such ${kind ?? "object"}: ${name}`, { kind: "not-found" });
}

function unlessMissing(inspect: () => JsonObject): JsonObject | undefined {
  try {
    return inspect();
  } catch (error) {
    if (error instanceof BockerError && error.kind === "not-found") return undefined;
    throw error;
  }
}

async function containerNamed(
  engine: Engine,
  name: string,
  isRequired: boolean,
): Promise<ContainerRecord | undefined> {
  try {
    return await loadContainer(engine, findContainer(engine.state, name).id);
  } catch (error) {
    if (!isRequired && error instanceof BockerError && error.kind === "not-found") return undefined;
    throw error;
  }
}

function inspectContainer(engine: Engine, record: ContainerRecord): JsonObject {
  const image = loadContainerImage(engine, record);
  const merged = mergeProcess(record.config, image.config);
  return containerInspectOf({
    record,
    image,
    env: merged.env,
    workdir: record.config.workdir ?? image.config.WorkingDir ?? "",
    user: merged.user,
    leases: leasesOfContainer(engine.state, record.id),
    networks: listNetworks(engine.state),
    ports: portsOfContainer(engine.state, record.id),
    folder: containerFolder(engine.paths, record.id),
    volumes: volumeMountsOf(record.id, record.config, image.config),
    volumesFolder: engine.paths.volumes,
    layerFolders: record.config.rootfs
      ? [parseRootDirectory(record.config.image).path]
      : image.rootfs.diff_ids.toReversed().map((diffID) => layerPath(engine.paths, diffID)),
    storageDriver: driverOf(engine.paths, record.id),
    execIds: listExecs(engine.state, record.id),
  });
}

/** docker's keys of `--size`, which takes a walk through the files. */
function withSize(engine: Engine, record: ContainerRecord, object: JsonObject): JsonObject {
  const { writtenBytes, rootfsBytes } = loadContainerSize(engine, record);
  return { ...object, SizeRw: writtenBytes, SizeRootFs: rootfsBytes };
}

function inspectImage(engine: Engine, image: ImageRecord): JsonObject {
  return imageInspectOf({
    image,
    config: loadImageConfig(engine.paths, image),
    tags: tagsOfImage(engine.state, image.id),
    layerFolders: layersOf(image)
      .toReversed()
      .map((diffID) => layerPath(engine.paths, diffID)),
  });
}
