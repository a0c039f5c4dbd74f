/**
 * `exec`: a further process in a container that is created or running. This process is its parent, and lends it its
 * standard streams or a terminal of the container's devpts.
 *
 * The container is held by its first process's pidfd from before anything is read.
 */
import { readFileSync } from "node:fs";
import { close, closeQuietly, openat } from "../../ffi/file.ts";
import { openFlags } from "../../ffi/flags.ts";
import { openCgroup } from "../cgroup/open-cgroup.ts";
import { BockerError } from "../errors.ts";
import { planExec } from "../launch/plan-exec.ts";
import { joinableNamespaces } from "../runtime/joinable-namespaces.ts";
import { openContainerConsole } from "../runtime/open-console.ts";
import { openProcess } from "../runtime/signal-process.ts";
import { endChild, type StartedProcess, startProcess } from "../runtime/start-process.ts";
import type { Spec, SpecProcess } from "../spec/oci.ts";
import { checkProcess } from "./check-spec.ts";
import { checkConsole, openPeerSocket, sendConsole, sendPidfd } from "./console-socket.ts";
import type { ContainerRecord } from "./container-record.ts";
import { cgroupOf, statusOf } from "./container-status.ts";
import { writePidFile } from "./create-container.ts";
import { execCgroup } from "./exec-cgroup.ts";
import { processOfOptions } from "./exec-request.ts";
import { passedDescriptors } from "./inherited-fds.ts";
import { keepNewlines } from "./keep-newlines.ts";
import { contextOfExec, listenerOf } from "./launch-context.ts";
import { loadKeptConfig, parseJson } from "./load-bundle.ts";
import type { OciContext } from "./oci-context.ts";
import type { OciOptions } from "./option.ts";
import { passwdOfProcess, withHome } from "./process-environment.ts";

export interface ExecutedProcess {
  readonly process: StartedProcess;
  /** Its terminal, where nobody else took it; the caller's. */
  readonly master?: number;
}

/** Starts the process. Throws in runc's words where the container does not run. */
export async function execProcess(
  context: OciContext,
  id: string,
  args: readonly string[],
  options: OciOptions,
): Promise<ExecutedProcess> {
  const { store } = context;
  const record = store.load(id);
  const pidfd = openTarget(context, record, options.flag("ignore-paused"));
  try {
    const spec = loadKeptConfig(store.configFile(id));
    const asked = requestedProcess(spec, args, options);
    checkConsole(asked.terminal === true, options.value("console-socket"), options.flag("detach"));
    return await launch({ record, spec, pidfd }, asked, options);
  } finally {
    close(pidfd);
  }
}

function openTarget({ store }: OciContext, record: ContainerRecord, ignorePaused: boolean): number {
  const status = statusOf(store, record);
  if (status === "paused" && !ignorePaused) {
    throw new BockerError("cannot exec in a paused container (use --ignore-paused to override)", {
      kind: "conflict",
    });
  }
  const pidfd = record.init === undefined || status === "stopped" ? undefined : openProcess(record.init);
  if (pidfd !== undefined) return pidfd;
  throw new BockerError("cannot exec in a stopped container", { kind: "not-running" });
}

function requestedProcess(spec: Spec, args: readonly string[], options: OciOptions): SpecProcess {
  const file = options.value("process");
  const asked =
    file === undefined
      ? processOfOptions(spec.process, options, args)
      : checkProcess(parseJson(readFileSync(file, "utf8"), file));
  // With a process.json too, -t asks for a terminal.
  return options.flag("tty") ? { ...asked, terminal: true } : asked;
}

interface Target {
  readonly record: ContainerRecord;
  readonly spec: Spec;
  readonly pidfd: number;
}

async function launch(target: Target, asked: SpecProcess, options: OciOptions): Promise<ExecutedProcess> {
  const socket = openPeerSocket("console", options.value("console-socket"));
  let pidfdSocket: number | undefined;
  let slave: number | undefined;
  let master: number | undefined;
  let started: StartedProcess | undefined;
  try {
    pidfdSocket = openPeerSocket("pidfd", options.value("pidfd-socket"));
    if (asked.terminal === true) ({ master, slave } = openTerminal(target.record, asked));
    if (master !== undefined && socket === undefined) keepNewlines(master);
    started = await join(target, asked, options, slave);
    if (master !== undefined && socket !== undefined) {
      sendConsole(socket, master);
      close(master);
      master = undefined;
    }
    sendPidfd(pidfdSocket, started.pidfd);
    writePidFile(options.value("pid-file"), started.pid);
    return master === undefined ? { process: started } : { process: started, master };
  } catch (error) {
    closeQuietly(master);
    if (started !== undefined) endChild(started);
    throw error;
  } finally {
    closeQuietly(socket, pidfdSocket, slave);
  }
}

/** A further terminal of the container's own devpts. */
function openTerminal(
  { init }: ContainerRecord,
  { consoleSize }: SpecProcess,
): { readonly master: number; readonly slave: number } {
  const flags = openFlags.O_PATH | openFlags.O_DIRECTORY;
  const root = openat(-1, `/proc/${init?.pid}/root`, flags);
  try {
    const size =
      consoleSize === undefined ? undefined : { rows: consoleSize.height, columns: consoleSize.width };
    return openContainerConsole(root, size);
  } finally {
    close(root);
  }
}

async function join(
  { record, spec, pidfd }: Target,
  asked: SpecProcess,
  options: OciOptions,
  slave: number | undefined,
): Promise<StartedProcess> {
  const initPid = record.init?.pid ?? -1;
  const whole = cgroupOf(record);
  using cgroup =
    whole === undefined ? undefined : openCgroup(execCgroup(whole, options.list("cgroup"), initPid));
  const tasks = cgroup?.taskFds ?? [];
  const passed = passedDescriptors(options.count("preserve-fds"));
  const execContext = await contextOfExec(spec, {
    namespaces: joinableNamespaces(initPid),
    cgroupTasks: tasks.length,
    preserveFds: passed.count,
    process: asked,
    terminal: slave !== undefined,
  });
  const process = withHome({ ...asked, env: [...(asked.env ?? []), ...passed.env] }, () =>
    passwdOfProcess(initPid),
  );
  // Awaited, so that the cgroup stays open until the process is in it.
  return await startProcess(planExec(process, execContext), {
    stdio: slave === undefined ? [0, 1, 2] : [slave, slave, slave],
    fds: {
      target: pidfd,
      ...Object.fromEntries(tasks.map((fd, index) => [`tasks${index}`, fd])),
      ...passed.fds,
    },
    cgroupFd: cgroup?.directoryFd,
    onListener: listenerOf(spec, record, "running"),
  });
}
