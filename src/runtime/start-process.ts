/**
 * Carries out a LaunchPlan: makes the child, does the parent's part while it mounts, says go, waits for execve.
 *
 *   parent                                   init (tape)
 *   clone3 ────────────────────────────────▶ runs operations
 *          ◀── status: forked pid ────────── (joined pid namespace: the child's child goes on)
 *          ◀── status: reached "hooks" ───── (only where hooks run before the pivot, in beforePivot)
 *   beforeGo(pid): cgroups, network          mounts, pivot …
 *   go ────────────────────────────────────▶ the rest
 *          ◀── status: ready ─────────────── execve
 *          ◀── status: end of file ───────── (close-on-exec) started
 *      or  ◀── status: reached "created" ─── (a plan with a gate) it waits for start-gate.ts
 *          ◀── status: failed {index, errno}
 *
 * Whatever goes wrong, the child is killed and reaped before the error is thrown. A parent that dies closes `go`, and
 * the child ends by itself.
 */
import { errnoName, errnoText } from "../../ffi/errno.ts";
import { close, closeQuietly, pipe2, writeAll } from "../../ffi/file.ts";
import { cloneFlags, flagBits, memfdFlags } from "../../ffi/flags.ts";
import { type Launched, launch } from "../../ffi/launch.ts";
import { memfd_create } from "../../ffi/memfd.ts";
import { pidfd_getfd, pidfd_open, pidfd_send_signal, waitid } from "../../ffi/process.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import { type ProcessIdentity, readProcessIdentity } from "../host/process-identity.ts";
import { explainFailure } from "../launch/explain-failure.ts";
import { alwaysInherited, type LaunchPlan } from "../launch/plan.ts";
import type { Report, Wait } from "../launch/process-operation.ts";
import type { CopyTree } from "./copy-up.ts";
import { type EncodedPlan, encodePlan } from "./encode-plan.ts";
import { StatusReader, type StatusRecord } from "./status-reader.ts";

export interface StartOptions {
  /** Descriptors that become the process's 0, 1 and 2. Stay the caller's, to be closed after the start. */
  readonly stdio: readonly [stdin: number, stdout: number, stderr: number];
  /** The plan's other inherited descriptors by name (`rootfs`, `devpts`, `target`). Stay the caller's. */
  readonly fds?: Readonly<Record<string, number>>;
  /** A cgroup v2 directory to be born in. Stays the caller's. */
  readonly cgroupFd?: number | undefined;
  /** Runs while the child mounts: cgroups, interfaces. What it throws ends the child and is thrown on. */
  readonly beforeGo?: ((pid: number) => void | Promise<void>) | undefined;
  /** Runs hooks while the child waits for them, its mounts made, its root not yet "/". Required by plans that stop there. */
  readonly beforePivot?: ((child: Launched) => void | Promise<void>) | undefined;
  /** Gives the listener of a filter that notifies to whom it is for, before anything is trapped. Closed afterwards. */
  readonly onListener?: ((fd: number, child: Launched) => void | Promise<void>) | undefined;
  /** Fills the plan's copyUps; required by plans that have some. */
  readonly copyTree?: CopyTree | undefined;
}

/** A child of this process that has reached its execve, or the gate before it. */
export interface StartedProcess {
  readonly pid: number;
  /** The caller's, to be closed when nobody signals or waits any more. */
  readonly pidfd: number;
  readonly identity: ProcessIdentity;
}

/**
 * Starts a process by its plan and returns once execve has succeeded; with a gate, once all but execve has. Such a
 * process lives on when this one ends.
 *
 * @throws BockerError in docker's words for whatever init could not do; SyscallError of clone3; what a hook throws
 */
export async function startProcess(plan: LaunchPlan, options: StartOptions): Promise<StartedProcess> {
  const encoded = encodePlan(plan);
  const child = await launchPlanned(plan, encoded.tape, options);
  try {
    await conduct(plan, encoded, child, options);
    const { pid, pidfd } = child.process;
    const identity = readProcessIdentity(pid);
    if (identity === undefined)
      throw new BockerError("cannot read /proc of a process just started", { kind: "host" });
    return { pid, pidfd, identity };
  } catch (error) {
    endChild(child.process);
    throw error;
  } finally {
    child.status.close();
    closeQuietly(child.go);
  }
}

interface Child {
  /** Replaced when init forks to enter a pid namespace. */
  process: Launched;
  readonly status: StatusReader;
  /** Write end; closing it without a byte ends the child. */
  readonly go: number;
}

/** Opens what the plan needs and the caller does not have; few plans need any. */
async function launchPlanned(plan: LaunchPlan, tape: Uint8Array, options: StartOptions): Promise<Child> {
  if ((plan.userNamespaces ?? []).length + (plan.copyUps ?? []).length === 0)
    return launchChild(plan, tape, options);
  const { openPlanned } = await import("./open-planned.ts");
  const planned = openPlanned(plan, options);
  try {
    return launchChild(plan, tape, { ...options, fds: { ...planned, ...options.fds } });
  } finally {
    closeQuietly(...Object.values(planned));
  }
}

function launchChild(plan: LaunchPlan, tape: Uint8Array, options: StartOptions): Child {
  const opened: number[] = [];
  const own = (...fds: readonly number[]) => opened.push(...fds);
  let kept: readonly number[] = [];
  try {
    const tapeFd = memfd_create("bocker-tape", memfdFlags.MFD_CLOEXEC);
    own(tapeFd);
    writeAll(tapeFd, tape);
    const status = pipe2();
    own(...status);
    const go = pipe2();
    own(...go);
    const inherited = inheritedFds(plan, { tape: tapeFd, status: status[1], go: go[0], ...options.fds });
    const process = launch({
      flags: flagBits(cloneFlags, plan.cloneFlags),
      args: plan.initArgs,
      fds: [...options.stdio, ...inherited],
      cgroupFd: options.cgroupFd,
    });
    kept = [status[0], go[1]];
    return { process, status: new StatusReader(status[0]), go: go[1] };
  } finally {
    closeQuietly(...opened.filter((fd) => !kept.includes(fd)));
  }
}

function inheritedFds(plan: LaunchPlan, fds: Readonly<Record<string, number>>): readonly number[] {
  const order = alwaysInherited.every((name, index) => plan.inherits[index] === name);
  if (!order) throw new BockerError("a launch plan must inherit tape, status and go first");
  return plan.inherits.map((name) => {
    const fd = fds[name];
    if (fd === undefined) throw new BockerError(`the launch plan needs a descriptor named "${name}"`);
    return fd;
  });
}

/** The parent's part, in the order of the plan's own synchronisation points. */
async function conduct(
  plan: LaunchPlan,
  encoded: EncodedPlan,
  child: Child,
  options: StartOptions,
): Promise<void> {
  for (const operation of plan.operations) {
    if (operation.call === "fork") await followFork(plan, encoded, child);
    if (operation.call === "wait") await letGo(plan, encoded, operation, child, options);
    if (operation.call !== "report") continue;
    const { detail } = await awaitReport(plan, encoded, child, operation);
    if (operation.reached === "listener") await handOver(child.process, detail, options);
    if (operation.reached === "created") return;
  }
  const record = await child.status.next(child.process.pidfd);
  if (record?.kind === "failed") throw explained(plan, encoded, record);
}

/** Every record but a failure comes in the plan's order. */
async function awaitReport(
  plan: LaunchPlan,
  encoded: EncodedPlan,
  child: Child,
  { reached }: Report,
): Promise<StatusRecord> {
  const record = await child.status.next(child.process.pidfd);
  if (record === undefined) throw diedEarly(child.process);
  if (record.kind === "failed") throw explained(plan, encoded, record);
  if (record.kind === (reached === undefined ? "ready" : "reached")) return record;
  throw new BockerError(`init said "${record.kind}" out of order`);
}

/** The child waits with a filter loaded that may trap what it does next. */
async function handOver(child: Launched, listener: number, { onListener }: StartOptions): Promise<void> {
  if (onListener === undefined)
    throw new BockerError("the seccomp filter notifies, and nobody listens", { kind: "invalid-config" });
  const fd = pidfd_getfd(child.pidfd, listener);
  try {
    await onListener(fd, child);
  } finally {
    close(fd);
  }
}

/** The process that forked is reaped; its child, a child of ours as well, is the one to go on with. */
async function followFork(plan: LaunchPlan, encoded: EncodedPlan, child: Child): Promise<void> {
  const record = await child.status.nextForked(child.process.pidfd);
  if (record?.kind === "failed") throw explained(plan, encoded, record);
  if (record?.kind !== "forked") throw diedEarly(child.process);
  const pid = record.detail;
  const forked = { pid, pidfd: pidfd_open(pid) };
  const middle = child.process;
  child.process = forked;
  waitid(middle.pidfd, { block: true });
  close(middle.pidfd);
}

async function letGo(
  plan: LaunchPlan,
  encoded: EncodedPlan,
  operation: Wait,
  child: Child,
  options: StartOptions,
): Promise<void> {
  try {
    if (operation.for === "hooks") await requiredHook(options)(child.process);
    if (operation.for === "go") await options.beforeGo?.(child.process.pid);
  } catch (error) {
    // A namespace cannot be set up whose process has failed already: what the child says is the reason.
    if (!child.status.pending()) throw error;
    const record = await child.status.next(child.process.pidfd);
    if (record === undefined) throw diedEarly(child.process);
    throw record.kind === "failed" ? explained(plan, encoded, record) : error;
  }
  try {
    writeAll(child.go, new Uint8Array(1));
  } catch (error) {
    // The child is gone; the status pipe says why.
    if (!isErrno(error, "EPIPE")) throw error;
  }
}

function requiredHook({ beforePivot }: StartOptions): NonNullable<StartOptions["beforePivot"]> {
  if (beforePivot !== undefined) return beforePivot;
  throw new BockerError("the launch plan stops for hooks that nobody runs");
}

function explained(plan: LaunchPlan, { owners }: EncodedPlan, record: StatusRecord): BockerError {
  return explainFailure(plan, {
    index: owners[record.index] ?? -1,
    code: errnoName(record.errno),
    text: errnoText(record.errno),
    detail: record.detail,
  });
}

function diedEarly({ pid }: Launched): BockerError {
  return new BockerError(`container init (pid ${pid}) ended before it could run the command`, {
    kind: "host",
    hint: "something killed it: look for the OOM killer in the kernel log, or a memory limit that is too small",
  });
}

/**
 * Kills and reaps a child of this process and closes its pidfd; blocks until the kernel has taken it down, and its pid
 * namespace with it.
 */
export function endChild({ pidfd }: { readonly pidfd: number }): void {
  try {
    pidfd_send_signal(pidfd, 9);
  } catch (error) {
    if (!isErrno(error, "ESRCH")) throw error;
  }
  try {
    waitid(pidfd, { block: true });
  } catch (error) {
    if (!isErrno(error, "ECHILD")) throw error;
  } finally {
    close(pidfd);
  }
}
