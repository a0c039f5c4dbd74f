/**
 * `exec`: a further process in a running container. This process is its parent and holds its streams.
 *
 * The container is known by the pidfd of its first process, opened before anything is read: its namespaces, root
 * and cgroup are that very process's, however pids are reused.
 */
import { closeSync, openSync } from "node:fs";
import { closeQuietly, fchownat, openat } from "../../ffi/file.ts";
import { atFlags, openFlags } from "../../ffi/flags.ts";
import type { WindowSize } from "../../ffi/tty.ts";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { resolveCgroup } from "../cgroup/hierarchy.ts";
import { openCgroup } from "../cgroup/open-cgroup.ts";
import { BockerError } from "../errors.ts";
import { isProcessEnding } from "../host/process-identity.ts";
import { selfCommand } from "../host/self-command.ts";
import { spawnDetached } from "../host/spawn-detached.ts";
import { trace } from "../host/trace.ts";
import { checkSeccompFlags } from "../launch/check-spec.ts";
import { planExec } from "../launch/plan-exec.ts";
import { type HostStdio, makePipes } from "../monitor/container-stdio.ts";
import { LocalSession } from "../monitor/local-session.ts";
import type { Session } from "../monitor/session.ts";
import { joinableNamespaces } from "../runtime/joinable-namespaces.ts";
import { launchFacts } from "../runtime/launch-facts.ts";
import { openContainerConsole } from "../runtime/open-console.ts";
import { securityModulesFor } from "../runtime/security-modules.ts";
import { openProcess, signalProcess } from "../runtime/signal-process.ts";
import { type StartedProcess, startProcess } from "../runtime/start-process.ts";
import { waitForExit } from "../runtime/wait-for-exit.ts";
import type { ContainerRecord, ProcessIdentity } from "../state/record.ts";
import { cgroupPathOf } from "./container-cgroup.ts";
import { isNotRunning, requireInit } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { ExecEvents } from "./exec-events.ts";
import { resolveExecProcess } from "./exec-process.ts";
import { loadContainer } from "./find-container.ts";
import { hostUserOf, type UserIds } from "./host-user.ts";

export interface ExecRequest {
  readonly container: string;
  readonly args: readonly string[];
  readonly tty: boolean;
  readonly interactive: boolean;
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly privileged: boolean;
  readonly size?: WindowSize;
  /** This process's descriptors that the command gets as 3, 4, …, by the names that plans use; absent: none. */
  readonly passed?: Readonly<Record<string, number>>;
}

/** Starts the process with this one as its parent and the holder of its streams. Throws docker's words when it cannot. */
export async function execInContainer(engine: Engine, request: ExecRequest): Promise<ExecSession> {
  const { process, host, events } = await startExec(engine, request, openStreams);
  if (host === undefined) throw new BockerError("a process without streams cannot be attached to");
  return attach(process, host, events);
}

/** As execInContainer, without streams: what it writes goes nowhere. The process's pidfd is the caller's. */
export async function execWithoutStreams(
  engine: Engine,
  request: ExecRequest,
): Promise<{ readonly containerId: string; readonly process: StartedProcess; readonly execId: string }> {
  const { process, events } = await startExec(engine, request, nullStreams);
  return { process, execId: events.execId, containerId: events.containerId };
}

interface StartedExec {
  readonly process: StartedProcess;
  readonly host: Streams["host"];
  readonly events: ExecEvents;
}

async function startExec(
  engine: Engine,
  request: ExecRequest,
  open: (request: ExecRequest, owner: UserIds, rootFd: number) => Streams,
): Promise<StartedExec> {
  const record = await loadContainer(engine, request.container);
  const init = runningInit(record);
  const target = openProcess(init);
  if (target === undefined) throw isNotRunning(record);
  let rootFd: number | undefined;
  try {
    rootFd = openat(-1, `/proc/${init.pid}/root`, openFlags.O_PATH | openFlags.O_DIRECTORY);
    const resolved = await resolveExecProcess(engine, record, request, rootFd);
    const owner = hostUserOf(record.config, resolved.process.user);
    const streams = open(request, owner, rootFd);
    try {
      const process = await launch(engine, record, {
        target,
        resolved,
        streams,
        init,
        passed: request.passed ?? {},
      });
      const events = new ExecEvents(engine, record.id, request.args, process.identity);
      return { process, host: streams.host, events };
    } catch (error) {
      streams.closeHost();
      throw error;
    } finally {
      streams.closeChild();
    }
  } catch (error) {
    // What it is to join goes away with it.
    throw isProcessEnding(init) ? isNotRunning(record) : error;
  } finally {
    closeQuietly(target, rootFd);
  }
}

function runningInit(record: ContainerRecord): ProcessIdentity {
  if (record.status === "paused") {
    throw new BockerError(`Container ${record.name} is paused, unpause the container before exec`, {
      kind: "conflict",
    });
  }
  return requireInit(record);
}

/** A session whose process is known, for whoever has to end more than that. */
export interface ExecSession extends Session {
  readonly process: ProcessIdentity;
  /** To be called once the user has left it. */
  noteDetach(): void;
}

interface Streams {
  readonly host: HostStdio | undefined;
  readonly child: readonly [stdin: number, stdout: number, stderr: number];
  closeChild(): void;
  closeHost(): void;
}

function nullStreams(): Streams {
  const fd = openSync("/dev/null", "r+");
  return {
    host: undefined,
    child: [fd, fd, fd],
    closeChild: () => closeSync(fd),
    closeHost: () => {},
  };
}

function openStreams(request: ExecRequest, owner: UserIds, rootFd: number): Streams {
  if (request.tty) {
    const { master, slave } = openContainerConsole(rootFd, request.size);
    fchownat(slave, "", owner.uid, -1, atFlags.AT_EMPTY_PATH);
    return {
      host: { kind: "pty", master },
      child: [slave, slave, slave],
      closeChild: () => closeQuietly(slave),
      closeHost: () => closeQuietly(master),
    };
  }
  const pipes = makePipes({ stdin: request.interactive, owner });
  const devNull = pipes.child.stdin === undefined ? openSync("/dev/null", "r") : undefined;
  return {
    host: pipes.host,
    child: [pipes.child.stdin ?? devNull ?? -1, pipes.child.stdout, pipes.child.stderr],
    closeChild: () => {
      pipes.closeChildEnds();
      closeQuietly(devNull);
    },
    closeHost: () => closeQuietly(pipes.host.stdin, pipes.host.stdout, pipes.host.stderr),
  };
}

interface Target {
  readonly target: number;
  readonly init: ProcessIdentity;
  readonly resolved: Awaited<ReturnType<typeof resolveExecProcess>>;
  readonly streams: Streams;
  readonly passed: Readonly<Record<string, number>>;
}

async function launch(engine: Engine, record: ContainerRecord, to: Target): Promise<StartedProcess> {
  const hierarchy = detectCgroups();
  using cgroup =
    hierarchy.mode === "none"
      ? undefined
      : openCgroup(resolveCgroup(hierarchy, cgroupPathOf(engine, record)));
  const tasks = cgroup?.taskFds ?? [];
  trace(
    () => `joining the ${joinableNamespaces(to.init.pid).join(", ")} namespaces of process ${to.init.pid}`,
  );
  const plan = planExec(to.resolved.process, {
    ...launchFacts(),
    ...(to.resolved.seccomp === undefined ? {} : { seccomp: to.resolved.seccomp }),
    seccompFlags: checkSeccompFlags(to.resolved.seccompFlags),
    namespaces: joinableNamespaces(to.init.pid),
    // All streams are the user's by now.
    chownStdio: [],
    ...securityModulesFor({ process: to.resolved.process }),
    dieWithParent: false,
    cgroupTasks: tasks.length,
    keyring: record.id,
    preserveFds: Object.keys(to.passed).length,
  });
  // Awaited here: the way into the cgroup stays open until the child is made.
  return await startProcess(plan, {
    stdio: to.streams.child,
    fds: {
      target: to.target,
      ...to.passed,
      ...Object.fromEntries(tasks.map((fd, index) => [`tasks${index}`, fd])),
    },
    cgroupFd: cgroup?.directoryFd,
  });
}

function attach(process: StartedProcess, host: HostStdio, events: ExecEvents): ExecSession {
  let hasEnded = false;
  const exited = waitForExit(process)
    .finally(() => {
      hasEnded = true;
      closeQuietly(process.pidfd);
    })
    .then((exit) => {
      events.noteEnd(exit.exitCode);
      return exit;
    });
  const signal = (number: number): void => {
    if (!hasEnded) signalProcess({ pidfd: process.pidfd }, number);
  };
  const session = new LocalSession(host, { exited, signal }, keepTerminal);
  return Object.assign(session, { process: process.identity, noteDetach: () => events.noteDetach() });
}

/** A process of its own reads the terminal of a command that the user detached from, as long as that lives. */
function keepTerminal(master: number): void {
  spawnDetached(selfCommand("drain"), { stdio: ["ignore", "ignore", "ignore", master] });
}
