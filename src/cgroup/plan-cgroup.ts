/**
 * Everything that has to be written to make one container's cgroup, in order: directories from the root down, v2
 * controllers switched on for the children, v1 cpusets filled, then the limits.
 *
 * Pure. A crash between two steps leaves directories below our parent, which sweep-cgroups.ts removes once the container is
 * known to be gone; only the container's own directories are undone, the parents are shared.
 */
import { BockerError } from "../errors.ts";
import type { HostStep } from "../host/step.ts";
import { deviceWrites } from "../security/device-rule.ts";
import type { SpecResources } from "../spec/oci.ts";
import {
  type Cgroup,
  type CgroupHierarchy,
  type CgroupMount,
  controllerDirectory,
  resolveCgroup,
} from "./hierarchy.ts";
import type { LimitWrite } from "./limit-write.ts";
import { limitsV1 } from "./limits-v1.ts";
import { limitsV2 } from "./limits-v2.ts";

/** What must be known of the cpuset tree of v1, whose new directories start empty and useless. */
export interface CpusetFacts {
  /** Of the nearest ancestor that has some. */
  readonly cpus: string;
  readonly mems: string;
  /** Ancestors' paths (`/bocker`) that have none yet. */
  readonly empty: readonly string[];
}

/** v2 controllers worth switching on for containers; what the kernel lacks is left out. */
const delegated = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"];

const directoryMode = 0o755;

/**
 * The steps that make the cgroup and set its limits. `cpuset` is needed where a v1 cpuset tree is mounted. On v2 the
 * device rules are a program, attached by createCgroup.
 * Errors: a limit whose controller is not there, or that this version of cgroups has no file for.
 */
export function planCgroup(
  hierarchy: CgroupHierarchy,
  cgroupsPath: string,
  resources: SpecResources,
  cpuset?: CpusetFacts,
): readonly HostStep[] {
  const cgroup = resolveCgroup(hierarchy, cgroupsPath);
  return [
    ...hierarchy.mounts.flatMap((mount) => makeDirectories(mount, cgroup.path, cpuset)),
    ...planLimits(cgroup, resources),
    ...planDevices(cgroup, resources),
  ];
}

/** The limits alone: for `update` too, where -1 takes one away. */
export function planLimits(cgroup: Cgroup, resources: SpecResources): readonly HostStep[] {
  return limitsFor(cgroup, resources).map((limit) => limitStep(cgroup, limit));
}

function makeDirectories(
  mount: CgroupMount,
  path: string,
  cpuset: CpusetFacts | undefined,
): readonly HostStep[] {
  const paths = ancestorsOf(path);
  const isCpuset = mount.version === 1 && mount.controllers.includes("cpuset");
  const ancestors = paths.flatMap((ancestor) => [
    makeDirectory(mount, ancestor, false),
    ...(isCpuset && cpuset?.empty.includes(ancestor) === true
      ? fillCpuset(mount.directory + ancestor, cpuset)
      : []),
  ]);
  return [
    ...delegations(mount, ["", ...paths], ancestors),
    makeDirectory(mount, path, true),
    ...(isCpuset && cpuset !== undefined ? fillCpuset(mount.directory + path, cpuset) : []),
  ];
}

/** Puts the subtree_control writes of v2 behind each directory's mkdir. */
function delegations(
  mount: CgroupMount,
  paths: readonly string[],
  made: readonly HostStep[],
): readonly HostStep[] {
  const wanted = delegated.filter((controller) => mount.controllers.includes(controller));
  if (mount.version === 1 || wanted.length === 0) return made;
  const enable = paths.map((path) => delegateTo(mount.directory + path, wanted));
  return enable.flatMap((step, index) => (index === 0 ? [step] : [...made.slice(index - 1, index), step]));
}

function delegateTo(directory: string, controllers: readonly string[]): HostStep {
  return {
    label: `enable cgroup controllers ${controllers.join(", ")} below ${directory}`,
    kind: "write",
    path: `${directory}/cgroup.subtree_control`,
    data: controllers.map((controller) => `+${controller}`).join(" "),
  };
}

function makeDirectory(mount: CgroupMount, path: string, own: boolean): HostStep {
  const directory = mount.directory + path;
  return {
    label: `make cgroup ${directory}`,
    kind: "mkdir",
    path: directory,
    mode: directoryMode,
    ignore: ["EEXIST"],
    ...(own ? { undo: { kind: "rmdir", path: directory } } : {}),
  };
}

/** mems before cpus or after is the same; both must be there before a process can enter. */
function fillCpuset(directory: string, { cpus, mems }: CpusetFacts): readonly HostStep[] {
  return [
    { label: `fill cpuset of ${directory}`, kind: "write", path: `${directory}/cpuset.cpus`, data: cpus },
    { label: `fill cpuset of ${directory}`, kind: "write", path: `${directory}/cpuset.mems`, data: mems },
  ];
}

/** `/a/b/c` to `/a`, `/a/b`. */
function ancestorsOf(path: string): readonly string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

/** Each resource in the words of the version its controller is mounted as. */
function limitsFor(cgroup: Cgroup, resources: SpecResources): readonly LimitWrite[] {
  const versions = new Set(cgroup.directories.map(({ version }) => version));
  if (!versions.has(1)) return limitsV2(resources);
  if (controllerDirectory(cgroup, "hugetlb")?.version !== 2) return limitsV1(resources);
  const { hugepageLimits = [], ...others } = resources;
  return [...limitsV1(others), ...limitsV2({ hugepageLimits })];
}

function limitStep(cgroup: Cgroup, { controller, file, data }: LimitWrite): HostStep {
  const mount = controllerDirectory(cgroup, controller);
  // cgroup.* files are there without a controller.
  const directory =
    mount?.directory ?? (controller === "cgroup" ? cgroup.directories[0]?.directory : undefined);
  if (directory === undefined) {
    throw new BockerError(`cannot set ${file}: the cgroup controller "${controller}" is not available`, {
      kind: "unsupported",
      hint: `the kernel here offers: ${cgroup.directories.flatMap(({ controllers }) => controllers).join(", ")}`,
    });
  }
  return {
    label: `set ${controller} limit ${file} to ${data}`,
    kind: "write",
    path: `${directory}/${file}`,
    data,
  };
}

function planDevices(cgroup: Cgroup, { devices = [] }: SpecResources): readonly HostStep[] {
  const mount = controllerDirectory(cgroup, "devices");
  if (mount === undefined) return [];
  return deviceWrites(devices).map(({ file, line }) => ({
    label: `${file === "devices.allow" ? "allow" : "deny"} device ${line}`,
    kind: "write",
    path: `${mount.directory}/${file}`,
    data: line,
  }));
}
