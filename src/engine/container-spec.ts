/**
 * The Spec of a container about to start: its config and image, with everything found out that planning needs.
 *
 * Reads the host and the root file system (through its descriptor); changes neither. `run`, `--dry-run` and
 * `bocker spec` all come through here, so what is printed is what is run.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { detectCgroups, hasSwapLimit } from "../cgroup/detect-cgroups.ts";
import type { CgroupHierarchy } from "../cgroup/hierarchy.ts";
import { BockerError } from "../errors.ts";
import type { ImageConfig } from "../image/image-config.ts";
import { buildSpec } from "../spec/build-spec.ts";
import { mergeProcess } from "../spec/merge-process.ts";
import { namespaceModes } from "../spec/namespace-mode.ts";
import type { Spec } from "../spec/oci.ts";
import type { VolumeSource } from "../spec/spec-mounts.ts";
import type { ResolvedUser } from "../spec/user.ts";
import { getContainer } from "../state/container.ts";
import type { ContainerRecord, VolumeRecord } from "../state/record.ts";
import { containersUsingVolume, getVolume } from "../state/volume.ts";
import { blockDevicesOf } from "./block-device.ts";
import { appArmorProfileOf } from "./container-apparmor.ts";
import { cgroupPathOf } from "./container-cgroup.ts";
import type { ContainerFiles } from "./container-files.ts";
import { hostnameOf } from "./container-hostname.ts";
import { joinedNamespaces } from "./container-namespace.ts";
import { containerFolder } from "./container-paths.ts";
import { boundingCapabilities, flaggedPolicyOf, seccompFilterOf } from "./container-seccomp.ts";
import { lookUpUser } from "./container-user.ts";
import type { Engine } from "./engine.ts";
import { hostDevices, resolveDevices } from "./host-device.ts";
import { mappedGroups } from "./host-user.ts";
import type { MountStage } from "./mount-stage.ts";
import { findTimeZone } from "./time-zone.ts";
import { volumeSourceOf } from "./volume-driver.ts";
import { volumeMountsOf } from "./volume-mounts.ts";

export interface ResolvedSpec {
  readonly spec: Spec;
  readonly user: ResolvedUser;
  /** The compiled filter; absent: unconfined. */
  readonly seccomp?: Uint8Array;
  readonly hierarchy: CgroupHierarchy;
}

export interface SpecRequest {
  readonly record: ContainerRecord;
  readonly image: ImageConfig;
  /** The root file system's descriptor, for looking users up. */
  readonly rootFd: number;
  readonly files: ContainerFiles;
  /** What it mounts that no path of the host leads to; absent: nothing. */
  readonly stage?: MountStage;
  /** `K=V` of its secrets. */
  readonly secretEnv?: readonly string[];
}

/** Resolves and builds. Throws docker's words for unknown users, devices, capabilities and profiles. */
export async function resolveSpec(engine: Engine, request: SpecRequest): Promise<ResolvedSpec> {
  const { record, image } = request;
  const { config } = record;
  const merged = mergeProcess(config, image.config);
  const found = lookUpUser(request.rootFd, merged.user, config.groupAdd);
  const user = { ...found, additionalGids: mappedGroups(config, found.additionalGids) };
  const hierarchy = detectCgroups();
  const bounding = boundingCapabilities();
  const shared = await sharedMemoryOf(engine, record);
  const apparmorProfile = appArmorProfileOf(config);
  const policy = await flaggedPolicyOf(config, bounding);
  const built = buildSpec({
    config,
    image: image.config,
    resolved: {
      user,
      hostname: hostnameOf(engine, record),
      rootfs: join(engine.paths.containers, record.id, "rootfs"),
      cgroupsPath: cgroupPathOf(engine, record),
      boundingCapabilities: bounding,
      swapLimit: hasSwapLimit(hierarchy),
      blockDevices: blockDevicesOf(config.resources),
      namespaces: await joinedNamespaces(engine, config),
      files: {
        ...request.files,
        ...(config.timeZone === undefined ? {} : { localtime: findTimeZone(config.timeZone) }),
      },
      ...request.stage?.sources,
      volumes: { ...volumeSources(engine, request), ...request.stage?.sources.volumes },
      secretEnv: request.secretEnv ?? [],
      devices: resolveDevices(config.devices),
      hostDevices: config.privileged ? hostDevices() : [],
      maskedPaths: thermalThrottles(),
      ...(apparmorProfile === undefined ? {} : { apparmorProfile }),
      ...(policy === undefined ? {} : { seccomp: policy }),
      ...(shared === undefined ? {} : { sharedMemory: shared }),
    },
  });
  const asksCdi = (config.cdiDevices ?? config.gpus) !== undefined;
  const spec = asksCdi ? await withNamedDevices(engine, record, built) : built;
  const seccomp = await seccompFilterOf(config, bounding);
  return { spec, user, hierarchy, ...(seccomp === undefined ? {} : { seccomp }) };
}

/** Hooks find the root where the Spec says it is. */
async function withNamedDevices(engine: Engine, { id, config }: ContainerRecord, built: Spec): Promise<Spec> {
  const { withCdiDevices } = await import("./cdi-registry.ts");
  const spec = withCdiDevices(built, config, engine.settings.cdiFolders);
  if (spec.hooks === undefined) return spec;
  if (config.idMaps !== undefined) {
    throw new BockerError("cannot run the hooks of a CDI device in a user namespace", {
      kind: "unsupported",
      hint: "leave --userns out, or name a device without hooks",
    });
  }
  const { hookRootOf } = await import("./container-hooks.ts");
  return { ...spec, root: { ...spec.root, path: hookRootOf(containerFolder(engine.paths, id)) } };
}

function volumeSources(engine: Engine, request: SpecRequest): Readonly<Record<string, VolumeSource>> {
  const { record, image } = request;
  const volumes = volumeMountsOf(record.id, record.config, image.config);
  return Object.fromEntries(
    volumes.map((volume) => {
      const known = getVolume(engine.state, volume.name);
      const plain = join(engine.paths.volumes, volume.name, "_data");
      return [volume.target, known === undefined ? plain : usableSource(engine, record, known)];
    }),
  );
}

/** Each container mounts a tmpfs of its own: two at once would not see the same files, which docker's do. */
function usableSource(engine: Engine, record: ContainerRecord, volume: VolumeRecord): VolumeSource {
  const source = volumeSourceOf(volume);
  if (typeof source === "string" || source.type !== "tmpfs") return source;
  const others = containersUsingVolume(engine.state, volume.name).filter((id) => id !== record.id);
  const user = others.find((id) => getContainer(engine.state, id)?.init !== undefined);
  if (user === undefined) return source;
  throw new BockerError(`cannot mount volume "${volume.name}": container ${user.slice(0, 12)} is using it`, {
    kind: "in-use",
    hint: "a tmpfs volume serves one running container at a time",
  });
}

/** --ipc host and container:X share /dev/shm as well as the namespace. */
async function sharedMemoryOf(engine: Engine, { config }: ContainerRecord): Promise<string | undefined> {
  const { ipc } = namespaceModes(config);
  if (ipc.kind === "host") return "/dev/shm";
  if (ipc.kind === "private") return undefined;
  const paths = await joinedNamespaces(engine, config);
  return paths.ipc?.replace(/\/ns\/ipc$/, "/root/dev/shm");
}

/** One a processor, where the hardware has them; docker hides them like the other masked paths. */
function thermalThrottles(): readonly string[] {
  const folder = "/sys/devices/system/cpu";
  try {
    return readdirSync(folder)
      .filter((name) => /^cpu\d+$/.test(name))
      .map((name) => `${folder}/${name}/thermal_throttle`);
  } catch {
    return [];
  }
}
