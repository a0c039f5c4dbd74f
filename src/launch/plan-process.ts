/**
 * The last part of every plan, shared by start and exec: from the finished namespaces to execve as the right user.
 *
 * The order is runc's and carries the safety: limits and the keyring while there are privileges; seccomp before the
 * capabilities go where no_new_privs does not allow it later; the bounding set before the uid; the working directory
 * verified after every namespace is joined; every descriptor close-on-exec; the death signal after the uid change,
 * which clears it (prctl(2)).
 */

import { capabilityMask, capabilityNames } from "../security/capability.ts";
import type { SpecProcess } from "../spec/oci.ts";
import type { ProcessContext } from "./context.ts";
import { executableCandidates } from "./executable.ts";
import {
  planAttributes,
  planKeyring,
  planLabels,
  planLimits,
  planMemoryPolicy,
  planStdio,
} from "./plan-attributes.ts";
import type { PlanBuilder } from "./plan-builder.ts";
import { planFind, planGate, planPreserved } from "./plan-gate.ts";

const SIGKILL = 9;
const allCapabilities = 2n ** 64n - 1n;
const PR_CAP_AMBIENT_RAISE = 2;
const PR_CAP_AMBIENT_CLEAR_ALL = 4;

/** First of all: nobody in a namespace that is about to be joined may trace init or read its memory. */
export function planGuard(builder: PlanBuilder): void {
  builder.step("protecting init").add({ call: "prctl", option: "PR_SET_DUMPABLE", argument: 0 });
}

/** A new session, and standard input as its terminal. */
export function planSession(builder: PlanBuilder, process: SpecProcess): void {
  builder.step("creating a session").add({ call: "setsid" });
  if (process.terminal !== true) return;
  builder.step("setting the controlling terminal").add({ call: "ioctl", fd: 0, request: "TIOCSCTTY" });
}

/**
 * Moves init into the container's v1 cgroups, before anything it makes could be charged to the engine's: writing "0"
 * to `tasks` of a process with one thread costs microseconds, where a pid written to cgroup.procs by another waits
 * for an RCU grace period (5-20 ms, measured). The descriptors are `tasks0`, `tasks1` … On v2, clone3 has done it.
 *
 * An init that may wait long at a gate lets go of them, and of its plan, which it has mapped by now: other processes meet
 * it there.
 */
export function planCgroupEntry(
  builder: PlanBuilder,
  context: ProcessContext & { readonly gate?: true },
): void {
  const names = cgroupTaskNames(context);
  for (const fd of names) builder.step("entering the cgroup").add({ call: "write", fd, text: "0" });
  if (context.gate !== true) return;
  builder.step("closing what init needs no more");
  for (const fd of ["tape", ...names]) builder.add({ call: "close", fd });
}

/** Names of the descriptors that planCgroupEntry writes to. */
export function cgroupTaskNames(context: ProcessContext): readonly string[] {
  return Array.from({ length: context.cgroupTasks ?? 0 }, (_, index) => `tasks${index}`);
}

export interface ProcessPlanContext extends ProcessContext {
  readonly keyring?: string;
  readonly gate?: true;
  readonly init?: boolean;
  /** The process is in one of its own: what the host's privileges are needed for has been done before it entered it. */
  readonly userNamespace?: boolean;
  /** The plan's. */
  readonly inherits: readonly string[];
}

/** Limits, identity, privileges, filter, execve. */
export function planProcess(builder: PlanBuilder, process: SpecProcess, context: ProcessPlanContext): void {
  const gate = planPreserved(builder, context);
  if (context.userNamespace !== true) planLimits(builder, process);
  planAttributes(builder, process);
  planMemoryPolicy(builder, context.memoryPolicy);
  planKeyring(builder, context.keyring);
  if (context.userNamespace !== true) planStdio(builder, process.user, context);
  planLabels(builder, process, context);
  // Before the filter, which need not know calls that only an engine makes.
  builder.step("setting the umask").add({ call: "umask", mask: process.user.umask ?? 0o022 });
  planCloseOnExec(builder, context);
  const noNewPrivileges = process.noNewPrivileges === true;
  if (noNewPrivileges) {
    builder.step("setting no_new_privs").add({ call: "prctl", option: "PR_SET_NO_NEW_PRIVS", argument: 1 });
  } else planSeccomp(builder, context);
  planIdentity(builder, process, context);
  if (context.dieWithParent) {
    builder.step("setting the parent death signal");
    builder.add({ call: "prctl", option: "PR_SET_PDEATHSIG", argument: SIGKILL, argumentName: "SIGKILL" });
  }
  if (context.gate === true) planFind(builder, process);
  if (noNewPrivileges) planSeccomp(builder, context);
  if (gate !== undefined) planGate(builder, gate);
  planExecve(builder, process, context);
}

/** No descriptor of the host's gets past execve; those that init opened itself never would. */
function planCloseOnExec(builder: PlanBuilder, context: ProcessPlanContext): void {
  const { kernel, preserveFds = 0, inherits } = context;
  builder.step("closing inherited descriptors");
  if (kernel.closeRangeCloexec) {
    builder.add({ call: "close_range", first: 3 + preserveFds, flags: ["CLOSE_RANGE_CLOEXEC"] });
    return;
  }
  // The first ones have been replaced by what is passed on. Some are closed already.
  for (const fd of inherits.slice(preserveFds)) {
    builder.add({ call: "fcntl", fd, command: "F_SETFD", argument: "FD_CLOEXEC", ignore: ["EBADF"] });
  }
}

/** A filter that notifies needs its listener handed over before anything it traps can go on. */
function planSeccomp(builder: PlanBuilder, { seccomp, seccompFlags = [], listener }: ProcessContext): void {
  if (seccomp === undefined) return;
  builder.step("loading the seccomp filter");
  if (listener !== true) {
    builder.add({ call: "seccomp", flags: seccompFlags, filter: seccomp });
    return;
  }
  // The kernel takes no TSYNC together with a listener; there is one thread.
  const flags = seccompFlags.filter((flag) => flag !== "SECCOMP_FILTER_FLAG_TSYNC");
  builder.add(
    {
      call: "seccomp",
      flags: [...flags, "SECCOMP_FILTER_FLAG_NEW_LISTENER"],
      filter: seccomp,
      keep: "listener",
    },
    { call: "report", reached: "listener", detail: "listener" },
    { call: "wait", for: "listener" },
  );
}

/** Bounding set, groups, ids, working directory, capability sets. */
function planIdentity(builder: PlanBuilder, process: SpecProcess, context: ProcessPlanContext): void {
  const { user, capabilities, cwd } = process;
  // Whoever enters a user namespace has every capability there is, in it.
  const available = context.userNamespace === true ? allCapabilities : context.availableCapabilities;
  if (capabilities !== undefined) {
    const dropped = available & ~capabilityMask(capabilities.bounding ?? []);
    builder.step("dropping capabilities from the bounding set");
    builder.add({ call: "drop-bounding", capabilities: dropped });
  }
  builder.step(`chdir to cwd (${JSON.stringify(cwd)}) set in config.json`);
  builder.add({ call: "chdir", path: cwd, keep: "cwd", ignore: ["EACCES", "EPERM"] });
  builder.step("unable to setup user");
  builder.add(
    { call: "prctl", option: "PR_SET_KEEPCAPS", argument: 1 },
    { call: "setgroups", gids: user.additionalGids ?? [] },
    { call: "setresgid", id: user.gid },
    { call: "setresuid", id: user.uid },
    { call: "prctl", option: "PR_SET_KEEPCAPS", argument: 0 },
  );
  builder.step(`chdir to cwd (${JSON.stringify(cwd)}) set in config.json`);
  builder.add({ call: "chdir", path: cwd, unless: "cwd" });
  builder.step("verifying the working directory").add({ call: "verify-cwd" });
  if (capabilities !== undefined) planCapabilities(builder, capabilities, available);
}

function planCapabilities(
  builder: PlanBuilder,
  sets: NonNullable<SpecProcess["capabilities"]>,
  available: bigint,
): void {
  const mask = (names: readonly string[] | undefined) => capabilityMask(names ?? []) & available;
  builder.step("unable to apply caps");
  builder.add(
    {
      call: "capset",
      effective: mask(sets.effective),
      permitted: mask(sets.permitted),
      inheritable: mask(sets.inheritable),
    },
    {
      call: "prctl",
      option: "PR_CAP_AMBIENT",
      argument: PR_CAP_AMBIENT_CLEAR_ALL,
      argumentName: "CLEAR_ALL",
    },
  );
  for (const name of sets.ambient ?? []) {
    const bit = capabilityBit(name);
    if (((mask([name]) >> BigInt(bit)) & 1n) === 0n) continue;
    const argumentName = `RAISE ${name}`;
    builder.add({
      call: "prctl",
      option: "PR_CAP_AMBIENT",
      argument: PR_CAP_AMBIENT_RAISE,
      argument3: bit,
      argumentName,
      ignore: ["EPERM"],
    });
  }
}

function capabilityBit(name: string): number {
  const names: readonly string[] = capabilityNames;
  return names.indexOf(name);
}

function planExecve(builder: PlanBuilder, process: SpecProcess, context: ProcessPlanContext): void {
  const { args = [], env = [] } = process;
  const { init = false, gate = false } = context;
  if (init) {
    builder.step("naming init").add({ call: "prctl", option: "PR_SET_NAME", argument: "bocker-init" });
  }
  builder.step(`exec: ${JSON.stringify(args[0] ?? "")}`);
  if (!gate) builder.add({ call: "report" });
  builder.add({ call: "execve", candidates: executableCandidates(args[0] ?? "", env), args, env, init });
}
