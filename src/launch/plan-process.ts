/**
 * The last part of every plan, shared by start and exec: from the finished namespaces to execve as the right user.
 *
 * The order is runc's and carries the safety: limits and the keyring while there are privileges; seccomp before the
 * capabilities go where no_new_privs does not allow it later; the bounding set before the uid; the working directory
 * verified after every namespace is joined; every descriptor close-on-exec; the death signal after the uid change,
 * which clears it (prctl(2)).
 */

import { BockerError } from "../errors.ts";
import { capabilityMask, capabilityNames } from "../security/capability.ts";
import { rlimInfinity, rlimitNumber } from "../security/rlimit.ts";
import type { SpecProcess, SpecRlimit, SpecUser } from "../spec/oci.ts";
import type { ProcessContext } from "./context.ts";
import { executableCandidates } from "./executable.ts";
import type { PlanBuilder } from "./plan-builder.ts";

const SIGKILL = 9;
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
 */
export function planCgroupEntry(builder: PlanBuilder, context: ProcessContext): void {
  for (const name of cgroupTaskNames(context)) {
    builder.step("entering the cgroup").add({ call: "write", fd: name, text: "0" });
  }
}

/** Names of the descriptors that planCgroupEntry writes to. */
export function cgroupTaskNames(context: ProcessContext): readonly string[] {
  return Array.from({ length: context.cgroupTasks ?? 0 }, (_, index) => `tasks${index}`);
}

/** While /proc is still the host's or is not read-only yet. */
export function planOomScore(builder: PlanBuilder, process: SpecProcess): void {
  const score = process.oomScoreAdj;
  if (score === undefined) return;
  builder.step(`setting oom_score_adj to ${score}`);
  const fd = builder.name("oom");
  const path = "/proc/self/oom_score_adj";
  builder.add(
    { call: "openat", dirfd: "AT_FDCWD", path, flags: ["O_WRONLY", "O_CLOEXEC"], keep: fd },
    { call: "write", fd, text: String(score) },
    { call: "close", fd },
  );
}

export interface ProcessPlanContext extends ProcessContext {
  readonly keyring?: string;
  readonly gate?: true;
  readonly init?: boolean;
}

/** What a gate makes a plan inherit. */
export const gateNames = ["start", "result"] as const;

/** Limits, identity, privileges, filter, execve. */
export function planProcess(builder: PlanBuilder, process: SpecProcess, context: ProcessPlanContext): void {
  const gate = planPreserved(builder, context);
  for (const limit of process.rlimits ?? []) planRlimit(builder, limit);
  planKeyring(builder, context.keyring);
  planStdio(builder, process.user, context);
  const noNewPrivileges = process.noNewPrivileges === true;
  if (noNewPrivileges) {
    builder.step("setting no_new_privs").add({ call: "prctl", option: "PR_SET_NO_NEW_PRIVS", argument: 1 });
  } else planSeccomp(builder, context);
  planIdentity(builder, process, context);
  if (context.dieWithParent) {
    builder.step("setting the parent death signal");
    builder.add({ call: "prctl", option: "PR_SET_PDEATHSIG", argument: SIGKILL, argumentName: "SIGKILL" });
  }
  builder.step("setting the umask").add({ call: "umask", mask: process.user.umask ?? 0o022 });
  if (context.kernel.closeRangeCloexec) {
    builder.step("closing inherited descriptors");
    const first = 3 + (context.preserveFds ?? 0);
    builder.add({ call: "close_range", first, flags: ["CLOSE_RANGE_CLOEXEC"] });
  }
  if (context.gate === true) planFind(builder, process);
  if (noNewPrivileges) planSeccomp(builder, context);
  if (gate !== undefined) planGate(builder, gate);
  planExecve(builder, process, context);
}

function planKeyring(builder: PlanBuilder, name: string | undefined): void {
  if (name === undefined) return;
  builder.step("joining a session keyring");
  builder.add({ call: "keyctl", operation: "KEYCTL_JOIN_SESSION_KEYRING", name, ignore: ["ENOSYS"] });
}

function planRlimit(builder: PlanBuilder, { type, soft, hard }: SpecRlimit): void {
  const resource = rlimitNumber(type);
  if (resource === undefined)
    throw new BockerError(`invalid rlimit type: ${type}`, { kind: "invalid-config" });
  const word = (value: number) => (value < 0 || value >= 2 ** 64 ? rlimInfinity : BigInt(value));
  builder.step(`setting rlimit ${type}`);
  builder.add({ call: "prlimit64", resource, resourceName: type, soft: word(soft), hard: word(hard) });
}

/** So that a program of another user can open /dev/stdout; errors are those of file systems without owners, as in runc. */
function planStdio(builder: PlanBuilder, { uid }: SpecUser, context: ProcessContext): void {
  if (uid === 0) return;
  builder.step("changing the owner of the standard streams");
  for (const fd of context.chownStdio) {
    const ignore = ["EINVAL", "EPERM", "EROFS"];
    builder.add({ call: "fchownat", dirfd: fd, path: "", uid, gid: -1, flags: ["AT_EMPTY_PATH"], ignore });
  }
}

function planSeccomp(builder: PlanBuilder, { seccomp }: ProcessContext): void {
  if (seccomp === undefined) return;
  builder.step("loading the seccomp filter").add({ call: "seccomp", flags: [], filter: seccomp });
}

/** Bounding set, groups, ids, working directory, capability sets. */
function planIdentity(builder: PlanBuilder, process: SpecProcess, context: ProcessContext): void {
  const { user, capabilities, cwd } = process;
  const available = context.availableCapabilities;
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

/** The engine that creates is not the one that starts: a command that is missing is told to the first. */
function planFind(builder: PlanBuilder, { args = [], env = [] }: SpecProcess): void {
  const word = args[0] ?? "";
  builder.step(`exec: ${JSON.stringify(word)}`);
  builder.add({ call: "find", candidates: executableCandidates(word, env), args });
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

/** The filter is loaded by now: this takes no more than write and read, as execve's report would. */
function planGate(builder: PlanBuilder, { result, start }: Gate): void {
  builder
    .step("waiting for start")
    .add(
      { call: "report", reached: "created" },
      { call: "rewire", status: result, go: start },
      { call: "wait", for: "start" },
    );
}

/** Descriptor names of a gate's two ends. */
interface Gate {
  readonly start: string;
  readonly result: string;
}

/**
 * Puts the descriptors that the command gets beyond its streams in place, and init's own out of their way. While all
 * calls are still allowed; nothing that is inherited by number is needed after it.
 */
function planPreserved(
  builder: PlanBuilder,
  { preserveFds = 0, gate }: ProcessPlanContext,
): Gate | undefined {
  if (preserveFds === 0) return gate === true ? { start: "start", result: "result" } : undefined;
  builder.step("passing descriptors on");
  const raise = (fd: string): string => {
    const keep = builder.name(fd);
    builder.add({ call: "fcntl", fd, command: "F_DUPFD_CLOEXEC", minimum: 3 + preserveFds, keep });
    return keep;
  };
  const [status, go] = [raise("status"), raise("go")];
  builder.add({ call: "rewire", status, go });
  const raised = gate === true ? { start: raise("start"), result: raise("result") } : undefined;
  for (const [index, fd] of preservedNames({ preserveFds }).entries()) {
    builder.add({ call: "dup3", fd, to: 3 + index });
  }
  return raised;
}

/** Names of the descriptors that planPreserved puts in place. The last ones inherited, so that none is overwritten early. */
export function preservedNames({ preserveFds = 0 }: Pick<ProcessContext, "preserveFds">): readonly string[] {
  return Array.from({ length: preserveFds }, (_, index) => `preserve${index}`);
}
