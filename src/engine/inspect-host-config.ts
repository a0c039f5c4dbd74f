/**
 * ContainerConfig → docker's `HostConfig` object, the part of `inspect` that scripts read limits and binds from.
 *
 * Pure. Keys, zero values and spellings are those of the Docker Engine API v1.47, ContainerInspect.
 */
import type {
  ContainerConfig,
  DeviceRate,
  MountConfig,
  PortConfig,
  ResourceConfig,
} from "../config/container-config.ts";
import { givenLogOptions } from "../config/option/log.ts";
import type { IdMapping, IdMaps } from "../security/id-map.ts";
import { hiddenPathsOf } from "../spec/hidden-paths.ts";
import { parseSecurityOptions } from "../spec/security-option.ts";

/** A plain JSON object, in the order it will be printed. */
export type JsonObject = { readonly [key: string]: unknown };

/** docker's HostConfig for a container that was created from `config`. */
export function hostConfigOf(config: ContainerConfig): JsonObject {
  return {
    Binds: nullIfEmpty(config.mounts.flatMap(bindOf)),
    ContainerIDFile: "",
    LogConfig: logConfigOf(config),
    NetworkMode: networkModeOf(config),
    PortBindings: portBindingsOf(config.ports),
    RestartPolicy: {
      Name: config.restart?.policy ?? "no",
      MaximumRetryCount: config.restart?.maxRetries ?? 0,
    },
    AutoRemove: config.autoRemove,
    ...(Object.keys(config.annotations).length === 0 ? {} : { Annotations: config.annotations }),
    VolumeDriver: "",
    VolumesFrom: config.volumesFrom ?? null,
    ConsoleSize: [0, 0],
    CapAdd: nullIfEmpty(config.capAdd),
    CapDrop: nullIfEmpty(config.capDrop),
    CgroupnsMode: config.cgroupMode ?? "private",
    Dns: config.dns,
    DnsOptions: config.dnsOptions,
    DnsSearch: config.dnsSearch,
    ExtraHosts: nullIfEmpty(config.addHosts),
    GroupAdd: nullIfEmpty(config.groupAdd),
    IpcMode: config.ipcMode ?? "private",
    Cgroup: "",
    Links: null,
    OomScoreAdj: config.oomScoreAdj ?? 0,
    PidMode: config.pidMode ?? "",
    Privileged: config.privileged,
    PublishAllPorts: config.publishAll === true,
    ReadonlyRootfs: config.readOnly,
    SecurityOpt: nullIfEmpty(config.securityOpt),
    ...(config.storageSizeBytes === undefined
      ? {}
      : { StorageOpt: { size: String(config.storageSizeBytes) } }),
    ...(tmpfsOf(config.mounts) ?? {}),
    UTSMode: config.utsMode ?? "",
    UsernsMode: config.usernsMode ?? (config.idMaps === undefined ? "" : "private"),
    ...(config.idMaps === undefined ? {} : { IDMappings: idMappingsOf(config.idMaps) }),
    ShmSize: config.shmSizeBytes,
    ...(Object.keys(config.sysctls).length > 0 ? { Sysctls: config.sysctls } : {}),
    Runtime: "bocker",
    Isolation: "",
    ...resourcesOf(config),
    ...mountRequestsOf(config.mounts),
    ...systemPathsOf(config),
    ...(config.init ? { Init: true } : {}),
  };
}

/** As podman shows them. */
function idMappingsOf({ uidMappings, gidMappings }: IdMaps): JsonObject {
  const text = ({ containerID, hostID, size }: IdMapping) => `${containerID}:${hostID}:${size}`;
  return { UidMap: uidMappings.map(text), GidMap: gidMappings.map(text) };
}

/** null where a privileged container is asked for nothing, as in docker. */
function systemPathsOf(config: ContainerConfig): JsonObject {
  const { maskedPaths, readonlyPaths } = hiddenPathsOf(config, parseSecurityOptions(config.securityOpt));
  const shown = (paths: readonly string[]) => (config.privileged && paths.length === 0 ? null : paths);
  return { MaskedPaths: shown(maskedPaths), ReadonlyPaths: shown(readonlyPaths) };
}

function deviceRequestsOf({ gpus = [], cdiDevices = [] }: ContainerConfig): readonly JsonObject[] {
  const graphics = gpus.map(({ driver = "", count, ids }) => ({
    Driver: driver,
    Count: ids.length > 0 ? 0 : count === "all" ? -1 : count,
    DeviceIDs: nullIfEmpty(ids),
    Capabilities: [["gpu"]],
    Options: {},
  }));
  if (cdiDevices.length === 0) return graphics;
  const named = { Driver: "cdi", Count: 0, DeviceIDs: cdiDevices, Capabilities: null, Options: null };
  return [...graphics, named];
}

/** docker shows the first network as the mode, and `bridge` for its default network. */
export function networkModeOf(config: ContainerConfig): string {
  return config.networks[0]?.name ?? "bridge";
}

/** `{"80/tcp": [{"HostIp": "", "HostPort": "8080"}]}`. */
function portBindingsOf(ports: readonly PortConfig[]): Record<string, JsonObject[]> {
  const bindings: Record<string, JsonObject[]> = {};
  for (const port of ports) {
    const key = `${port.containerPort}/${port.protocol}`;
    const list = bindings[key] ?? [];
    list.push({ HostIp: port.hostIp ?? "", HostPort: port.hostPort === 0 ? "" : String(port.hostPort) });
    bindings[key] = list;
  }
  return bindings;
}

function resourcesOf(config: ContainerConfig): JsonObject {
  const { resources } = config;
  return {
    CpuShares: resources.cpuShares ?? 0,
    Memory: resources.memoryBytes ?? 0,
    NanoCpus: resources.nanoCpus ?? 0,
    CgroupParent: config.cgroupParent ?? "",
    ...blockIoOf(resources),
    CpuPeriod: resources.cpuPeriodUs ?? 0,
    CpuQuota: resources.cpuQuotaUs ?? 0,
    CpuRealtimePeriod: resources.cpuRealtimePeriodUs ?? 0,
    CpuRealtimeRuntime: resources.cpuRealtimeRuntimeUs ?? 0,
    CpusetCpus: resources.cpusetCpus ?? "",
    CpusetMems: resources.cpusetMems ?? "",
    Devices: config.devices.map((device) => ({
      PathOnHost: device.hostPath,
      PathInContainer: device.containerPath,
      CgroupPermissions: device.access,
    })),
    DeviceCgroupRules: nullIfEmpty(config.deviceRules ?? []),
    DeviceRequests: nullIfEmpty(deviceRequestsOf(config)),
    ...(resources.kernelMemoryTcpBytes === undefined
      ? {}
      : { KernelMemoryTCP: resources.kernelMemoryTcpBytes }),
    MemoryReservation: resources.memoryReservationBytes ?? 0,
    MemorySwap: memorySwapOf(config),
    MemorySwappiness: resources.memorySwappiness ?? null,
    OomKillDisable: resources.oomKillDisable ?? false,
    PidsLimit: resources.pidsLimit ?? null,
    Ulimits: config.ulimits
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map(({ name, hard, soft }) => ({ Name: name, Hard: hard, Soft: soft })),
  };
}

function blockIoOf({ blkioWeight, blkioWeightDevices = [], deviceRates = {} }: ResourceConfig): JsonObject {
  const rates = (list: readonly DeviceRate[] = []): readonly JsonObject[] =>
    list.map(({ path, rate }) => ({ Path: path, Rate: rate }));
  return {
    BlkioWeight: blkioWeight ?? 0,
    BlkioWeightDevice: blkioWeightDevices.map(({ path, weight }) => ({ Path: path, Weight: weight })),
    BlkioDeviceReadBps: rates(deviceRates.readBps),
    BlkioDeviceWriteBps: rates(deviceRates.writeBps),
    BlkioDeviceReadIOps: rates(deviceRates.readIops),
    BlkioDeviceWriteIOps: rates(deviceRates.writeIops),
  };
}

/** docker's default: twice the memory limit. */
function memorySwapOf({ resources }: ContainerConfig): number {
  if (resources.memorySwapBytes !== undefined) return resources.memorySwapBytes;
  return resources.memoryBytes === undefined ? 0 : resources.memoryBytes * 2;
}

function logConfigOf({ log }: ContainerConfig): JsonObject {
  return { Type: log.driver, Config: log.driver === "none" ? {} : givenLogOptions(log) };
}

/** Only what came by `-v` counts as a bind for docker; `--mount` has its own list. */
function bindOf(mount: MountConfig): string[] {
  if (mount.type === "bind" && mount.createSource) {
    const options = [mount.readOnly ? "ro" : "", mount.propagation ?? ""].filter((option) => option !== "");
    return [[mount.source, mount.target, ...(options.length > 0 ? [options.join(",")] : [])].join(":")];
  }
  if (mount.type === "volume" && mount.name !== undefined && mount.subpath === undefined) {
    return [`${mount.name}:${mount.target}${mount.readOnly ? ":ro" : ""}`];
  }
  return [];
}

/** docker leaves the list out where there is nothing in it. */
function mountRequestsOf(mounts: readonly MountConfig[]): JsonObject {
  const requests = mounts.flatMap(mountRequestOf);
  return requests.length === 0 ? {} : { Mounts: requests };
}

/** What came by `--mount`, as far as `-v` cannot say it; docker keeps the request. */
function mountRequestOf(mount: MountConfig): JsonObject[] {
  if (mount.type === "tmpfs" || (mount.type === "bind" && mount.createSource)) return [];
  if (mount.type === "volume" && mount.subpath === undefined) return [];
  const source = mount.type === "volume" ? (mount.name ?? "") : mount.source;
  const common = {
    Type: mount.type,
    Source: source,
    Target: mount.target,
    ...(mount.readOnly ? { ReadOnly: true } : {}),
  };
  if (mount.type === "bind") {
    if (mount.propagation === undefined) return [common];
    return [{ ...common, BindOptions: { Propagation: mount.propagation } }];
  }
  if (mount.subpath === undefined) return [common];
  const key = mount.type === "volume" ? "VolumeOptions" : "ImageOptions";
  return [{ ...common, [key]: { Subpath: mount.subpath } }];
}

function tmpfsOf(mounts: readonly MountConfig[]): JsonObject | undefined {
  const tmpfs = mounts.flatMap((mount) =>
    mount.type === "tmpfs" ? [[mount.target, mount.options.join(",")] as const] : [],
  );
  return tmpfs.length === 0 ? undefined : { Tmpfs: Object.fromEntries(tmpfs) };
}

function nullIfEmpty<T>(list: readonly T[]): readonly T[] | null {
  return list.length === 0 ? null : list;
}
