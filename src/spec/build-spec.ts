/**
 * ContainerConfig and image config to the OCI runtime Spec: everything docker decides about a container, in one value.
 *
 * Pure: what must be looked up (users, volumes, devices, namespaces to join) comes in resolved. The seccomp policy is
 * passed through, for printing; the way to a container takes the compiled filter (src/security/seccomp.ts). Follows
 * moby 28's daemon and the runtime spec 1.2.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import type { ImageProcessConfig } from "../image/image-config.ts";
import { capabilitySetsFor, resolveCapabilities } from "../security/capability.ts";
import { allowAllDevices, defaultDeviceRules } from "../security/device-rule.ts";
import { rlimitType } from "../security/rlimit.ts";
import type { DeviceNumbers } from "./block-io.ts";
import { networkSysctls } from "./default-paths.ts";
import { hiddenPathsOf } from "./hidden-paths.ts";
import { mergeProcess, processEnvironment } from "./merge-process.ts";
import {
  type NamespaceModes,
  type NamespacePaths,
  namespaceModes,
  specNamespaces,
} from "./namespace-mode.ts";
import type { Spec, SpecDevice, SpecDeviceRule, SpecLinux, SpecProcess, SpecSeccomp } from "./oci.ts";
import { specResources } from "./resources.ts";
import { parseSecurityOptions, type SecurityOptions } from "./security-option.ts";
import { bindMount, type MountSources, specMounts } from "./spec-mounts.ts";
import type { ResolvedUser } from "./user.ts";

export interface SpecInput {
  readonly config: ContainerConfig;
  readonly image: ImageProcessConfig;
  readonly resolved: ResolvedContainer;
}

/** What the engine found out on the host and in the image. */
export interface ResolvedContainer extends MountSources {
  readonly user: ResolvedUser;
  /** The container's, or the host's with --uts host. */
  readonly hostname: string;
  /** The root file system on the host; informative where it is a detached mount. */
  readonly rootfs: string;
  /** `/bocker/ID`. */
  readonly cgroupsPath: string;
  /** This process's bounding set (parseBoundingSet). */
  readonly boundingCapabilities: bigint;
  /** Can memory plus swap be limited here? */
  readonly swapLimit: boolean;
  /** Of the block devices that limits name; absent: they name none. */
  readonly blockDevices?: DeviceNumbers;
  readonly namespaces?: NamespacePaths;
  readonly consoleSize?: { readonly height: number; readonly width: number };
  /** What --device names, found on the host. */
  readonly devices?: readonly ResolvedDevice[];
  /** All of the host's, for --privileged. */
  readonly hostDevices?: readonly SpecDevice[];
  /** More to hide: each /sys/devices/system/cpu/cpuN/thermal_throttle there is. */
  readonly maskedPaths?: readonly string[];
  readonly seccomp?: SpecSeccomp;
  /** Absent: none. */
  readonly apparmorProfile?: string;
  /** `K=V` of secrets; the last word on a variable. */
  readonly secretEnv?: readonly string[];
}

export interface ResolvedDevice {
  readonly device: SpecDevice;
  /** Some of `r`, `w`, `m`. */
  readonly access: string;
  /** Where the host has it; absent: there, too. */
  readonly hostPath?: string;
}

/** Throws what mergeProcess, resolveCapabilities, parseSecurityOptions and namespaceModes throw. */
export function buildSpec({ config, image, resolved }: SpecInput): Spec {
  const modes = namespaceModes(config);
  const security = parseSecurityOptions(config.securityOpt);
  const ownUts = modes.uts.kind === "private";
  return {
    ociVersion: "1.2.0",
    process: specProcess(config, image, resolved, security),
    root: { path: resolved.rootfs, readonly: config.readOnly },
    ...(ownUts ? { hostname: resolved.hostname } : {}),
    ...(ownUts && config.domainname ? { domainname: config.domainname } : {}),
    mounts: [
      ...specMounts(config, resolved, {
        privileged: config.privileged,
        writableCgroups: security.writableCgroups,
        proc: security.proc,
      }),
      ...movedDevices(config, resolved).map(({ device, hostPath = device.path }) =>
        bindMount(device.path, hostPath, {}),
      ),
    ],
    ...(Object.keys(config.annotations).length === 0 ? {} : { annotations: config.annotations }),
    linux: specLinux(config, resolved, modes, security),
  };
}

function specProcess(
  config: ContainerConfig,
  image: ImageProcessConfig,
  resolved: ResolvedContainer,
  security: SecurityOptions,
): SpecProcess {
  const merged = mergeProcess(config, image);
  const { user } = resolved;
  const names = resolveCapabilities({
    privileged: config.privileged,
    capAdd: config.capAdd,
    capDrop: config.capDrop,
    bounding: resolved.boundingCapabilities,
  });
  const rlimits = config.ulimits.map(({ name, soft, hard }) => ({ type: rlimitType(name), soft, hard }));
  const env = processEnvironment([...merged.env, ...(resolved.secretEnv ?? [])], {
    hostname: resolved.hostname,
    tty: config.tty,
    home: user.home,
  });
  return {
    terminal: config.tty,
    ...(config.tty && resolved.consoleSize ? { consoleSize: resolved.consoleSize } : {}),
    user: {
      uid: user.uid,
      gid: user.gid,
      additionalGids: user.additionalGids,
      ...(config.umask === undefined ? {} : { umask: config.umask }),
    },
    args: merged.args,
    env,
    cwd: merged.cwd,
    capabilities: capabilitySetsFor(names, user.uid),
    ...(rlimits.length === 0 ? {} : { rlimits }),
    noNewPrivileges: security.noNewPrivileges,
    ...(resolved.apparmorProfile === undefined ? {} : { apparmorProfile: resolved.apparmorProfile }),
    oomScoreAdj: config.oomScoreAdj ?? 0,
  };
}

function specLinux(
  config: ContainerConfig,
  resolved: ResolvedContainer,
  modes: NamespaceModes,
  security: SecurityOptions,
): SpecLinux {
  const propagation = rootfsPropagation(config);
  const { seccomp } = resolved;
  return {
    sysctl: sysctls(config, modes, security),
    cgroupsPath: resolved.cgroupsPath,
    resources: specResources(config.resources, {
      devices: deviceRules(config, resolved),
      swapLimit: resolved.swapLimit,
      ...(resolved.blockDevices === undefined ? {} : { blockDevices: resolved.blockDevices }),
    }),
    namespaces: specNamespaces(modes, resolved.namespaces ?? {}),
    ...config.idMaps,
    devices: containerDevices(config, resolved),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...(propagation === undefined ? {} : { rootfsPropagation: propagation }),
    ...hiddenPathsOf(config, security, resolved.maskedPaths),
  };
}

/** The user's win over the defaults, which only a network namespace of the container's own gets. */
function sysctls(
  config: ContainerConfig,
  modes: NamespaceModes,
  { proc }: SecurityOptions,
): Readonly<Record<string, string>> {
  // A /proc of processes alone, or a read-only one, has no place for them.
  const hasSysctls = !proc.includes("subset=pid") && proc.findLast((word) => /^r[ow]$/.test(word)) !== "ro";
  const takesDefaults = modes.network.kind === "private" && hasSysctls;
  const foreign = Object.keys(config.sysctls).find(
    (name) => name.startsWith("net.") && modes.network.kind === "host",
  );
  if (foreign !== undefined) {
    throw new BockerError(`sysctl "${foreign}" not allowed in host network namespace`, {
      kind: "invalid-config",
    });
  }
  return { ...(takesDefaults ? defaultSysctls(config) : {}), ...config.sysctls };
}

/** A user namespace has no ids for the whole range of groups that may ping; docker leaves it out there too. */
function defaultSysctls({ idMaps }: ContainerConfig): Readonly<Record<string, string>> {
  if (idMaps === undefined) return networkSysctls;
  const { "net.ipv4.ping_group_range": _range, ...others } = networkSysctls;
  return others;
}

function deviceRules(config: ContainerConfig, resolved: ResolvedContainer): readonly SpecDeviceRule[] {
  if (config.privileged) return [allowAllDevices];
  const added = (resolved.devices ?? []).map(({ device, access }): SpecDeviceRule => {
    const { type, major, minor } = device;
    return {
      allow: true,
      type: type === "b" ? "b" : "c",
      ...(major === undefined ? {} : { major }),
      ...(minor === undefined ? {} : { minor }),
      access,
    };
  });
  return [...defaultDeviceRules(), ...added, ...(config.deviceRules ?? []).map(askedRule)];
}

/** `c 10:* rwm`; a number that is left out is every one. */
function askedRule(text: string): SpecDeviceRule {
  const [, type = "", major = "", minor = "", access = ""] = /^(.) (\S+):(\S+) (\w+)$/.exec(text) ?? [];
  return {
    allow: true,
    type: type === "a" || type === "b" ? type : "c",
    ...(major === "*" ? {} : { major: Number(major) }),
    ...(minor === "*" ? {} : { minor: Number(minor) }),
    access,
  };
}

/** In a user namespace no node can be made: the host's is bound, and a runtime looks for that under the same path. */
function movedDevices(
  config: ContainerConfig,
  { devices = [] }: ResolvedContainer,
): readonly ResolvedDevice[] {
  if (config.idMaps === undefined) return [];
  return devices.filter(({ device, hostPath = device.path }) => hostPath !== device.path);
}

function containerDevices(config: ContainerConfig, resolved: ResolvedContainer): readonly SpecDevice[] {
  const all = resolved.devices ?? [];
  const moved = new Set(movedDevices(config, resolved));
  const asked = all.filter((each) => !moved.has(each)).map(({ device }) => device);
  if (!config.privileged) return asked;
  const paths = new Set(all.map(({ device }) => device.path));
  return [...(resolved.hostDevices ?? []).filter(({ path }) => !paths.has(path)), ...asked];
}

/** The root must pass on what a shared or slave bind mount receives. */
function rootfsPropagation(config: ContainerConfig): SpecLinux["rootfsPropagation"] {
  const asked = config.mounts.flatMap((mount) => (mount.type === "bind" ? [mount.propagation ?? ""] : []));
  if (asked.some((propagation) => propagation.endsWith("shared"))) return "shared";
  return asked.some((propagation) => propagation.endsWith("slave")) ? "slave" : undefined;
}
