/**
 * What the kernel keeps about a process beside its identity: limits, scheduling, personality, keyring, labels, and who
 * owns its streams.
 */
import { BockerError } from "../errors.ts";
import { rlimInfinity, rlimitNumber } from "../security/rlimit.ts";
import type { SpecMemoryPolicy, SpecProcess, SpecRlimit, SpecScheduler, SpecUser } from "../spec/oci.ts";
import type { ProcessContext } from "./context.ts";
import {
  checked,
  ioClasses,
  memoryPolicyFlags,
  memoryPolicyModes,
  parseCpuList,
  personalities,
  schedulerFlags,
  schedulerPolicies,
} from "./kernel-word.ts";
import type { PlanBuilder } from "./plan-builder.ts";

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

/** Resource limits. Raising one takes a privilege that a user namespace does not give. */
export function planLimits(builder: PlanBuilder, process: SpecProcess): void {
  for (const limit of process.rlimits ?? []) planRlimit(builder, limit);
}

function planRlimit(builder: PlanBuilder, { type, soft, hard }: SpecRlimit): void {
  const resource = rlimitNumber(type);
  if (resource === undefined)
    throw new BockerError(`invalid rlimit type: ${type}`, { kind: "invalid-config" });
  const word = (value: number) => (value < 0 || value >= 2 ** 64 ? rlimInfinity : BigInt(value));
  builder.step(`setting rlimit ${type}`);
  builder.add({ call: "prlimit64", resource, resourceName: type, soft: word(soft), hard: word(hard) });
}

/** Scheduling, priority of input and output. */
export function planAttributes(builder: PlanBuilder, { scheduler, ioPriority }: SpecProcess): void {
  if (scheduler !== undefined) planScheduler(builder, scheduler);
  if (ioPriority === undefined) return;
  const { class: name, priority = 0 } = ioPriority;
  builder.step(`setting the I/O priority ${name} ${priority}`);
  builder.add({ call: "ioprio_set", class: checked("I/O priority class", name, ioClasses), priority });
}

function planScheduler(builder: PlanBuilder, scheduler: SpecScheduler): void {
  const { policy, nice = 0, priority = 0, flags = [], runtime = 0, deadline = 0, period = 0 } = scheduler;
  builder.step(`setting the scheduler ${policy}`).add({
    call: "sched_setattr",
    policy: checked("scheduler policy", policy, schedulerPolicies),
    nice,
    priority,
    flags: flags.map((flag) => checked("scheduler flag", flag, schedulerFlags)),
    runtime,
    deadline,
    period,
  });
}

/** The execution domain (personality(2)), LINUX32 for a uname of 32 bits. */
export function planPersonality(
  builder: PlanBuilder,
  personality: { readonly domain: string; readonly flags?: readonly string[] } | undefined,
): void {
  if (personality === undefined) return;
  const { domain, flags = [] } = personality;
  if (flags.length > 0)
    throw new BockerError(`invalid linux.personality: there is no flag "${flags[0]}"`, {
      kind: "invalid-config",
    });
  builder.step(`setting the personality ${domain}`);
  builder.add({ call: "personality", domain: checked("personality", domain, personalities) });
}

/** Runs on these CPUs: `0-3,7`. */
export function planAffinity(builder: PlanBuilder, cpus: string | undefined): void {
  if (cpus === undefined || cpus === "") return;
  builder
    .step(`setting the CPU affinity ${cpus}`)
    .add({ call: "sched_setaffinity", cpus: parseCpuList(cpus) });
}

/** Which nodes the process's memory comes from; before the filter, which may refuse the call. */
export function planMemoryPolicy(builder: PlanBuilder, policy: SpecMemoryPolicy | undefined): void {
  if (policy === undefined) return;
  const { mode, nodes = "", flags = [] } = policy;
  builder.step(`setting the memory policy ${mode}`).add({
    call: "set_mempolicy",
    mode: checked("memory policy", mode, memoryPolicyModes),
    flags: flags.map((flag) => checked("memory policy flag", flag, memoryPolicyFlags)),
    nodes: nodes === "" ? [] : parseCpuList(nodes, "node"),
  });
}

/** A session keyring of its own, of this name; none asked: the caller's goes on. */
export function planKeyring(builder: PlanBuilder, name: string | undefined): void {
  if (name === undefined) return;
  builder.step("joining a session keyring");
  builder.add({ call: "keyctl", operation: "KEYCTL_JOIN_SESSION_KEYRING", name, ignore: ["ENOSYS"] });
}

/** So that a program of another user can open /dev/stdout; errors are those of file systems without owners, as in runc. */
export function planStdio(builder: PlanBuilder, { uid }: SpecUser, context: ProcessContext): void {
  if (uid === 0) return;
  builder.step("changing the owner of the standard streams");
  for (const fd of context.chownStdio) {
    const ignore = ["EINVAL", "EPERM", "EROFS"];
    builder.add({ call: "fchownat", dirfd: fd, path: "", uid, gid: -1, flags: ["AT_EMPTY_PATH"], ignore });
  }
}

/**
 * AppArmor profile and SELinux label that execve changes to (apparmor(7), proc_pid_attr(5)). In a user namespace the
 * files are root's of the host's until init is dumpable, which matters to nobody: its pid namespace is empty yet.
 */
export function planLabels(
  builder: PlanBuilder,
  process: SpecProcess,
  { userNamespace, init }: { readonly userNamespace?: boolean; readonly init?: boolean },
): void {
  const labels = labelsOf(process, init === true);
  if (labels.length === 0) return;
  const dumpable = (argument: number) =>
    builder.step("protecting init").add({ call: "prctl", option: "PR_SET_DUMPABLE", argument });
  if (userNamespace === true) dumpable(1);
  for (const { step, files, text } of labels) writeFirst(builder.step(step), files, text);
  if (userNamespace === true) dumpable(0);
}

interface Label {
  readonly step: string;
  /** Where newer and older kernels have it. */
  readonly files: readonly [string, string];
  readonly text: string;
}

/** With an init the profile counts at once: the init never executes anything, and its container must be able to signal it. */
function labelsOf({ apparmorProfile, selinuxLabel }: SpecProcess, init: boolean): readonly Label[] {
  const labels: Label[] = [];
  if (hasProfile(apparmorProfile))
    labels.push({
      step: `setting the AppArmor profile ${apparmorProfile}`,
      files: init
        ? ["/proc/thread-self/attr/apparmor/current", "/proc/thread-self/attr/current"]
        : ["/proc/thread-self/attr/apparmor/exec", "/proc/thread-self/attr/exec"],
      text: `${init ? "changeprofile" : "exec"} ${apparmorProfile}`,
    });
  if (selinuxLabel !== undefined && selinuxLabel !== "")
    labels.push({
      step: `setting the SELinux label ${selinuxLabel}`,
      files: ["/proc/thread-self/attr/exec", "/proc/self/attr/exec"],
      text: selinuxLabel,
    });
  return labels;
}

/** Whether a profile is asked for that AppArmor has to know. */
export function hasProfile(profile: string | undefined): boolean {
  return profile !== undefined && profile !== "" && profile !== "unconfined";
}

function writeFirst(builder: PlanBuilder, [path, fallback]: readonly [string, string], text: string): void {
  const [newer, older] = [builder.name("attr"), builder.name("attr")];
  const open = { call: "openat", dirfd: "AT_FDCWD", flags: ["O_WRONLY", "O_CLOEXEC"] } as const;
  builder.add(
    { ...open, path, keep: newer, ignore: ["ENOENT"] },
    { ...open, path: fallback, keep: older, unless: newer },
    { call: "write", fd: newer, text },
    { call: "write", fd: older, text },
  );
}
