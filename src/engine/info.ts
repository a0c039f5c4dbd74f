/**
 * `info`: what the engine has, and what it chose on this host, each choice with its reason.
 *
 * Keys are those of the Docker Engine API's SystemInfo where they mean the same here.
 */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { detectCgroups, hasSwapLimit } from "../cgroup/detect-cgroups.ts";
import type { CgroupHierarchy } from "../cgroup/hierarchy.ts";
import { messageOf } from "../errors.ts";
import { cpuCount, hostName, kernelVersion, totalMemoryBytes } from "../host/host-facts.ts";
import { loadFirewall } from "../network/choose-firewall.ts";
import { listImages } from "../state/image.ts";
import { fileSystemName, selectDriver } from "../storage/select-driver.ts";
import type { Engine } from "./engine.ts";
import { loadContainers } from "./find-container.ts";
import type { JsonObject } from "./inspect-host-config.ts";

export interface EngineInfo extends JsonObject {
  readonly Containers: number;
  readonly ContainersRunning: number;
  readonly ContainersPaused: number;
  readonly ContainersStopped: number;
  readonly Images: number;
  readonly Driver: string;
  readonly DriverStatus: readonly (readonly [name: string, value: string])[];
  readonly CgroupDriver: "cgroupfs" | "none";
  readonly CgroupVersion: "1" | "2" | "";
  readonly FirewallBackend: {
    readonly Driver: string;
    readonly Info: readonly (readonly [string, string])[];
  };
  readonly KernelVersion: string;
  readonly OperatingSystem: string;
  readonly OSType: string;
  readonly Architecture: string;
  readonly NCPU: number;
  readonly MemTotal: number;
  readonly Name: string;
  readonly RootDir: string;
  readonly Warnings: readonly string[];
}

/** Looks, and changes nothing but the record of containers that died. */
export async function loadInfo(engine: Engine, version: string): Promise<EngineInfo> {
  const { paths, settings } = engine;
  const containers = await loadContainers(engine);
  const count = (...statuses: readonly string[]) =>
    containers.filter(({ status }) => statuses.includes(status)).length;
  const running = count("running", "restarting");
  const paused = count("paused");
  const driver = selectDriver(paths, settings.storageDriver);
  const hierarchy = detectCgroups();
  return {
    ID: machineId(),
    Containers: containers.length,
    ContainersRunning: running,
    ContainersPaused: paused,
    ContainersStopped: containers.length - running - paused,
    Images: listImages(engine.state).length,
    Driver: driver.name,
    DriverStatus: [
      ["Backing Filesystem", fileSystemName(paths.root)],
      ["Reason", driver.reason],
    ],
    LoggingDriver: "json-file",
    CgroupDriver: hierarchy.mode === "none" ? "none" : "cgroupfs",
    CgroupVersion: cgroupVersion(hierarchy),
    FirewallBackend: firewallOf(engine),
    ...limitsOf(hierarchy),
    NCPU: cpuCount(),
    MemTotal: totalMemoryBytes(),
    KernelVersion: kernelVersion().release,
    ...operatingSystem(),
    OSType: "linux",
    Architecture: process.arch === "arm64" ? "aarch64" : "x86_64",
    IndexServerAddress: "https://index.docker.io/v1/",
    RegistryConfig: {
      InsecureRegistryCIDRs: ["127.0.0.0/8", "::1/128"],
      Mirrors: settings.registries.mirrors["docker.io"] ?? [],
    },
    SecurityOptions: ["name=seccomp,profile=builtin", ...(hierarchy.mode === "v2" ? ["name=cgroupns"] : [])],
    Name: hostName(),
    RootDir: paths.root,
    DockerRootDir: paths.root,
    RunRoot: paths.run,
    ServerVersion: version,
    DefaultRuntime: "bocker",
    InitBinary: "bocker",
    LiveRestoreEnabled: true,
    ExperimentalBuild: false,
    Debug: false,
    Warnings: warningsOf(hierarchy),
  };
}

function cgroupVersion({ mode }: CgroupHierarchy): EngineInfo["CgroupVersion"] {
  if (mode === "none") return "";
  return mode === "v2" ? "2" : "1";
}

function firewallOf({ settings }: Engine): EngineInfo["FirewallBackend"] {
  try {
    const { firewall, reasons } = loadFirewall(settings.network);
    return { Driver: firewall.name, Info: reasons.map((reason) => ["Reason", reason]) };
  } catch (error) {
    return { Driver: "none", Info: [["Reason", messageOf(error)]] };
  }
}

function limitsOf(hierarchy: CgroupHierarchy): JsonObject {
  const has = (name: string) => hierarchy.mounts.some(({ controllers }) => controllers.includes(name));
  return {
    MemoryLimit: has("memory"),
    SwapLimit: hasSwapLimit(hierarchy),
    CpuCfsPeriod: has("cpu"),
    CpuCfsQuota: has("cpu"),
    CPUShares: has("cpu"),
    CPUSet: has("cpuset"),
    PidsLimit: has("pids"),
    IPv4Forwarding: readText("/proc/sys/net/ipv4/ip_forward") === "1",
  };
}

function warningsOf(hierarchy: CgroupHierarchy): readonly string[] {
  if (hierarchy.mode === "none") return ["WARNING: No cgroups: limits cannot be kept"];
  const missing: readonly (readonly [controller: string, text: string])[] = [
    ["memory", "WARNING: No memory limit support"],
    ["cpu", "WARNING: No cpu cfs quota support"],
    ["cpuset", "WARNING: No cpuset support"],
    ["pids", "WARNING: No pids limit support"],
  ];
  const has = (name: string) => hierarchy.mounts.some(({ controllers }) => controllers.includes(name));
  const swap = has("memory") && !hasSwapLimit(hierarchy) ? ["WARNING: No swap limit support"] : [];
  return [...missing.flatMap(([name, text]) => (has(name) ? [] : [text])), ...swap];
}

/** os-release(5). */
function operatingSystem(): { readonly OperatingSystem: string; readonly OSVersion: string } {
  const path = ["/etc/os-release", "/usr/lib/os-release"].find((each) => existsSync(each));
  const text = path === undefined ? "" : readFileSync(path, "utf8");
  const value = (key: string) => new RegExp(`^${key}=["']?(.*?)["']?$`, "m").exec(text)?.[1] ?? "";
  return { OperatingSystem: value("PRETTY_NAME") || "Linux", OSVersion: value("VERSION_ID") };
}

/** machine-id(5); absent in small systems. */
function machineId(): string {
  return readText(join("/etc", "machine-id"));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return "";
  }
}
