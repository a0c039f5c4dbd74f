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
import type { Spec, SpecLinux, SpecMount, SpecProcess } from "../spec/oci.ts";
import type { StartContext } from "./context.ts";
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
import { cloneFlagsOf, isNew, planNamespaces } from "./plan-namespaces.ts";
import { planNetwork } from "./plan-network.ts";
import {
  cgroupTaskNames,
  gateNames,
  planCgroupEntry,
  planGuard,
  planOomScore,
  planProcess,
  planSession,
  preservedNames,
} from "./plan-process.ts";
import { enterRoot, openRootfs, planRootMount, privatize } from "./plan-root.ts";
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
  const prepared = planSources(builder, spec, context);
  enterRoot(builder, root, spec, context, () => planTree(builder, spec, context, prepared));
  builder.step("waiting for the engine").add({ call: "wait", for: "go" });
  planAfterGo(builder, spec, context, prepared);
  planProcess(builder, process, context);
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

/** Every mount, ready and detached, in the Spec's order. The tree is private from then on. */
function planSources(builder: PlanBuilder, spec: Spec, context: StartContext): readonly PreparedMount[] {
  const { staged = [] } = context;
  const mounts = spec.mounts ?? [];
  const isStaged = ({ source = "" }: SpecMount) =>
    staged.some(({ path }) => source === path || source.startsWith(`${path}/`));
  const ready = prepareMounts(
    builder,
    mounts.filter((mount) => !isStaged(mount)),
    context,
  );
  privatize(builder);
  if (staged.length === 0) return ready;
  const flags = ["MOVE_MOUNT_F_EMPTY_PATH"] as const;
  for (const { fd, path } of staged) {
    builder
      .step(`staging a mount at ${JSON.stringify(path)}`)
      .add({ call: "move_mount", fromFd: fd, from: "", toFd: "AT_FDCWD", to: path, flags });
  }
  const late = prepareMounts(builder, mounts.filter(isStaged), context);
  return mounts.flatMap((mount) => [...ready, ...late].find((each) => each.mount === mount) ?? []);
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

function inheritedBy(context: StartContext): readonly string[] {
  const names: string[] = [];
  if (context.rootfs.kind === "mount") names.push("rootfs");
  if (context.console !== undefined) names.push("devpts");
  names.push(...(context.staged ?? []).map(({ fd }) => fd));
  if (context.gate === true) names.push(...gateNames);
  return [...names, ...cgroupTaskNames(context), ...preservedNames(context)];
}
