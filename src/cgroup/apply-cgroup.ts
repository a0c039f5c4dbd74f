/**
 * Makes a container's cgroup, and changes its limits. How a process gets in: open-cgroup.ts.
 */
import { existsSync, readFileSync } from "node:fs";
import { attachDeviceProgram as bpfAttach, loadDeviceProgram } from "../../ffi/bpf.ts";
import { closeQuietly, openat } from "../../ffi/file.ts";
import { openFlags } from "../../ffi/flags.ts";
import { BockerError } from "../errors.ts";
import { applySteps, undoSteps } from "../host/apply-steps.ts";
import type { HostStep } from "../host/step.ts";
import { compileDeviceProgram } from "../security/device-program.ts";
import { matchesAll } from "../security/device-rule.ts";
import type { SpecResources } from "../spec/oci.ts";
import { tryReadFile, tryWriteFile } from "./cgroup-file.ts";
import {
  type Cgroup,
  type CgroupHierarchy,
  controllerDirectory,
  resolveCgroup,
  unifiedDirectory,
} from "./hierarchy.ts";
import { ancestorsOf, type CgroupFacts, type CpusetFacts, planCgroup, planLimits } from "./plan-cgroup.ts";
import { inWriteOrder } from "./write-order.ts";

/**
 * Makes the directories and sets the limits, synchronously (0.5 ms on eight v1 trees). All or nothing: after a failure
 * the container's directories are gone again. A cgroup of this name that a crash left is taken over.
 */
export function createCgroup(
  hierarchy: CgroupHierarchy,
  cgroupsPath: string,
  resources: SpecResources,
): Cgroup {
  const cgroup = resolveCgroup(hierarchy, cgroupsPath);
  const steps = withRoom(() => {
    const planned = planCgroup(hierarchy, cgroupsPath, resources, loadCgroupFacts(hierarchy, cgroup.path));
    applyLimits(planned);
    return planned;
  });
  try {
    attachDeviceProgram(cgroup, resources);
  } catch (error) {
    undoSteps(steps);
    throw error;
  }
  return cgroup;
}

/** Again while processes that are to make room go on forking. */
function withRoom<Result>(attempt: () => Result, tries = 5): Result {
  try {
    return attempt();
  } catch (error) {
    const isBusy = error instanceof BockerError && errnoOf(error.cause) === "EBUSY";
    if (!isBusy || tries === 1) throw error;
    return withRoom(attempt, tries - 1);
  }
}

/** Changes the limits of a running container; those not named stay. -1 takes one away. */
export function applyResources(cgroup: Cgroup, resources: SpecResources): void {
  const { devices: _devices, ...limits } = resources;
  applyLimits(inWriteOrder(cgroup, resources, planLimits(cgroup, limits)));
}

/** What the kernel says no to is for the user to know, and no fault of the host. */
function applyLimits(steps: readonly HostStep[]): void {
  try {
    applySteps(steps);
  } catch (error) {
    const hint = error instanceof BockerError ? hintFor(error) : undefined;
    if (!(error instanceof BockerError) || hint === undefined) throw error;
    throw new BockerError(error.message, { kind: "unsupported", cause: error, hint });
  }
}

function hintFor({ message, cause }: BockerError): string | undefined {
  const errno = errnoOf(cause);
  if (errno === "ENOENT") return "this kernel's cgroups have no such file; leave the limit out";
  if (errno === "EINVAL" && message.includes("cpu.rt_")) {
    return "real-time CPU is shared out from above: give more to cpu.rt_runtime_us of the cgroups above this one first";
  }
  return undefined;
}

function errnoOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

/**
 * Moves a process that is already running: slow (see open-cgroup.ts), for processes that bocker did not start. False: a tree's
 * directory, or the process, is gone.
 */
export function joinCgroup(cgroup: Cgroup, hostPid: number): boolean {
  return cgroup.directories.every(({ directory }) =>
    tryWriteFile(`${directory}/cgroup.procs`, String(hostPid)),
  );
}

/** What planCgroup needs to know of the trees as they are. */
export function loadCgroupFacts(hierarchy: CgroupHierarchy, path: string): CgroupFacts {
  const existing = new Set<string>();
  for (const ancestor of ancestorsOf(path)) {
    for (const mount of hierarchy.mounts) {
      const directory = mount.directory + ancestor;
      if (existsSync(directory)) existing.add(directory);
    }
  }
  const cpuset = loadCpusetFacts(hierarchy, path);
  return { existing, ...(cpuset === undefined ? {} : { cpuset }), topProcesses: loadTopProcesses(hierarchy) };
}

/** The machine's root, which has no cgroup.type, may have processes and children with controllers. */
function loadTopProcesses({ mode, mounts }: CgroupHierarchy): readonly number[] {
  const top = mounts[0]?.directory ?? "";
  if (mode !== "v2" || !existsSync(`${top}/cgroup.type`)) return [];
  const pids = (tryReadFile(`${top}/cgroup.procs`) ?? "").split("\n").map(Number);
  // 0 stands for processes of other pid namespaces.
  return pids.filter((pid) => pid > 0);
}

/** Reads the v1 cpuset tree from the parent upwards; undefined where there is none. */
function loadCpusetFacts(hierarchy: CgroupHierarchy, path: string): CpusetFacts | undefined {
  const mount = hierarchy.mounts.find(
    ({ version, controllers }) => version === 1 && controllers.includes("cpuset"),
  );
  if (mount === undefined) return undefined;
  const empty: string[] = [];
  for (let parent = parentOf(path); parent !== ""; parent = parentOf(parent)) {
    const cpus = tryReadFile(`${mount.directory}${parent}/cpuset.cpus`)?.trim();
    const mems = tryReadFile(`${mount.directory}${parent}/cpuset.mems`)?.trim();
    if (cpus && mems) return { cpus, mems, empty };
    empty.unshift(parent);
  }
  const root = (file: string): string => readFileSync(`${mount.directory}/${file}`, "utf8").trim();
  return { cpus: root("cpuset.cpus"), mems: root("cpuset.mems"), empty };
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf("/"));
}

/** v2 has no device list: a program answers for it. Nothing to attach when everything is allowed. */
function attachDeviceProgram(cgroup: Cgroup, { devices = [] }: SpecResources): void {
  const unified = unifiedDirectory(cgroup);
  if (unified === undefined || controllerDirectory(cgroup, "devices") !== undefined) return;
  const last = devices.findLastIndex(matchesAll);
  if (devices.length === 0 || (last === devices.length - 1 && devices[last]?.allow === true)) return;
  const directory = openat(-1, unified, openFlags.O_RDONLY | openFlags.O_DIRECTORY);
  let program: number | undefined;
  try {
    program = loadDeviceProgram(compileDeviceProgram(devices));
    bpfAttach(program, directory);
  } finally {
    closeQuietly(program, directory);
  }
}
