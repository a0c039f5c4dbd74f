/**
 * docker's types of what `inspect` shows (moby's api/types), as far as templates can tell them from JSON: fields that JSON leaves
 * out or names otherwise, nil that prints as `[]`, structs that print as `{a b}`, durations. Pure; only for `--format`.
 */
import { renderDuration } from "../image/duration.ts";
import { GoStringer, GoStruct, goMap, NilList, NilMap, NilPointer } from "./template/go-value.ts";
import type { TemplateValue } from "./template/value.ts";

type Json = Readonly<Record<string, unknown>>;

/**
 * `Name=Key:Type` for each field, `=Key` where JSON has another name. No type is a string; `int`, `bool`, `[]`T, `map`T, `*`T;
 * T alone is one of these structs.
 */
const structs: Readonly<Record<string, string>> = {
  Container:
    "ID=Id Created Path Args:[] State:*State Image ResolvConfPath HostnamePath HostsPath LogPath Name " +
    "RestartCount:int Driver Platform MountLabel ProcessLabel AppArmorProfile ExecIDs:[] HostConfig:*HostConfig " +
    "GraphDriver:GraphDriver SizeRw:* SizeRootFs:* Mounts:[]MountPoint Config:*Config " +
    "NetworkSettings:*NetworkSettings",
  State:
    "Status Running:bool Paused:bool Restarting:bool OOMKilled:bool Dead:bool Pid:int ExitCode:int Error " +
    "StartedAt FinishedAt Health:*Health",
  Health: "Status FailingStreak:int Log:[]*HealthResult",
  HealthResult: "Start:time End:time ExitCode:int Output",
  GraphDriver: "Data:map Name",
  MountPoint: "Type Name Source Destination Driver Mode RW:bool Propagation",
  Config:
    "Hostname Domainname User AttachStdin:bool AttachStdout:bool AttachStderr:bool ExposedPorts:mapEmpty Tty:bool " +
    "OpenStdin:bool StdinOnce:bool Env:[] Cmd:[] Healthcheck:*Healthcheck ArgsEscaped:bool Image Volumes:mapEmpty " +
    "WorkingDir Entrypoint:[] NetworkDisabled:bool MacAddress OnBuild:[] Labels:map StopSignal StopTimeout:* Shell:[]",
  Empty: "",
  Healthcheck:
    "Test:[] Interval:duration Timeout:duration StartPeriod:duration StartInterval:duration Retries:int",
  HostConfig:
    "Binds:[] ContainerIDFile LogConfig:LogConfig NetworkMode PortBindings:map[]PortBinding " +
    "RestartPolicy:RestartPolicy AutoRemove:bool VolumeDriver VolumesFrom:[] ConsoleSize:[] Annotations:map CapAdd:[] " +
    "CapDrop:[] CgroupnsMode DNS=Dns:[] DNSOptions=DnsOptions:[] DNSSearch=DnsSearch:[] ExtraHosts:[] GroupAdd:[] " +
    "IpcMode Cgroup Links:[] OomScoreAdj:int PidMode Privileged:bool PublishAllPorts:bool ReadonlyRootfs:bool " +
    "SecurityOpt:[] StorageOpt:map Tmpfs:map UTSMode UsernsMode ShmSize:int Sysctls:map Runtime Isolation " +
    "CPUShares=CpuShares:int Memory:int NanoCPUs=NanoCpus:int CgroupParent BlkioWeight:int " +
    "BlkioWeightDevice:[]*WeightDevice BlkioDeviceReadBps:[]*ThrottleDevice BlkioDeviceWriteBps:[]*ThrottleDevice " +
    "BlkioDeviceReadIOps:[]*ThrottleDevice BlkioDeviceWriteIOps:[]*ThrottleDevice CPUPeriod=CpuPeriod:int " +
    "CPUQuota=CpuQuota:int CPURealtimePeriod=CpuRealtimePeriod:int CPURealtimeRuntime=CpuRealtimeRuntime:int " +
    "CpusetCpus CpusetMems Devices:[]DeviceMapping DeviceCgroupRules:[] DeviceRequests:[]DeviceRequest " +
    "MemoryReservation:int MemorySwap:int MemorySwappiness:* OomKillDisable:* PidsLimit:* Ulimits:[]ulimit " +
    "Mounts:[]Mount MaskedPaths:[] ReadonlyPaths:[] Init:*",
  LogConfig: "Type Config:map",
  PortBinding: "HostIP=HostIp HostPort",
  RestartPolicy: "Name MaximumRetryCount:int",
  WeightDevice: "Path Weight:int",
  ThrottleDevice: "Path Rate:int",
  DeviceMapping: "PathOnHost PathInContainer CgroupPermissions",
  DeviceRequest: "Driver Count:int DeviceIDs:[] Capabilities:[][] Options:map",
  Mount:
    "Type Source Target ReadOnly:bool Consistency BindOptions:*BindOptions VolumeOptions:*VolumeOptions ImageOptions:*ImageOptions " +
    "TmpfsOptions:* ClusterOptions:*",
  BindOptions:
    "Propagation NonRecursive:bool CreateMountpoint:bool ReadOnlyNonRecursive:bool ReadOnlyForceRecursive:bool",
  VolumeOptions: "NoCopy:bool Labels:map Subpath DriverConfig:*",
  ImageOptions: "Subpath",
  NetworkSettings:
    "Bridge SandboxID SandboxKey Ports:map[]PortBinding HairpinMode:bool LinkLocalIPv6Address " +
    "LinkLocalIPv6PrefixLen:int SecondaryIPAddresses:[]Address SecondaryIPv6Addresses:[]Address EndpointID Gateway " +
    "GlobalIPv6Address GlobalIPv6PrefixLen:int IPAddress IPPrefixLen:int IPv6Gateway MacAddress Networks:map*Endpoint",
  Address: "Addr PrefixLen:int",
  Endpoint:
    "IPAMConfig:*EndpointIPAM Links:[] Aliases:[] MacAddress DriverOpts:map GwPriority:int NetworkID EndpointID Gateway " +
    "IPAddress IPPrefixLen:int IPv6Gateway GlobalIPv6Address GlobalIPv6PrefixLen:int DNSNames:[]",
  EndpointIPAM: "IPv4Address IPv6Address LinkLocalIPs:[]",
  Image:
    "ID=Id RepoTags:[] RepoDigests:[] Parent Comment Created DockerVersion Author Config:*Config Architecture Variant " +
    "Os OsVersion Size:int GraphDriver:GraphDriver RootFS:RootFS Metadata:Metadata",
  RootFS: "Type Layers:[]",
  Metadata: "LastTagTime:time",
  Network:
    "Name ID=Id Created:time Scope Driver EnableIPv4:bool EnableIPv6:bool IPAM:IPAM Internal:bool Attachable:bool " +
    "Ingress:bool ConfigFrom:ConfigReference ConfigOnly:bool Containers:mapEndpointResource Options:map Labels:map " +
    "Peers:[] Services:map",
  IPAM: "Driver Options:map Config:[]IPAMConfig",
  IPAMConfig: "Subnet IPRange Gateway AuxAddress=AuxiliaryAddresses:map",
  ConfigReference: "Network",
  EndpointResource: "Name EndpointID MacAddress IPv4Address IPv6Address",
  Volume:
    "ClusterVolume:* CreatedAt Driver Labels:map Mountpoint Name Options:map Scope Status:map UsageData:*UsageData",
  UsageData: "RefCount:int Size:int",
};

/** A key that only objects of that kind have. */
const marks: Readonly<Record<string, string>> = {
  HostConfig: "Container",
  RootFS: "Image",
  IPAM: "Network",
  Mountpoint: "Volume",
};

/** An object of `inspect` as a template sees it in docker; undefined: docker has none such. */
export function goView(object: unknown): TemplateValue {
  if (!isObject(object)) return undefined;
  const [, name] = Object.entries(marks).find(([key]) => Object.hasOwn(object, key)) ?? [];
  return name === undefined ? undefined : viewOf(object, name);
}

function viewOf(value: unknown, type: string): TemplateValue {
  if (type.startsWith("[]")) return listView(value, type.slice(2));
  if (type.startsWith("map")) return mapView(value, type.slice(3));
  if (type.startsWith("*")) return isNothing(value) ? new NilPointer() : viewOf(value, type.slice(1));
  const scalar = scalars[type];
  if (scalar !== undefined) return scalar(value);
  return structView(isObject(value) ? value : {}, type);
}

function isNothing(value: unknown): boolean {
  return value === undefined || value === null;
}

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function listView(value: unknown, type: string): TemplateValue {
  return Array.isArray(value) ? value.map((each) => viewOf(each, type)) : new NilList();
}

function mapView(value: unknown, type: string): TemplateValue {
  if (!isObject(value)) return new NilMap();
  const entries = Object.entries(value).map(([key, each]) => [key, viewOf(each, type)] as const);
  return goMap(entries, viewOf(undefined, type));
}

function structView(value: Json, name: string): GoStruct {
  const words = structs[name]?.split(" ").filter((word) => word !== "") ?? [];
  const fields = words.map((word) => {
    const [names = "", type = ""] = word.split(":");
    const [field = "", key = field] = names.split("=");
    return [field, viewOf(value[key], type)] as const;
  });
  return new GoStruct(value, name, new Map(fields));
}

/** What JSON leaves out has Go's zero value. */
const scalars: Readonly<Record<string, (value: unknown) => TemplateValue>> = {
  "": (value) => value ?? "",
  int: (value) => value ?? 0,
  bool: (value) => value ?? false,
  duration: (value) => new GoStringer(value, renderDuration(Number(value ?? 0))),
  time: (value) => new GoStringer(value, goTime(String(value ?? "0001-01-01T00:00:00Z"))),
  ulimit: (value) => new GoStringer(value, ulimitText(value)),
};

/** time.Time's String: `2026-01-02 15:04:05.25 +0000 UTC`. */
function goTime(text: string): string {
  const [date = "", time = ""] = text.split("T");
  const zone = /[+-]\d{2}:\d{2}$/.exec(time)?.[0].replace(":", "");
  const clock = time.replace(/(?:Z|[+-]\d{2}:\d{2})$/, "");
  return zone === undefined || zone === "+0000"
    ? `${date} ${clock} +0000 UTC`
    : `${date} ${clock} ${zone} ${zone}`;
}

function ulimitText(value: unknown): string {
  const { Name, Soft, Hard } = isObject(value) ? value : {};
  return `${Name}=${Soft}:${Hard}`;
}
