/**
 * The mounts of a container: docker's defaults, the engine's files under /etc, the user's mounts, in mount order.
 *
 * Pure. Sources exist already (the engine makes volumes and missing -v directories); targets are opened by src/launch
 * without following links out of the root.
 */
import type { ContainerConfig, MountConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { isIdentity } from "../security/id-map.ts";
import { defaultMounts } from "./default-paths.ts";
import { cleanPath } from "./merge-process.ts";
import type { SpecMount } from "./oci.ts";
import { mergeTmpfsOptions } from "./tmpfs-option.ts";

/** A directory of the host, or a mount by the options of the volume's driver. */
export type VolumeSource =
  | string
  | { readonly type: "bind" | "tmpfs"; readonly source: string; readonly options: readonly string[] };

export interface MountSources {
  /** Files of the container's own, on the host; absent: not mounted. */
  readonly files: {
    readonly hosts?: string;
    readonly hostname?: string;
    readonly resolvConf?: string;
    /** A time zone; never written. */
    readonly localtime?: string;
  };
  /** What each volume is, by target in the container; the image's declared volumes too. */
  readonly volumes: Readonly<Record<string, VolumeSource>>;
  /** Directories or files with what images hold, and overlays of bound directories, by target. */
  readonly images?: Readonly<Record<string, string>>;
  readonly secrets?: readonly { readonly source: string; readonly target: string }[];
  /** The /dev/shm to share for --ipc host and container:X; absent: one of its own. */
  readonly sharedMemory?: string;
}

export interface MountModes {
  readonly privileged: boolean;
  readonly writableCgroups: boolean;
  /** Options of /proc after the usual ones. */
  readonly proc: readonly string[];
}

/** Defaults that nobody replaced, then the others, parents before children. */
export function specMounts(
  config: ContainerConfig,
  sources: MountSources,
  modes: MountModes,
): readonly SpecMount[] {
  const asked = userMounts(config, sources);
  const targets = new Set(asked.map(({ destination }) => destination));
  const files = etcFiles(config, sources).filter(({ destination }) => !targets.has(destination));
  const replaced = new Set([...targets, ...files.map(({ destination }) => destination)]);
  const defaults = defaultMounts
    .filter(({ destination }) => !replaced.has(destination))
    .filter(({ destination }) => !(targets.has("/dev") && destination.startsWith("/dev/")))
    .flatMap((mount) => defaultMount(mount, config, modes));
  const others = [...files, ...asked].sort((a, b) => depth(a.destination) - depth(b.destination));
  return [...defaults, ...others];
}

function defaultMount(mount: SpecMount, config: ContainerConfig, modes: MountModes): readonly SpecMount[] {
  const options = mount.options ?? [];
  if (mount.destination === "/dev/shm") {
    if (config.ipcMode === "none") return [];
    return [{ ...mount, options: [...options, `size=${config.shmSizeBytes}`] }];
  }
  if (mount.destination === "/proc") return [{ ...mount, options: [...options, ...modes.proc] }];
  const writable = modes.privileged || (mount.type === "cgroup" && modes.writableCgroups);
  if (!writable || (mount.type !== "cgroup" && mount.type !== "sysfs")) return [mount];
  return [{ ...mount, options: options.map((option) => (option === "ro" ? "rw" : option)) }];
}

/** Written through by the container unless its root is read-only, as in docker. */
function etcFiles(config: ContainerConfig, sources: MountSources): readonly SpecMount[] {
  const { hosts, hostname, resolvConf, localtime } = sources.files;
  const files = [
    ["/etc/resolv.conf", resolvConf],
    ["/etc/hostname", hostname],
    ["/etc/hosts", config.noHosts ? undefined : hosts],
    ["/etc/localtime", localtime],
    ["/dev/shm", sources.sharedMemory],
  ] as const;
  return files.flatMap(([destination, source]) => {
    const readOnly = destination === "/etc/localtime" || (config.readOnly && destination !== "/dev/shm");
    const idmap = isMapped(config) && destination !== "/dev/shm" && destination !== "/etc/localtime";
    return source === undefined ? [] : [bindMount(destination, source, { readOnly, idmap })];
  });
}

function userMounts(config: ContainerConfig, sources: MountSources): readonly SpecMount[] {
  const mapped = isMapped(config);
  const configured = config.mounts.map((mount) => userMount(mount, sources, mapped));
  const targets = new Set(configured.map(({ destination }) => destination));
  const declared = Object.entries(sources.volumes)
    .map(([target, source]) => volumeMount(cleanPath(target), source, { idmap: mapped }))
    .filter(({ destination }) => !targets.has(destination));
  const secrets = (sources.secrets ?? []).map(({ source, target }) => secretMount(target, source));
  return [...configured, ...declared, ...secrets];
}

/** What has other ids than on the disk: volumes and the engine's own files. Ids of the host's directories stay. */
function isMapped({ idMaps }: ContainerConfig): boolean {
  return idMaps !== undefined && !isIdentity(idMaps);
}

function userMount(mount: MountConfig, sources: MountSources, mapped: boolean): SpecMount {
  const destination = mountTarget(mount.target);
  switch (mount.type) {
    case "bind":
      return bindMount(
        destination,
        mount.overlay ? madeSource(mount, sources.images?.[mount.target]) : mount.source,
        mount,
      );
    case "tmpfs":
      return { destination, type: "tmpfs", source: "tmpfs", options: mergeTmpfsOptions(mount.options) };
    case "image":
      return bindMount(destination, madeSource(mount, sources.images?.[mount.target]), mount);
    case "volume":
      return volumeMount(destination, madeSource(mount, sources.volumes[mount.target]), {
        ...mount,
        // A part of one is mapped where it is cut out (src/engine/mount-stage.ts).
        idmap: mapped && mount.subpath === undefined,
      });
  }
}

function madeSource<Source>({ type, target }: MountConfig, source: Source | undefined): Source {
  if (source !== undefined) return source;
  throw new BockerError(`cannot mount a ${type} at "${target}": it was not made`, { kind: "internal" });
}

function secretMount(destination: string, source: string): SpecMount {
  const options = ["bind", "ro", "nosuid", "nodev", "noexec", "rprivate"];
  return { destination, type: "bind", source, options };
}

function volumeMount(destination: string, source: VolumeSource, options: BindOptions): SpecMount {
  if (typeof source === "string") return bindMount(destination, source, options);
  const access = options.readOnly === true && !source.options.includes("ro") ? ["ro"] : [];
  return { ...source, destination, options: [...source.options, ...access] };
}

interface BindOptions {
  readonly readOnly?: boolean;
  readonly recursive?: boolean;
  readonly submountsWritable?: boolean;
  readonly propagation?: string;
  readonly idmap?: boolean;
}

/** Private and recursive unless the options say otherwise. */
export function bindMount(destination: string, source: string, options: BindOptions): SpecMount {
  const { readOnly = false, recursive = true, propagation = "rprivate" } = options;
  // What is mounted below the source too, as in docker since 25.
  const access = readOnly ? [recursive && options.submountsWritable !== true ? "rro" : "ro"] : [];
  return {
    destination,
    type: "bind",
    source,
    options: [recursive ? "rbind" : "bind", ...access, propagation, ...(options.idmap ? ["idmap"] : [])],
  };
}

/** Docker's rule and words for what a mount may cover. */
function mountTarget(target: string): string {
  const clean = cleanPath(target);
  if (!target.startsWith("/")) {
    throw new BockerError(`invalid mount path: '${target}' mount path must be absolute`, {
      kind: "invalid-config",
    });
  }
  if (clean === "/") {
    throw new BockerError("invalid specification: destination can't be '/'", { kind: "invalid-config" });
  }
  return clean;
}

function depth(path: string): number {
  return path.split("/").length;
}
