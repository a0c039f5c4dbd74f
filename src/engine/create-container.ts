/**
 * `create`: a request and an image become a record and a folder; nothing runs yet.
 *
 * Order against crashes: the row comes first and owns everything after it, the copy of the image config last: a
 * container without one whose maker is dead was never finished, and whoever meets it removes it (settle-container.ts).
 * When a later step fails here, all of it is removed at once.
 */
import { mkdirSync, statSync } from "node:fs";
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError, ExitCode } from "../errors.ts";
import { cpuCount } from "../host/host-facts.ts";
import { type ProcessIdentity, readProcessIdentity } from "../host/process-identity.ts";
import { randomId, randomName } from "../host/random-id.ts";
import { type ImageConfig, parseImageConfig } from "../image/image-config.ts";
import type { IdMaps } from "../security/id-map.ts";
import { mergeProcess } from "../spec/merge-process.ts";
import { validateResources } from "../spec/resources.ts";
import { insertContainer } from "../state/container.ts";
import { markCreated, markStarting } from "../state/container-life.ts";
import type { ContainerRecord } from "../state/record.ts";
import { blockDevicesOf } from "./block-device.ts";
import { keepContainerImage } from "./container-image.ts";
import { checkNamespaceTargets } from "./container-namespace.ts";
import { containerFolder } from "./container-paths.ts";
import { containerRootfs } from "./container-rootfs.ts";
import type { SettledUserns } from "./container-userns.ts";
import type { Engine } from "./engine.ts";
import { readCpusets } from "./host-cpuset.ts";
import type { LocalImage } from "./resolve-image.ts";
import { findTimeZone } from "./time-zone.ts";
import { makeVolume } from "./volume.ts";
import { checkVolumeOptions } from "./volume-driver.ts";
import { type VolumeMount, volumeMountsOf } from "./volume-mounts.ts";
import { withVolumesFrom } from "./volumes-from.ts";

const nameAttempts = 20;

/** Makes the container. `monitor`: the process that will start it and has it from now on; absent: nobody has it at the end. */
export async function createContainer(
  engine: Engine,
  config: ContainerConfig,
  image: LocalImage,
  monitor?: ProcessIdentity,
  warn: (line: string) => void = () => {},
): Promise<ContainerRecord> {
  const draft = await draftContainer(engine, config, image, randomId());
  const maker = monitor ?? readProcessIdentity(process.pid);
  const record = insertClaimed(engine, draft, maker);
  try {
    const folder = containerFolder(engine.paths, record.id);
    mkdirSync(folder, { recursive: true, mode: 0o710 });
    const rootfs =
      record.config.idMaps === undefined
        ? containerRootfs(engine, record, draft.image)
        : (await import("./mapped-rootfs.ts")).prepareMappedRootfs(engine, record, draft.image, { warn });
    const size = record.config.storageSizeBytes;
    if (size !== undefined) (await import("../storage/size-limit.ts")).limitSize(rootfs, record.id, size);
    for (const volume of draft.volumes) makeVolume(engine, volume);
    if (config.secrets !== undefined) (await import("./container-secret.ts")).keepSecrets(engine, record);
    makeBindSources(record.config);
    keepContainerImage(folder, image.configBytes);
    if (monitor === undefined && maker !== undefined) markCreated(engine.state, record.id, maker);
    return record;
  } catch (error) {
    const { removeSettled } = await import("./remove-container.ts");
    await removeSettled(engine, record, { volumes: true });
    throw error;
  }
}

export interface ContainerDraft {
  /** The request, with every name of another container made an id. */
  readonly config: ContainerConfig;
  readonly image: ImageConfig;
  readonly parts: Identified;
  readonly volumes: readonly VolumeMount[];
  /** Finds ids that no container has; to be called in the transaction that inserts it. */
  readonly claimIds?: () => IdMaps;
}

/** What the container will be, with every check that needs no effect. Throws docker's phrases. */
export async function draftContainer(
  engine: Engine,
  config: ContainerConfig,
  image: LocalImage,
  id: string,
): Promise<ContainerDraft> {
  const imageConfig = parseImageConfig(image.configBytes);
  const { args } = mergeProcess(config, imageConfig.config);
  if (config.timeZone !== undefined) findTimeZone(config.timeZone);
  validateResources(config.resources, { cpus: cpuCount(), ...readCpusets() });
  blockDevicesOf(config.resources);
  const { config: joined, claimIds } = await settleIds(
    engine,
    await checkNamespaceTargets(engine, await withVolumesFrom(engine, config)),
  );
  if (config.networks.some(({ links }) => links !== undefined))
    (await import("./container-links.ts")).checkLinks(engine, config);
  if (config.secrets !== undefined) (await import("./container-secret.ts")).checkSecrets(engine, config);
  const volumes = volumeMountsOf(id, joined, imageConfig.config);
  for (const { name, options } of volumes) if (options !== undefined) checkVolumeOptions(name, options);
  const anonymousVolumes = volumes.filter((volume) => volume.anonymous).map((volume) => volume.name);
  const parts = { id, imageId: image.id, imageName: image.name, args, anonymousVolumes };
  return { config: joined, image: imageConfig, parts, volumes, ...(claimIds && { claimIds }) };
}

async function settleIds(engine: Engine, config: ContainerConfig): Promise<SettledUserns> {
  const { usernsMode = "host", uidMap, gidMap, subuidName, subgidName } = config;
  if (usernsMode === "host" && (uidMap ?? gidMap ?? subuidName ?? subgidName) === undefined)
    return { config };
  return (await import("./container-userns.ts")).settleUserns(engine, config);
}

/** The request with the ids that it gets. Inside the transaction that inserts the container. */
export function claimedConfig({ config, claimIds }: ContainerDraft): ContainerConfig {
  return claimIds === undefined ? config : { ...config, idMaps: claimIds() };
}

type Identified = Pick<ContainerRecord, "id" | "imageId" | "imageName" | "args" | "anonymousVolumes">;

/** With its maker in the same transaction: no other process sees it without. */
function insertClaimed(
  engine: Engine,
  draft: ContainerDraft,
  maker: ProcessIdentity | undefined,
): ContainerRecord {
  return engine.state.transaction(() => {
    const record = insertNamed(engine, claimedConfig(draft), draft.parts);
    if (maker !== undefined) markStarting(engine.state, record.id, maker);
    return record;
  });
}

/** Under the name asked for, or a made-up one that is free. */
function insertNamed(engine: Engine, config: ContainerConfig, parts: Identified): ContainerRecord {
  if (config.name !== undefined)
    return insertContainer(engine.state, { ...parts, config, name: config.name });
  for (let attempt = 0; ; attempt++) {
    try {
      return insertContainer(engine.state, { ...parts, config, name: randomName(attempt) });
    } catch (error) {
      if (!(error instanceof BockerError) || error.kind !== "conflict" || attempt >= nameAttempts)
        throw error;
    }
  }
}

/** `-v /host:…` makes a missing directory, as docker does; `--mount type=bind` refuses one. */
function makeBindSources(config: ContainerConfig): void {
  for (const mount of config.mounts) {
    if (mount.type !== "bind") continue;
    if (mount.createSource) makeFolder(mount.source);
    else requireSource(mount.source);
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return;
    throw new BockerError(`error while creating mount source path '${path}'`, {
      kind: "host",
      cause: error,
      exitCode: ExitCode.engine,
    });
  }
}

function requireSource(path: string): void {
  if (statSync(path, { throwIfNoEntry: false }) !== undefined) return;
  throw new BockerError(`invalid mount config for type "bind": bind source path does not exist: ${path}`, {
    kind: "invalid-config",
    hint: "make it first; -v makes a missing directory",
  });
}
