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

/** What is there already. */
export interface CgroupFacts {
  /** Directories of ancestors that exist; others are made. */
  readonly existing: ReadonlySet<string>;
  readonly cpuset?: CpusetFacts;
  /** Processes in the v2 tree's top, where that is not the machine's root but a container's, say; absent: none. */
  readonly topProcesses?: readonly number[];
}

/** What must be known of the cpuset tree of v1, whose new directories start empty and useless. */
export interface CpusetFacts {
  /** Of the nearest ancestor that has some. */
  readonly cpus: string;
  readonly mems: string;
  /** Ancestors' paths (`/bocker`) that have none yet. */
  readonly empty: readonly string[];
}

const nothingThere: CgroupFacts = { existing: new Set() };

/** v2 controllers worth switching on for containers; what the kernel lacks is left out. */
const delegated = ["cpuset", "cpu", "io", "memory", "hugetlb", "pids", "rdma", "misc"];

const directoryMode = 0o755;

/**
 * The steps that make the cgroup and set its limits. `facts.cpuset` is needed where a v1 cpuset tree is mounted. On v2
 * the device rules are a program, attached by createCgroup.
 * Errors: a limit whose controller is not there, or that this version of cgroups has no file for.
 */
export function planCgroup(
  hierarchy: CgroupHierarchy,
  cgroupsPath: string,
  resources: SpecResources,
  facts: CgroupFacts = nothingThere,
): readonly HostStep[] {
  const cgroup = resolveCgroup(hierarchy, cgroupsPath);
  const ancestors = ancestorsOf(cgroup.path);
  const steps: HostStep[] = [];
  for (const mount of hierarchy.mounts) {
    if (mount.version === 2) planRoom(steps, mount, facts);
    planDirectories(steps, mount, ancestors, facts, passedOn(hierarchy, mount, resources));
  }
  for (const mount of cgroup.directories) planOwnDirectory(steps, mount, facts);
  for (const limit of limitsFor(cgroup, resources)) steps.push(limitStep(cgroup, limit));
  planDevices(steps, cgroup, resources);
  return steps;
}

/** The limits alone: for `update` too, where -1 takes one away. */
export function planLimits(cgroup: Cgroup, resources: SpecResources): readonly HostStep[] {
  return limitsFor(cgroup, resources).map((limit) => limitStep(cgroup, limit));
}

/** `/a/b/c` to `/a`, `/a/b`. */
export function ancestorsOf(path: string): readonly string[] {
  const parts = path.split("/").slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join("/")}`);
}

/**
 * A cgroup other than the machine's root passes controllers on only when no process is in it (cgroup-v2.rst, "No Internal
 * Process Constraint"). So what shares a container with bocker moves one down, as in other engines' images.
 */
function planRoom(steps: HostStep[], { directory }: CgroupMount, { topProcesses = [] }: CgroupFacts): void {
  if (topProcesses.length === 0) return;
  const leaf = `${directory}/init`;
  steps.push(makeDirectory(leaf));
  for (const pid of topProcesses) {
    const label = `move process ${pid} out of the way, to ${leaf}`;
    const path = `${leaf}/cgroup.procs`;
    steps.push({ label, kind: "write", path, data: String(pid), ignore: ["ESRCH"] });
  }
}

/** The ancestors, from the root down: made, v1 cpusets filled, v2 controllers passed on. They are shared: no undo. */
function planDirectories(
  steps: HostStep[],
  mount: CgroupMount,
  ancestors: readonly string[],
  { existing, cpuset }: CgroupFacts,
  controllers: readonly string[],
): void {
  if (controllers.length > 0) steps.push(delegateTo(mount.directory, controllers));
  for (const ancestor of ancestors) {
    const directory = mount.directory + ancestor;
    if (!existing.has(directory)) steps.push(makeDirectory(directory));
    if (isCpuset(mount) && cpuset?.empty.includes(ancestor)) fillCpuset(steps, directory, cpuset);
    if (controllers.length > 0) steps.push(delegateTo(directory, controllers));
  }
}

/**
 * The v2 controllers to enable from the root down: all that limits may need, but beside v1 trees only what this
 * container does need. There the v2 tree is somebody else's (crun refuses one with controllers).
 */
function passedOn(
  { mode }: CgroupHierarchy,
  mount: CgroupMount,
  { hugepageLimits = [], unified = {} }: SpecResources,
): readonly string[] {
  if (mount.version === 1) return [];
  const offered = delegated.filter((name) => mount.controllers.includes(name));
  if (mode !== "hybrid") return offered;
  const needed = Object.keys(unified).map(controllerOf);
  if (hugepageLimits.length > 0) needed.push("hugetlb");
  return offered.filter((name) => needed.includes(name));
}

/** `hugetlb` of `hugetlb.2MB.max`. */
function controllerOf(file: string): string {
  return file.split(".", 1)[0] ?? "";
}

function planOwnDirectory(steps: HostStep[], mount: CgroupMount, { cpuset }: CgroupFacts): void {
  const { directory } = mount;
  steps.push({ ...makeDirectory(directory), undo: { kind: "rmdir", path: directory } });
  if (isCpuset(mount) && cpuset !== undefined) fillCpuset(steps, directory, cpuset);
}

function isCpuset(mount: CgroupMount): boolean {
  return mount.version === 1 && mount.controllers.includes("cpuset");
}

function delegateTo(directory: string, controllers: readonly string[]): HostStep {
  return {
    label: `enable cgroup controllers ${controllers.join(", ")} below ${directory}`,
    kind: "write",
    path: `${directory}/cgroup.subtree_control`,
    data: `+${controllers.join(" +")}`,
  };
}

function makeDirectory(directory: string): HostStep {
  return {
    label: `make cgroup ${directory}`,
    kind: "mkdir",
    path: directory,
    mode: directoryMode,
    ignore: ["EEXIST"],
  };
}

/** Both must be there before a process can enter. */
function fillCpuset(steps: HostStep[], directory: string, { cpus, mems }: CpusetFacts): void {
  const label = `fill cpuset of ${directory}`;
  steps.push({ label, kind: "write", path: `${directory}/cpuset.cpus`, data: cpus });
  steps.push({ label, kind: "write", path: `${directory}/cpuset.mems`, data: mems });
}

/** Each resource in the words of the version its controller is mounted as. */
function limitsFor(cgroup: Cgroup, resources: SpecResources): readonly LimitWrite[] {
  const versions = new Set(cgroup.directories.map(({ version }) => version));
  if (!versions.has(1)) return limitsV2(resources);
  const isOnV2 = (controller: string): boolean => controllerDirectory(cgroup, controller)?.version === 2;
  const { hugepageLimits = [], unified = {}, ...others } = resources;
  const files = Object.entries(unified);
  const v1 = {
    ...others,
    unified: Object.fromEntries(files.filter(([file]) => !isOnV2(controllerOf(file)))),
    ...(isOnV2("hugetlb") ? {} : { hugepageLimits }),
  };
  const v2 = {
    unified: Object.fromEntries(files.filter(([file]) => isOnV2(controllerOf(file)))),
    ...(isOnV2("hugetlb") ? { hugepageLimits } : {}),
  };
  return [...limitsV1(v1), ...limitsV2(v2)];
}

function limitStep(cgroup: Cgroup, { controller, file, data, instead }: LimitWrite): HostStep {
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
    ...(instead && { instead: { path: `${directory}/${instead.file}`, data: instead.data } }),
  };
}

function planDevices(steps: HostStep[], cgroup: Cgroup, { devices = [] }: SpecResources): void {
  const directory = controllerDirectory(cgroup, "devices")?.directory;
  if (directory === undefined) return;
  for (const { file, line } of deviceWrites(devices)) {
    const label = `${file === "devices.allow" ? "allow" : "deny"} device ${line}`;
    steps.push({ label, kind: "write", path: `${directory}/${file}`, data: line });
  }
}
