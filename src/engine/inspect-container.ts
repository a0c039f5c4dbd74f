/**
 * A container as docker's `inspect` shows it.
 *
 * Pure: everything it needs is handed in. Keys and zero values follow the Docker Engine API v1.47,
 * ContainerInspect; bocker's own facts stand beside docker's keys, never in place of them.
 */
import { join } from "node:path";
import type { ContainerConfig, MountConfig } from "../config/container-config.ts";
import { readLink } from "../config/network-spec.ts";
import type { ImageConfig } from "../image/image-config.ts";
import type { ContainerRecord, LeaseRecord, NetworkRecord, PortRecord } from "../state/record.ts";
import type { StorageDriverName } from "../storage/storage-driver.ts";
import { appArmorNameOf } from "./container-apparmor.ts";
import { hostLinksOf } from "./container-links.ts";
import { logFileIn } from "./container-paths.ts";
import { exposedPorts } from "./exposed-ports.ts";
import { mergeHealth } from "./health-check.ts";
import { defaultEndpointJson, endpointsJson } from "./inspect-endpoint.ts";
import { hostConfigOf, type JsonObject } from "./inspect-host-config.ts";
import { renderTime } from "./render-time.ts";
import type { VolumeMount } from "./volume-mounts.ts";

export interface ContainerFacts {
  readonly record: ContainerRecord;
  readonly image: ImageConfig;
  /** The environment the process is started with, merged. */
  readonly env: readonly string[];
  readonly workdir: string;
  readonly user: string;
  readonly leases: readonly LeaseRecord[];
  readonly networks: readonly NetworkRecord[];
  readonly ports: readonly PortRecord[];
  /** `…/container/ID`. */
  readonly folder: string;
  readonly volumes: readonly VolumeMount[];
  readonly volumesFolder: string;
  readonly layerFolders: readonly string[];
  /** The one the container was made with. */
  readonly storageDriver: StorageDriverName;
  readonly execIds: readonly string[];
}

/** docker's ContainerInspect object. */
export function containerInspectOf(facts: ContainerFacts): JsonObject {
  const { record, folder } = facts;
  return {
    Id: record.id,
    Created: renderTime(record.createdAtMs),
    Path: record.args[0] ?? "",
    Args: record.args.slice(1),
    State: stateOf(record),
    Image: record.imageId,
    ResolvConfPath: join(folder, "resolv.conf"),
    HostnamePath: join(folder, "hostname"),
    HostsPath: join(folder, "hosts"),
    LogPath: logFileIn(folder, record.config.log) ?? "",
    Name: `/${record.name}`,
    RestartCount: record.restartCount,
    Driver: facts.storageDriver,
    Platform: facts.image.os,
    MountLabel: "",
    ProcessLabel: "",
    AppArmorProfile: appArmorNameOf(record.config) ?? "",
    ExecIDs: facts.execIds.length === 0 ? null : facts.execIds,
    HostConfig: { ...hostConfigOf(record.config), Links: linksOf(record) },
    ...(record.config.rootfs === undefined ? {} : { Rootfs: record.config.image }),
    GraphDriver: graphDriverOf(facts),
    Mounts: [
      ...record.config.mounts.flatMap(bindPointOf),
      ...facts.volumes.map((volume) => volumePointOf(volume, facts)),
      ...record.config.mounts.flatMap(imagePointOf),
    ],
    Config: configOf(facts),
    NetworkSettings: networkSettingsOf(facts),
  };
}

/** docker's State object; Pid is 0 unless the container runs. */
export function stateOf(record: ContainerRecord): JsonObject {
  const { status } = record;
  const isLive = status === "running" || status === "paused";
  return {
    Status: status,
    Running: isLive || status === "restarting",
    Paused: status === "paused",
    Restarting: status === "restarting",
    OOMKilled: record.oomKilled,
    Dead: status === "dead",
    Pid: isLive ? (record.init?.pid ?? 0) : 0,
    ExitCode: record.exitCode,
    Error: record.error,
    StartedAt: renderTime(record.startedAtMs),
    FinishedAt: renderTime(isLive ? undefined : record.finishedAtMs),
    ...healthStateOf(record),
  };
}

/** docker calls what does not run unhealthy. */
function healthStateOf({ health, init }: ContainerRecord): JsonObject {
  if (health === undefined) return {};
  return {
    Health: {
      Status: init === undefined ? "unhealthy" : health.status,
      FailingStreak: health.failingStreak,
      Log: health.log.map((result) => ({
        Start: renderTime(result.startMs),
        End: renderTime(result.endMs),
        ExitCode: result.exitCode,
        Output: result.output,
      })),
    },
  };
}

function healthcheckOf({ record, image }: ContainerFacts): JsonObject {
  const health = mergeHealth(record.config.health, image.config);
  if (health === undefined) return {};
  return {
    Healthcheck: {
      ...(health.test === undefined ? {} : { Test: health.test }),
      ...(health.intervalNs === undefined ? {} : { Interval: health.intervalNs }),
      ...(health.timeoutNs === undefined ? {} : { Timeout: health.timeoutNs }),
      ...(health.startPeriodNs === undefined ? {} : { StartPeriod: health.startPeriodNs }),
      ...(health.startIntervalNs === undefined ? {} : { StartInterval: health.startIntervalNs }),
      ...(health.retries === undefined ? {} : { Retries: health.retries }),
    },
  };
}

function configOf(facts: ContainerFacts): JsonObject {
  const { config } = facts.record;
  const { attached = [...(config.interactive ? ["stdin"] : []), "stdout", "stderr"] } = config;
  const image = facts.image.config;
  return {
    Hostname: config.hostname ?? facts.record.id.slice(0, 12),
    Domainname: config.domainname ?? "",
    User: facts.user,
    AttachStdin: attached.includes("stdin"),
    AttachStdout: attached.includes("stdout"),
    AttachStderr: attached.includes("stderr"),
    ...exposedPortsOf(facts),
    Tty: config.tty,
    OpenStdin: config.interactive,
    StdinOnce: config.interactive && attached.includes("stdin"),
    Env: [...facts.env, ...hiddenVariablesOf(config)],
    ...healthcheckOf(facts),
    Cmd: config.command.length > 0 ? config.command : (commandFromImage(facts) ?? null),
    Image: config.image,
    Volumes: volumesOf(facts),
    WorkingDir: facts.workdir,
    Entrypoint: config.entrypoint ?? image.Entrypoint ?? null,
    OnBuild: null,
    Labels: { ...image.Labels, ...config.labels },
    ...((config.stopSignal ?? image.StopSignal) ? { StopSignal: config.stopSignal ?? image.StopSignal } : {}),
    ...(config.stopTimeout === undefined ? {} : { StopTimeout: config.stopTimeout }),
    // podman's.
    ...(config.timeoutSeconds === undefined ? {} : { Timeout: config.timeoutSeconds }),
    ...secretsOf(config),
  };
}

/** podman's stars in place of the values. */
function hiddenVariablesOf({ secrets = [] }: ContainerConfig): readonly string[] {
  return secrets.flatMap((secret) => (secret.type === "env" ? [`${secret.variable}=*******`] : []));
}

/** podman's key; docker has no such thing. */
function secretsOf({ secrets }: ContainerConfig): JsonObject {
  if (secrets === undefined) return {};
  const mounted = secrets.flatMap((secret) =>
    secret.type === "mount"
      ? [{ Name: secret.name, Target: secret.target, UID: secret.uid, GID: secret.gid, Mode: secret.mode }]
      : [],
  );
  return { Secrets: mounted };
}

/** An --entrypoint clears the image's CMD. */
function commandFromImage({ record, image }: ContainerFacts): readonly string[] | undefined {
  return record.config.entrypoint === undefined ? image.config.Cmd : undefined;
}

function exposedPortsOf({ record, image }: ContainerFacts): JsonObject {
  const ports = [...exposedPorts(record.config, image.config), ...record.config.ports];
  const names = ports.map((port) => `${port.containerPort}/${port.protocol}`);
  if (names.length === 0) return {};
  return { ExposedPorts: Object.fromEntries([...new Set(names)].sort().map((name) => [name, {}])) };
}

function volumesOf({ record, image }: ContainerFacts): JsonObject | null {
  const anonymous = record.config.mounts.flatMap((mount) =>
    mount.type === "volume" && mount.name === undefined ? [mount.target] : [],
  );
  const paths = [...Object.keys(image.config.Volumes ?? {}), ...anonymous];
  return paths.length === 0 ? null : Object.fromEntries(paths.map((path) => [path, {}]));
}

function bindPointOf(mount: MountConfig): JsonObject[] {
  if (mount.type !== "bind") return [];
  return [
    {
      Type: "bind",
      Source: mount.source,
      Destination: mount.target,
      Mode: mount.readOnly && mount.createSource ? "ro" : "",
      RW: !mount.readOnly,
      Propagation: mount.propagation ?? "rprivate",
    },
  ];
}

function imagePointOf(mount: MountConfig): JsonObject[] {
  if (mount.type !== "image") return [];
  return [
    {
      Type: "image",
      Source: mount.source,
      Destination: mount.target,
      Mode: "",
      RW: !mount.readOnly,
      Propagation: "",
    },
  ];
}

function volumePointOf(volume: VolumeMount, { volumesFolder }: ContainerFacts): JsonObject {
  return {
    Type: "volume",
    Name: volume.name,
    Source: join(volumesFolder, volume.name, "_data"),
    Destination: volume.target,
    Driver: "local",
    Mode: volume.readOnly ? "ro" : "z",
    RW: !volume.readOnly,
    Propagation: "",
  };
}

function graphDriverOf({ folder, layerFolders, record, storageDriver }: ContainerFacts): JsonObject {
  if (storageDriver !== "overlay") return { Name: storageDriver, Data: { Dir: join(folder, "rootfs") } };
  return {
    Name: "overlay",
    Data: {
      ID: record.id,
      LowerDir: layerFolders.join(":"),
      UpperDir: join(folder, "upper"),
      WorkDir: join(folder, "work"),
      // The merged tree is a detached mount: only the container's processes have a path to it.
      MergedDir: record.init === undefined ? "" : `/proc/${record.init.pid}/root`,
    },
  };
}

function networkSettingsOf(facts: ContainerFacts): JsonObject {
  const { init, id } = facts.record;
  return {
    Bridge: "",
    SandboxID: init === undefined ? "" : id,
    SandboxKey: init === undefined ? "" : `/proc/${init.pid}/ns/net`,
    Ports: portsOf(facts),
    HairpinMode: false,
    LinkLocalIPv6Address: "",
    LinkLocalIPv6PrefixLen: 0,
    SecondaryIPAddresses: null,
    SecondaryIPv6Addresses: null,
    ...defaultEndpointJson(facts),
    Networks: endpointsJson(facts),
  };
}

/** `{"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}], "443/tcp": null}`. */
function portsOf({ record, ports, image }: ContainerFacts): JsonObject {
  const published: Record<string, JsonObject[] | null> = {};
  for (const { containerPort, protocol } of exposedPorts(record.config, image.config))
    published[`${containerPort}/${protocol}`] = null;
  for (const port of ports) {
    const key = `${port.containerPort}/${port.protocol}`;
    const list = published[key] ?? [];
    list.push({ HostIp: port.hostIp, HostPort: String(port.hostPort) });
    published[key] = list;
  }
  return published;
}

/** docker's spelling of links on the default network: whom, and as what. */
function linksOf({ name, config }: ContainerRecord): readonly string[] | null {
  const links = hostLinksOf(config).map(readLink);
  return links.length === 0 ? null : links.map(({ container, alias }) => `/${container}:/${name}/${alias}`);
}
