/**
 * Where the kernel's control groups are mounted on this host, and where one container's directories are in them.
 *
 * Pure: parses what detect-cgroups.ts reads. Three worlds: v2 (one tree), v1 (a tree a controller or a few), hybrid (v1
 * trees and an unused v2 beside them). See cgroups(7), proc_pid_mountinfo(5).
 */
import { BockerError } from "../errors.ts";

export interface CgroupMount {
  readonly version: 1 | 2;
  readonly directory: string;
  /** v1: as mounted, a named one as `name=systemd`; v2: what the root's cgroup.controllers offers. */
  readonly controllers: readonly string[];
}

export interface CgroupHierarchy {
  readonly mode: "v1" | "v2" | "hybrid" | "none";
  readonly mounts: readonly CgroupMount[];
}

/** One cgroup in all trees: the same path under each mount. */
export interface Cgroup {
  /** `/bocker/ID`. */
  readonly path: string;
  readonly directories: readonly CgroupMount[];
}

/** The cgroup mounts in the text of /proc/self/mountinfo; v2's controllers are not in it. */
export function parseCgroupMounts(mountinfo: string): readonly CgroupMount[] {
  const mounts: CgroupMount[] = [];
  // A tree mounted twice (a container engine's bind mounts) counts once, the first is the usual place.
  const seen = new Set<string>();
  for (const line of mountinfo.split("\n")) {
    const mount = line.includes(" - cgroup") ? parseMountLine(line) : undefined;
    const key = mount === undefined ? "" : `${mount.version} ${mount.controllers.join(",")}`;
    if (mount === undefined || seen.has(key)) continue;
    seen.add(key);
    mounts.push(mount);
  }
  return mounts;
}

/** `36 35 0:31 / /sys/fs/cgroup/pids rw - cgroup cgroup rw,pids`. */
function parseMountLine(line: string): CgroupMount | undefined {
  const separator = line.indexOf(" - ");
  const mountPoint = line.slice(0, separator).split(" ")[4] ?? "";
  const [type, , superOptions = ""] = line.slice(separator + 3).split(" ");
  const directory = mountPoint.includes("\\") ? unescapeOctal(mountPoint) : mountPoint;
  if (directory === "") return undefined;
  if (type === "cgroup2") return { version: 2, directory, controllers: [] };
  const controllers = superOptions
    .split(",")
    .filter((option) => !mountOptions.has(option.split("=", 1)[0] ?? ""));
  return type === "cgroup" && controllers.length > 0 ? { version: 1, directory, controllers } : undefined;
}

/** Options of a v1 mount that are not controllers (cgroups(7); `name=` is one). */
const mountOptions = new Set([
  "rw",
  "ro",
  "none",
  "all",
  "noprefix",
  "clone_children",
  "cpuset_v2_mode",
  "xattr",
  "release_agent",
  "favordynmods",
  "seclabel",
]);

function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 8)),
  );
}

/** Puts mounts and v2's controllers together. A v2 without controllers beside v1 trees is the hybrid. */
export function hierarchyOf(
  mounts: readonly CgroupMount[],
  v2Controllers: readonly string[],
): CgroupHierarchy {
  const filled = mounts.map((mount) =>
    mount.version === 2 ? { ...mount, controllers: v2Controllers } : mount,
  );
  const hasV1 = filled.some(({ version }) => version === 1);
  const hasV2 = filled.some(({ version }) => version === 2);
  if (hasV1) return { mode: hasV2 ? "hybrid" : "v1", mounts: filled };
  return { mode: hasV2 ? "v2" : "none", mounts: filled };
}

/** The container's directory in each tree. Errors: no cgroups, a path that climbs or is systemd's. */
export function resolveCgroup(hierarchy: CgroupHierarchy, cgroupsPath: string): Cgroup {
  if (hierarchy.mode === "none") {
    throw new BockerError("cannot make a cgroup: none is mounted", {
      kind: "unsupported",
      hint: "mount -t cgroup2 none /sys/fs/cgroup",
    });
  }
  const path = cleanCgroupPath(cgroupsPath);
  const directories = hierarchy.mounts.map((mount) => ({ ...mount, directory: mount.directory + path }));
  return { path, directories };
}

/** `bocker//x` to `/bocker/x`. */
function cleanCgroupPath(cgroupsPath: string): string {
  const parts = cgroupsPath.split("/").filter((part) => part !== "" && part !== ".");
  if (parts.length === 0 || parts.includes("..") || /[\0\n]/.test(cgroupsPath)) {
    throw new BockerError(`invalid cgroup path "${cgroupsPath}"`, { kind: "invalid-config" });
  }
  if (cgroupsPath.includes(":")) {
    throw new BockerError(
      `invalid cgroup path "${cgroupsPath}": systemd's slice:prefix:name is not supported`,
      {
        kind: "unsupported",
        hint: "name a path, like /bocker/ID",
      },
    );
  }
  return `/${parts.join("/")}`;
}

/** The directory that holds a controller's files; undefined: it is not there. */
export function controllerDirectory(cgroup: Cgroup, controller: string): CgroupMount | undefined {
  return cgroup.directories.find(({ controllers }) => controllers.includes(controller));
}

/** The v2 directory, with or without controllers: its cgroup.kill and cgroup.freeze work in a hybrid too. */
export function unifiedDirectory(cgroup: Cgroup): string | undefined {
  return cgroup.directories.find(({ version }) => version === 2)?.directory;
}

/** Where a process is: path by controller, `""` for v2. From /proc/PID/cgroup (cgroups(7)). */
export function parseProcessCgroups(text: string): ReadonlyMap<string, string> {
  const paths = new Map<string, string>();
  for (const line of text.split("\n")) {
    const match = /^\d+:([^:]*):(.*)$/.exec(line);
    if (match === null) continue;
    for (const controller of (match[1] ?? "").split(",")) paths.set(controller, match[2] ?? "");
  }
  return paths;
}
