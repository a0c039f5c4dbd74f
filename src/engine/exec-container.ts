/**
 * `exec`: a further process in a running container. This process is its parent and holds its streams.
 *
 * The container is known by the pidfd of its first process, opened before anything is read: its namespaces, root
 * and cgroup are that very process's, however pids are reused.
 */
import { closeSync, openSync } from "node:fs";
import { closeQuietly, openat } from "../../ffi/file.ts";
import { openFlags } from "../../ffi/flags.ts";
import type { WindowSize } from "../../ffi/tty.ts";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { resolveCgroup } from "../cgroup/hierarchy.ts";
import { openCgroup } from "../cgroup/open-cgroup.ts";
import { BockerError } from "../errors.ts";
import { selfCommand } from "../host/self-command.ts";
import { spawnDetached } from "../host/spawn-detached.ts";
import type { ExecContext } from "../launch/context.ts";
import { planExec } from "../launch/plan-exec.ts";
import { makePipes } from "../monitor/container-stdio.ts";
import { LocalSession } from "../monitor/local-session.ts";
import type { Session } from "../monitor/session.ts";
import { joinableNamespaces } from "../runtime/joinable-namespaces.ts";
import { launchFacts } from "../runtime/launch-facts.ts";
import { openContainerConsole } from "../runtime/open-console.ts";
import { openProcess, signalProcess } from "../runtime/signal-process.ts";
import { type StartedProcess, startProcess } from "../runtime/start-process.ts";
import { waitForExit } from "../runtime/wait-for-exit.ts";
import type { SpecProcess } from "../spec/oci.ts";
import type { ContainerRecord, ProcessIdentity } from "../state/record.ts";
import { cgroupPathOf } from "./container-cgroup.ts";
import { isNotRunning, requireInit } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { ExecEvents } from "./exec-events.ts";
import { resolveExecProcess } from "./exec-process.ts";
import { loadContainer } from "./find-container.ts";

export interface ExecRequest {
  readonly container: string;
  readonly args: readonly string[];
  readonly tty: boolean;
  readonly interactive: boolean;
  /** Nobody stays with the process: its output goes nowhere. */
  readonly detach: boolean;
  readonly env: readonly string[];
  readonly workdir?: string;
  readonly user?: string;
  readonly privileged: boolean;
  readonly size?: WindowSize;
}

/** Starts the process. Undefined with `detach`: it goes on by itself. Throws docker's words when it cannot. */
export async function execInContainer(engine: Engine, request: ExecRequest): Promise<Session | undefined> {
  const record = await loadContainer(engine, request.container);
  const init = runningInit(record);
  const target = openProcess(init);
  if (target === undefined) throw isNotRunning(record);
  let rootFd: number | undefined;
  try {
    rootFd = openat(-1, `/proc/${init.pid}/root`, openFlags.O_PATH | openFlags.O_DIRECTORY);
    const resolved = await resolveExecProcess(engine, record, request, rootFd);
    const streams = request.detach ? nullStreams() : openStreams(request, resolved.process, rootFd);
    try {
      const process = await launch(engine, record, { target, resolved, streams, init });
      const events = new ExecEvents(engine, record.id, request.args);
      return request.detach ? release(process) : attach(process, streams, events);
    } catch (error) {
      streams.closeHost();
      throw error;
    } finally {
      streams.closeChild();
    }
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

interface Streams {
  readonly host: ConstructorParameters<typeof LocalSession>[0] | undefined;
  readonly child: readonly [stdin: number, stdout: number, stderr: number];
  readonly chown: ExecContext["chownStdio"];
  closeChild(): void;
  closeHost(): void;
}

function nullStreams(): Streams {
  const fd = openSync("/dev/null", "r+");
  return {
    host: undefined,
    child: [fd, fd, fd],
    chown: [],
    closeChild: () => closeSync(fd),
    closeHost: () => {},
  };
}

function openStreams(request: ExecRequest, process: SpecProcess, rootFd: number): Streams {
  if (request.tty) {
    const { master, slave } = openContainerConsole(rootFd, request.size);
    return {
      host: { kind: "pty", master },
      child: [slave, slave, slave],
      chown: [0],
      closeChild: () => closeQuietly(slave),
      closeHost: () => closeQuietly(master),
    };
  }
  const pipes = makePipes({ stdin: request.interactive, owner: process.user });
  const devNull = pipes.child.stdin === undefined ? openSync("/dev/null", "r") : undefined;
  return {
    host: pipes.host,
    child: [pipes.child.stdin ?? devNull ?? -1, pipes.child.stdout, pipes.child.stderr],
    chown: [],
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
}

async function launch(engine: Engine, record: ContainerRecord, to: Target): Promise<StartedProcess> {
  const hierarchy = detectCgroups();
  using cgroup =
    hierarchy.mode === "none"
      ? undefined
      : openCgroup(resolveCgroup(hierarchy, cgroupPathOf(engine, record)));
  const tasks = cgroup?.taskFds ?? [];
  const plan = planExec(to.resolved.process, {
    ...launchFacts(),
    ...(to.resolved.seccomp === undefined ? {} : { seccomp: to.resolved.seccomp }),
    namespaces: joinableNamespaces(to.init.pid),
    chownStdio: to.streams.chown,
    dieWithParent: false,
    cgroupTasks: tasks.length,
    keyring: record.id,
  });
  return startProcess(plan, {
    stdio: to.streams.child,
    fds: { target: to.target, ...Object.fromEntries(tasks.map((fd, index) => [`tasks${index}`, fd])) },
    cgroupFd: cgroup?.directoryFd,
  });
}

function release(process: StartedProcess): undefined {
  closeQuietly(process.pidfd);
  return undefined;
}

function attach(process: StartedProcess, { host }: Streams, events: ExecEvents): Session {
  if (host === undefined) throw new BockerError("a detached process has no streams");
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
  return new LocalSession(host, { exited, signal }, keepTerminal);
}

/** A process of its own reads the terminal of a command that the user detached from, as long as that lives. */
function keepTerminal(master: number): void {
  spawnDetached(selfCommand("drain"), { stdio: ["ignore", "ignore", "ignore", master] });
}
