/**
 * Runs a container's hooks, one after the other: state on standard input, output kept for the error, a time limit.
 *
 * A hook is a process like any other of this engine (plan-hook.ts), so nothing of it is native code of its own. Its
 * streams are memory files: nobody has to read while it runs, and what it leaves behind cannot hold us up.
 */
import { readSync, writeSync } from "node:fs";
import { closeQuietly, POLLIN, poll } from "../../ffi/file.ts";
import { memfdFlags } from "../../ffi/flags.ts";
import { memfd_create } from "../../ffi/memfd.ts";
import { kill, waitid } from "../../ffi/process.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { ExecContext } from "../launch/context.ts";
import { planHook } from "../launch/plan-hook.ts";
import type { SpecHook, SpecHooks, SpecProcess } from "../spec/oci.ts";
import { joinableNamespaces } from "./joinable-namespaces.ts";
import { signalText } from "./signal-text.ts";
import { endChild, startProcess } from "./start-process.ts";
import { exitOf, type ProcessExit } from "./wait-for-exit.ts";

const maxWaitMs = 60_000;
const SIGKILL = 9;

/** A process of the container, held by its pidfd. */
export interface HookTarget {
  readonly pid: number;
  readonly pidfd: number;
}

export type HookSetting =
  /** The host: prestart, createRuntime, poststart, poststop. */
  | { readonly in: "runtime" }
  /** createContainer: the container's namespaces, while startProcess's beforePivot runs. */
  | { readonly in: "mounts"; readonly target: HookTarget }
  /** startContainer: inside a container that waits at its gate, with the rights of its process. */
  | {
      readonly in: "container";
      readonly target: HookTarget;
      readonly process: SpecProcess;
      readonly context: ExecContext;
      /** The container's cgroup: `tasks` files (v1) and directory (v2), as openCgroup gives them. */
      readonly cgroup?: { readonly taskFds: readonly number[]; readonly directoryFd?: number | undefined };
    };

/**
 * Runs hooks of one kind in order. `state` is the container's state as JSON, at that moment.
 *
 * @throws BockerError for the first that cannot be run, fails, or runs out of time: the others are not run
 */
export async function runHooks(
  kind: keyof SpecHooks,
  hooks: readonly SpecHook[] | undefined,
  setting: HookSetting,
  state: string,
): Promise<void> {
  for (const [index, hook] of (hooks ?? []).entries()) {
    try {
      await runHook(hook, setting, state);
    } catch (error) {
      throw new BockerError(`error running ${kind} hook #${index}: ${messageOf(error)}`, {
        kind: "host",
        details: { hook: hook.path },
        cause: error,
      });
    }
  }
}

async function runHook(hook: SpecHook, setting: HookSetting, state: string): Promise<void> {
  const streams: number[] = [];
  try {
    for (const name of ["state", "stdout", "stderr"])
      streams.push(memfd_create(name, memfdFlags.MFD_CLOEXEC));
    const [stdin = -1, stdout = -1, stderr = -1] = streams;
    const data = new TextEncoder().encode(state);
    // At an offset: the hook's own position stays at the beginning.
    writeSync(stdin, data, 0, data.length, 0);
    const process = await launchHook(hook, setting, [stdin, stdout, stderr]);
    const exit = waitWithin(process, hook.timeout);
    if (exit.exitCode === 0) return;
    const output = `stdout: ${textIn(stdout)}, stderr: ${textIn(stderr)}`;
    throw new BockerError(`${statusOf(exit)}, ${output}`, { kind: "host" });
  } finally {
    closeQuietly(...streams);
  }
}

function launchHook(hook: SpecHook, setting: HookSetting, stdio: readonly [number, number, number]) {
  if (setting.in === "runtime") return startProcess(planHook(hook, setting, ownEnvironment()), { stdio });
  const { pid, pidfd } = setting.target;
  const namespaces = joinableNamespaces(pid);
  if (setting.in === "mounts")
    return startProcess(planHook(hook, { in: "mounts", namespaces }, []), { stdio, fds: { target: pidfd } });
  const { process, cgroup } = setting;
  const taskFds = cgroup?.taskFds ?? [];
  const context = { ...setting.context, namespaces, cgroupTasks: taskFds.length };
  const tasks = Object.fromEntries(taskFds.map((fd, index) => [`tasks${index}`, fd]));
  return startProcess(planHook(hook, { in: "container", process, context }, []), {
    stdio,
    fds: { target: pidfd, ...tasks },
    cgroupFd: cgroup?.directoryFd,
  });
}

/** What a hook of the host gets that names no environment: ours, as from runc. */
function ownEnvironment(): readonly string[] {
  return Object.entries(process.env).map(([name, value]) => `${name}=${value ?? ""}`);
}

/** Waits in the kernel: whoever runs hooks has nothing else to do meanwhile. Reaps the process, killed if it is late. */
function waitWithin({ pid, pidfd }: HookTarget, timeout: number | undefined): ProcessExit {
  if (
    !endsBefore(pidfd, timeout === undefined ? Number.POSITIVE_INFINITY : performance.now() + timeout * 1000)
  ) {
    killGroup(pid);
    endChild({ pidfd });
    throw new BockerError(`hook ran past specified timeout of ${timeout}s`, { kind: "timeout" });
  }
  const exit = waitid(pidfd, { block: true });
  closeQuietly(pidfd);
  return exitOf(exit ?? { by: "exit", code: 0 });
}

/** A hook leads a process group, and nobody else can have its number before it is reaped. */
function killGroup(pid: number): void {
  try {
    kill(-pid, SIGKILL);
  } catch (error) {
    if (!isErrno(error, "ESRCH")) throw error;
  }
}

/** A signal ends the kernel's wait, not ours. */
function endsBefore(pidfd: number, deadline: number): boolean {
  for (;;) {
    const left = deadline - performance.now();
    const waitMs = left > maxWaitMs ? maxWaitMs : Math.max(0, Math.ceil(left));
    if ((poll(pidfd, POLLIN, waitMs) & POLLIN) !== 0) return true;
    if (performance.now() >= deadline) return false;
  }
}

function statusOf({ exitCode, signal }: ProcessExit): string {
  return signal === undefined ? `exit status ${exitCode}` : signalText(signal);
}

/** The beginning of what a hook wrote, without the line end. */
function textIn(fd: number): string {
  const buffer = new Uint8Array(4096);
  return new TextDecoder().decode(buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0))).trimEnd();
}
