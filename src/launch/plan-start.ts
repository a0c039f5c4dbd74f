/**
 * Spec → LaunchPlan of a container's first process.
 *
 * The order, and why: namespaces that are joined come first; every mount is made detached while the host's tree is
 * still there to take sources from; "/" is made private only then, so that shared volumes keep their peers; the root
 * is attached and pivoted; targets are resolved with no host left to reach; "go" is awaited as late as possible, so
 * that the engine's cgroup and network work runs beside the mounts; whatever needs cgroup or network comes after it,
 * before /proc/sys becomes read-only; privileges go last (plan-process.ts).
 */
import { BockerError } from "../errors.ts";
import type { Spec, SpecLinux, SpecMount, SpecNamespaceType, SpecProcess } from "../spec/oci.ts";
import type { RootfsSource, StartContext } from "./context.ts";
import type { CloneFlag, MountFlag } from "./operation.ts";
import { alwaysInherited, type LaunchPlan } from "./plan.ts";
import { PlanBuilder } from "./plan-builder.ts";
import { planDevices } from "./plan-devices.ts";
import { planMaskedPaths, planReadonlyPaths } from "./plan-hidden-paths.ts";
import {
  attachMount,
  makeTarget,
  mountCgroup,
  orderMounts,
  type PreparedMount,
  prepareMounts,
} from "./plan-mounts.ts";
import { planNetwork } from "./plan-network.ts";
import {
  cgroupTaskNames,
  planCgroupEntry,
  planGuard,
  planOomScore,
  planProcess,
  planSession,
} from "./plan-process.ts";

import { refuseUnsupportedProcess, refuseUnsupportedSpec } from "./unsupported.ts";

/**
 * Plans the start of a container.
 *
 * The caller hands startProcess the descriptors named in the plan's `inherits`: `rootfs` for a ready mount, `devpts`
 * for a console. Throws BockerError for what the Spec asks and bocker cannot do.
 */
export function planStart(spec: Spec, context: StartContext): LaunchPlan {
  const process = requireProcess(spec);
  refuseUnsupportedSpec(spec);
  refuseUnsupportedProcess(process);
  const builder = new PlanBuilder();
  planGuard(builder);
  planCgroupEntry(builder, context);
  planNamespaces(builder, spec);
  planSession(builder, process);
  planOomScore(builder, process);
  builder.step("preparing the root file system").add({ call: "umask", mask: 0 });
  const root = openRootfs(builder, context.rootfs);
  const prepared = prepareMounts(builder, spec, context);
  planPivot(builder, root, context.hostRoot);
  planTree(builder, spec, context, prepared);
  builder.step("waiting for the engine").add({ call: "wait", for: "go" });
  planAfterGo(builder, spec, context, prepared);
  planProcess(builder, process, context, context.init);
  return {
    purpose: "create",
    cloneFlags: cloneFlagsOf(spec),
    inherits: [...alwaysInherited, ...inheritedBy(context)],
    initArgs: context.init ? ["/sbin/bocker-init", "--", ...(process.args ?? [])] : ["bocker:init"],
    operations: builder.operations,
  };
}

function requireProcess(spec: Spec): SpecProcess {
  if (spec.process?.args?.[0] !== undefined) return spec.process;
  throw new BockerError("no command specified", { kind: "invalid-config" });
}

const namespaceFlag: Readonly<Record<SpecNamespaceType, CloneFlag>> = {
  pid: "CLONE_NEWPID",
  network: "CLONE_NEWNET",
  mount: "CLONE_NEWNS",
  ipc: "CLONE_NEWIPC",
  uts: "CLONE_NEWUTS",
  user: "CLONE_NEWUSER",
  cgroup: "CLONE_NEWCGROUP",
  time: "CLONE_NEWTIME",
};

function namespaceOf(spec: Spec, type: SpecNamespaceType) {
  return spec.linux?.namespaces?.find((namespace) => namespace.type === type);
}

function isNew(spec: Spec, type: SpecNamespaceType): boolean {
  const namespace = namespaceOf(spec, type);
  return namespace !== undefined && namespace.path === undefined;
}

/** A mount namespace always; the cgroup one not here: its root is the cgroup the process is in when it is made. */
function cloneFlagsOf(spec: Spec): readonly CloneFlag[] {
  const flags: CloneFlag[] = ["CLONE_NEWNS"];
  for (const { type, path } of spec.linux?.namespaces ?? []) {
    if (path === undefined && type !== "cgroup" && type !== "mount") flags.push(namespaceFlag[type]);
  }
  return flags;
}

/** Joins namespaces by path, the user namespace first; a joined pid namespace takes a fork. */
function planNamespaces(builder: PlanBuilder, spec: Spec): void {
  const joined = (spec.linux?.namespaces ?? []).filter(({ path }) => path !== undefined);
  const ordered = [...joined].sort((a, b) => Number(b.type === "user") - Number(a.type === "user"));
  for (const { type, path = "" } of ordered) {
    const fd = builder.name(`ns-${type}`);
    builder.step(`joining the ${type} namespace ${JSON.stringify(path)}`);
    builder.add(
      { call: "openat", dirfd: "AT_FDCWD", path, flags: ["O_RDONLY", "O_CLOEXEC"], keep: fd },
      { call: "setns", fd, types: [namespaceFlag[type]] },
      { call: "close", fd },
    );
  }
  if (joined.some(({ type }) => type === "pid")) {
    builder.step("entering the pid namespace").add({ call: "fork" });
  }
}

/** Descriptor name of the detached root mount. */
function openRootfs(builder: PlanBuilder, rootfs: RootfsSource): string {
  if (rootfs.kind === "mount") return "rootfs";
  const keep = builder.name("rootfs");
  const flags = ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC", "AT_RECURSIVE"] as const;
  if (rootfs.kind === "directory") {
    builder.add({ call: "open_tree", dirfd: "AT_FDCWD", path: rootfs.path, flags, keep });
    return keep;
  }
  const { lowerdirs, upperdir, workdir, mountPoint } = rootfs;
  privatize(builder);
  const data = `lowerdir=${lowerdirs.join(":")},upperdir=${upperdir},workdir=${workdir}`;
  builder.add(
    { call: "mount", source: "overlay", target: mountPoint, fsType: "overlay", flags: [], data },
    { call: "open_tree", dirfd: "AT_FDCWD", path: mountPoint, flags, keep },
    { call: "umount2", target: mountPoint, flags: ["MNT_DETACH"] },
  );
  return keep;
}

/** Nothing done from here on can propagate to the host. */
function privatize(builder: PlanBuilder): void {
  builder.step("making the mount tree private");
  builder.add({
    call: "mount",
    source: null,
    target: "/",
    fsType: null,
    flags: ["MS_REC", "MS_PRIVATE"],
    data: "",
  });
}

/** The new root goes on top of the old, which is then swapped below it and dropped (pivot_root(2), "pivot_root(".", ".")"). */
function planPivot(builder: PlanBuilder, root: string, hostRoot: StartContext["hostRoot"]): void {
  privatize(builder);
  builder.step("pivoting into the root file system");
  const flags = ["MOVE_MOUNT_F_EMPTY_PATH"] as const;
  builder.add(
    { call: "move_mount", fromFd: root, from: "", toFd: "AT_FDCWD", to: "/", flags },
    { call: "fchdir", fd: root },
  );
  if (hostRoot === "ramfs") builder.add({ call: "chroot", path: "." });
  else {
    builder.add(
      { call: "pivot_root", newRoot: ".", putOld: "." },
      { call: "umount2", target: ".", flags: ["MNT_DETACH"] },
    );
  }
  builder.add({ call: "chdir", path: "/" }, { call: "close", fd: root });
}

/** What needs neither cgroup nor network. */
function planTree(
  builder: PlanBuilder,
  spec: Spec,
  context: StartContext,
  prepared: readonly PreparedMount[],
): void {
  const early = new Set(orderMounts(spec.mounts ?? []).early);
  for (const each of prepared) if (early.has(each.mount)) attachMount(builder, each, context);
  planDevices(builder, spec, context);
  const cwd = spec.process?.cwd ?? "/";
  builder.step(`creating the working directory ${JSON.stringify(cwd)}`);
  makeTarget(builder, cwd, "directory");
  planNames(builder, spec);
}

function planNames(builder: PlanBuilder, spec: Spec): void {
  if (!isNew(spec, "uts")) return;
  if (spec.hostname !== undefined && spec.hostname !== "") {
    builder
      .step(`sethostname ${JSON.stringify(spec.hostname)}`)
      .add({ call: "sethostname", name: spec.hostname });
  }
  if (spec.domainname !== undefined && spec.domainname !== "") {
    builder.step("setting the domain name").add({ call: "setdomainname", name: spec.domainname });
  }
}

function planAfterGo(
  builder: PlanBuilder,
  spec: Spec,
  context: StartContext,
  prepared: readonly PreparedMount[],
): void {
  const linux: SpecLinux = spec.linux ?? {};
  if (isNew(spec, "cgroup")) {
    builder.step("creating the cgroup namespace").add({ call: "unshare", flags: ["CLONE_NEWCGROUP"] });
  }
  for (const mount of orderMounts(spec.mounts ?? []).late) attachLate(builder, mount, context, prepared);
  if (isNew(spec, "network")) planNetwork(builder, context.network);
  for (const [name, value] of Object.entries(linux.sysctl ?? {})) planSysctl(builder, name, value);
  planReadonlyPaths(builder, linux.readonlyPaths ?? [], context.kernel);
  planMaskedPaths(builder, linux.maskedPaths ?? []);
  planRootMount(builder, spec);
}

function attachLate(
  builder: PlanBuilder,
  mount: SpecMount,
  context: StartContext,
  prepared: readonly PreparedMount[],
): void {
  const ready = prepared.find((each) => each.mount === mount);
  if (ready !== undefined) attachMount(builder, ready, context);
  else if (context.cgroup !== undefined) mountCgroup(builder, mount, context.cgroup);
}

/** Docker writes `net.ipv4.ip_forward`; a name with slashes keeps the dots of an interface's name (sysctl.d(5)). */
function planSysctl(builder: PlanBuilder, name: string, value: string): void {
  const path = `/proc/sys/${sysctlPath(name)}`;
  const fd = builder.name("sysctl");
  builder.step(`open ${path}`);
  builder.add(
    { call: "openat", dirfd: "AT_FDCWD", path, flags: ["O_WRONLY", "O_NOFOLLOW", "O_CLOEXEC"], keep: fd },
    { call: "write", fd, text: value },
    { call: "close", fd },
  );
}

function sysctlPath(name: string): string {
  const slash = name.indexOf("/");
  const dot = name.indexOf(".");
  if (slash !== -1 && (dot === -1 || slash < dot)) return name;
  return name.replace(/[./]/g, (separator) => (separator === "." ? "/" : "."));
}

/** Propagation that was asked for, then read-only: last, since mounts below were still to be made. */
function planRootMount(builder: PlanBuilder, spec: Spec): void {
  const remount = { call: "mount", source: null, target: "/", fsType: null, data: "" } as const;
  const propagation = spec.linux?.rootfsPropagation;
  const flag: Readonly<Record<string, MountFlag>> = {
    shared: "MS_SHARED",
    slave: "MS_SLAVE",
    unbindable: "MS_UNBINDABLE",
  };
  const wanted = propagation === undefined ? undefined : flag[propagation.replace(/^r/, "")];
  if (wanted !== undefined) {
    builder.step(`making the root ${propagation}`).add({ ...remount, flags: [wanted] });
  }
  if (spec.root?.readonly === true) {
    builder
      .step("making the root read-only")
      .add({ ...remount, flags: ["MS_REMOUNT", "MS_BIND", "MS_RDONLY"] });
  }
}

function inheritedBy(context: StartContext): readonly string[] {
  const names: string[] = [];
  if (context.rootfs.kind === "mount") names.push("rootfs");
  if (context.console !== undefined) names.push("devpts");
  return [...names, ...cgroupTaskNames(context)];
}
