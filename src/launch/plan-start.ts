/**
 * Spec → LaunchPlan of a container's first process.
 *
 * The order, and why: namespaces that are joined come first; every mount is made detached while the host's tree is
 * still there to take sources from, and what takes the host's privileges is done before a user namespace is entered
 * (plan-sources.ts); "/" is made private only then, so that shared volumes keep their peers; the root is attached and
 * pivoted; targets are resolved with no host left to reach; "go" is awaited as late as possible, so that the engine's
 * cgroup and network work runs beside the mounts; whatever needs cgroup or network comes after it, before /proc/sys
 * becomes read-only; privileges go last (plan-process.ts).
 */
import { BockerError } from "../errors.ts";
import { hostIdOf } from "../security/id-map.ts";
import type { Spec, SpecLinux, SpecMount, SpecProcess } from "../spec/oci.ts";
import { checkProcess, checkSeccompFlags, checkSpec, notifies } from "./check-spec.ts";
import type { StartContext } from "./context.ts";
import { hasWayOut, makeTarget } from "./make-target.ts";
import { alwaysInherited, type LaunchPlan } from "./plan.ts";
import { planLimits, planOomScore, planPersonality, planStdio } from "./plan-attributes.ts";
import { PlanBuilder } from "./plan-builder.ts";
import { mountCgroup } from "./plan-cgroup-view.ts";
import { planCopyUps } from "./plan-copy-up.ts";
import { ownsDev, planDevices } from "./plan-devices.ts";
import { gateNames, preservedNames } from "./plan-gate.ts";
import { planMaskedPaths, planReadonlyPaths } from "./plan-hidden-paths.ts";
import { attachMount, orderMounts, type SourceContext } from "./plan-mounts.ts";
import { cloneFlagsOf, hasUserNamespace, isNew, planNamespaces } from "./plan-namespaces.ts";
import { planNetwork } from "./plan-network.ts";
import { cgroupTaskNames, planCgroupEntry, planGuard, planProcess, planSession } from "./plan-process.ts";
import { enterRoot, openRootfs, planRootMount } from "./plan-root.ts";
import { planSources, type Sources } from "./plan-sources.ts";
import { planIdMaps } from "./user-namespace.ts";

/**
 * Plans the start of a container.
 *
 * The caller hands startProcess the descriptors named in the plan's `inherits`: `rootfs` for a ready mount, `devpts`
 * for a console. Throws BockerError for what the Spec asks and cannot be.
 */
export function planStart(spec: Spec, context: StartContext): LaunchPlan {
  const process = requireProcess(spec);
  checkSpec(spec, context);
  checkProcess(process, context);
  const { userNamespaces, idMapped } = planIdMaps(spec);
  const { copyUps, copiedUp } = planCopyUps(spec, context.rootfs);
  const names = [...userNamespaces, ...copyUps].map(({ name }) => name);
  const inherits = [...alwaysInherited, ...names, ...inheritedBy(context)];
  const builder = new PlanBuilder(hasWayOut(spec));
  planGuard(builder);
  planCgroupEntry(builder, context);
  planOomScore(builder, process);
  if (hasUserNamespace(spec)) planAsHost(builder, spec, process, context);
  planNamespaces(builder, spec);
  builder.step("preparing the root file system").add({ call: "umask", mask: 0 });
  const root = openRootfs(builder, context, spec);
  const sources = planSources(builder, spec, { ...context, idMapped, copiedUp, ...labelOf(spec) });
  planSession(builder, process);
  enterRoot(builder, root, spec, context, () => planTree(builder, spec, context, sources));
  builder.step("waiting for the engine").add({ call: "wait", for: "go" });
  planAfterGo(builder, spec, context, sources);
  planPersonality(builder, spec.linux?.personality);
  const userNamespace = hasUserNamespace(spec);
  planProcess(builder, process, {
    ...context,
    ...seccompOf(spec),
    memoryPolicy: spec.linux?.memoryPolicy,
    userNamespace,
    inherits,
  });
  return {
    purpose: "create",
    cloneFlags: cloneFlagsOf(spec),
    inherits,
    userNamespaces,
    copyUps,
    initArgs: context.init ? ["/sbin/bocker-init", "--", ...(process.args ?? [])] : ["bocker:init"],
    operations: builder.operations,
  };
}

/** What a user namespace's root may not do any more: raise limits, give the host's streams away. */
function planAsHost(builder: PlanBuilder, spec: Spec, process: SpecProcess, context: StartContext): void {
  planLimits(builder, process);
  const { uidMappings = [] } = spec.linux ?? {};
  const uid = hostIdOf(uidMappings, process.user.uid);
  if (uid !== undefined) planStdio(builder, { ...process.user, uid }, context);
}

function labelOf(spec: Spec): Pick<SourceContext, "mountLabel"> {
  const mountLabel = spec.linux?.mountLabel ?? "";
  return mountLabel === "" ? {} : { mountLabel };
}

function seccompOf({ linux }: Spec): Pick<StartContext, "seccompFlags" | "listener"> {
  const seccompFlags = checkSeccompFlags(linux?.seccomp?.flags);
  return notifies(linux?.seccomp) ? { seccompFlags, listener: true } : { seccompFlags };
}

function requireProcess(spec: Spec): SpecProcess {
  if (spec.process?.args?.[0] !== undefined) return spec.process;
  throw new BockerError("no command specified", { kind: "invalid-config" });
}

/** What needs neither cgroup nor network. */
function planTree(
  builder: PlanBuilder,
  spec: Spec,
  context: StartContext,
  { mounts, devices }: Sources,
): void {
  const early = new Set(orderMounts(spec.mounts ?? []).early);
  for (const each of mounts) if (early.has(each.mount)) attachMount(builder, each, context);
  planDevices(builder, spec, context, devices);
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

function planAfterGo(builder: PlanBuilder, spec: Spec, context: StartContext, sources: Sources): void {
  const linux: SpecLinux = spec.linux ?? {};
  if (isNew(spec, "cgroup")) {
    builder.step("creating the cgroup namespace").add({ call: "unshare", flags: ["CLONE_NEWCGROUP"] });
  }
  for (const mount of orderMounts(spec.mounts ?? []).late) attachLate(builder, mount, context, sources);
  if (isNew(spec, "network")) planNetwork(builder, context.network);
  for (const [name, value] of Object.entries(linux.sysctl ?? {})) planSysctl(builder, name, value);
  planReadonlyPaths(builder, linux.readonlyPaths ?? [], context.kernel);
  planMaskedPaths(builder, linux.maskedPaths ?? [], ownsDev(spec));
  planRootMount(builder, spec, context);
}

function attachLate(
  builder: PlanBuilder,
  mount: SpecMount,
  context: StartContext,
  { mounts, cgroups }: Sources,
): void {
  const ready = mounts.find((each) => each.mount === mount);
  if (ready !== undefined) attachMount(builder, ready, context);
  else if (context.cgroup !== undefined) mountCgroup(builder, mount, context.cgroup, cgroups);
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

function inheritedBy(context: StartContext): readonly string[] {
  const names: string[] = [];
  if (context.rootfs.kind === "mount") names.push("rootfs");
  if (context.console !== undefined) names.push("devpts");
  names.push(...(context.staged ?? []).map(({ fd }) => fd));
  if (context.gate === true) names.push(...gateNames);
  return [...names, ...cgroupTaskNames(context), ...preservedNames(context)];
}
