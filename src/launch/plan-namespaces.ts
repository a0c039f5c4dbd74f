/**
 * Which namespaces a container gets: new ones, and those of others by path.
 *
 * Without a user namespace new ones come from clone3 and joined ones follow at once. With one, init stays the host's
 * root while it opens the sources of mounts; only then it enters the user namespace and makes the others in it, so
 * that they belong to it:
 *
 *   clone3(NEWNS) ─▶ join by path ─▶ sources, devices ─▶ setns(user) ─▶ unshare(the rest) ─▶ fork ─▶ file systems
 *
 * Joining is the host's root's too, whoever owns what is joined. The time namespace is entered when its offsets are
 * written (time_namespaces(7)); the cgroup namespace waits until the process is in its cgroup (plan-start.ts).
 */
import { BockerError } from "../errors.ts";
import { firstId } from "../security/id-map.ts";
import type { Spec, SpecNamespace, SpecNamespaceType } from "../spec/oci.ts";
import type { CloneFlag } from "./operation.ts";
import type { PlanBuilder } from "./plan-builder.ts";

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

/** Descriptor name of the container's user namespace, new or joined. */
export const userNamespace = "userns";
const timeOffsets = "timens_offsets";

/** The Spec's entry for a type, if any. */
function namespaceOf(spec: Spec, type: SpecNamespaceType): SpecNamespace | undefined {
  return spec.linux?.namespaces?.find((namespace) => namespace.type === type);
}

/** Whether the Spec asks for a namespace of the container's own. */
export function isNew(spec: Spec, type: SpecNamespaceType): boolean {
  const namespace = namespaceOf(spec, type);
  return namespace !== undefined && namespace.path === undefined;
}

/** Whether the Spec names one to join. */
export function isJoined(spec: Spec, type: SpecNamespaceType): boolean {
  return namespaceOf(spec, type)?.path !== undefined;
}

/** Whether the container's ids are not the host's. */
export function hasUserNamespace(spec: Spec): boolean {
  return namespaceOf(spec, "user") !== undefined;
}

/** A mount namespace in any case, but where one is joined. */
export function cloneFlagsOf(spec: Spec): readonly CloneFlag[] {
  const mount: readonly CloneFlag[] = isJoined(spec, "mount") ? [] : ["CLONE_NEWNS"];
  return hasUserNamespace(spec) ? mount : [...mount, ...ownFlags(spec)];
}

/** New namespaces that wait for nothing. */
function ownFlags(spec: Spec): readonly CloneFlag[] {
  const elsewhere: readonly SpecNamespaceType[] = ["mount", "user", "cgroup", "time"];
  return (spec.linux?.namespaces ?? []).flatMap(({ type, path }) =>
    path === undefined && !elsewhere.includes(type) ? [namespaceFlag[type]] : [],
  );
}

/** Joins namespaces by path. All are opened first: the mount namespace joined may not show the others' paths. */
export function planNamespaces(builder: PlanBuilder, spec: Spec): void {
  const joined = (spec.linux?.namespaces ?? []).filter(
    ({ type, path }) => path !== undefined && type !== "user",
  );
  const opened = joined.map(({ type, path = "" }) => {
    const fd = builder.name(`ns-${type}`);
    const flags = ["O_RDONLY", "O_CLOEXEC"] as const;
    builder.step(joining(type, path)).add({ call: "openat", dirfd: "AT_FDCWD", path, flags, keep: fd });
    return { fd, type, path };
  });
  for (const { fd, type, path } of opened) {
    builder.step(joining(type, path));
    builder.add({ call: "setns", fd, types: [namespaceFlag[type]] }, { call: "close", fd });
  }
  if (isJoined(spec, "pid")) planFork(builder);
  if (isNew(spec, "time")) openTimeOffsets(builder);
  if (!hasUserNamespace(spec)) planTime(builder, spec);
}

function joining(type: SpecNamespaceType, path: string): string {
  return `joining the ${type} namespace ${JSON.stringify(path)}`;
}

/** A pid namespace begins with the children of who entered it. */
function planFork(builder: PlanBuilder): void {
  builder.step("entering the pid namespace").add({ call: "fork" });
}

/**
 * Enters the user namespace as its root and makes the others in it. What needs the host's privileges is done: sources,
 * limits, owners. Nothing to do without one.
 */
export function enterUserNamespace(builder: PlanBuilder, spec: Spec): void {
  if (!hasUserNamespace(spec)) return;
  const { uidMappings = [], gidMappings = [] } = spec.linux ?? {};
  const path = namespaceOf(spec, "user")?.path;
  builder.step(path === undefined ? "entering the user namespace" : joining("user", path));
  builder.add(
    { call: "setns", fd: userNamespace, types: ["CLONE_NEWUSER"] },
    { call: "setresgid", id: firstId(gidMappings) },
    { call: "setresuid", id: firstId(uidMappings) },
  );
  const mount: readonly CloneFlag[] = isJoined(spec, "mount") ? [] : ["CLONE_NEWNS"];
  const flags = [...mount, ...ownFlags(spec)];
  if (flags.length > 0) builder.step("creating the namespaces").add({ call: "unshare", flags });
  planTime(builder, spec);
  if (isNew(spec, "pid")) planFork(builder);
}

/** By the host's root: in a user namespace the file is still root's, since init is not dumpable. */
function openTimeOffsets(builder: PlanBuilder): void {
  const path = "/proc/self/timens_offsets";
  const flags = ["O_WRONLY", "O_CLOEXEC"] as const;
  builder.step("creating the time namespace");
  builder.add({ call: "openat", dirfd: "AT_FDCWD", path, flags, keep: timeOffsets });
}

function planTime(builder: PlanBuilder, spec: Spec): void {
  if (!isNew(spec, "time")) return;
  const text = renderTimeOffsets(spec);
  const entered = builder.name("time");
  const path = "/proc/self/ns/time_for_children";
  builder.step("creating the time namespace").add({ call: "unshare", flags: ["CLONE_NEWTIME"] });
  if (text !== "") builder.step("setting the time offsets").add({ call: "write", fd: timeOffsets, text });
  builder
    .step("entering the time namespace")
    .add(
      { call: "close", fd: timeOffsets },
      { call: "openat", dirfd: "AT_FDCWD", path, flags: ["O_RDONLY", "O_CLOEXEC"], keep: entered },
      { call: "setns", fd: entered, types: ["CLONE_NEWTIME"] },
      { call: "close", fd: entered },
    );
}

/** Lines of /proc/PID/timens_offsets. */
function renderTimeOffsets(spec: Spec): string {
  return Object.entries(spec.linux?.timeOffsets ?? {})
    .map(([clock, { secs = 0, nanosecs = 0 }]) => {
      if (clock !== "monotonic" && clock !== "boottime")
        throw new BockerError(`invalid linux.timeOffsets: no clock "${clock}"`, { kind: "invalid-config" });
      return `${clock} ${secs} ${nanosecs}\n`;
    })
    .join("");
}
