/**
 * `create`, and the first half of `run`: from a bundle to a process in its namespaces.
 *
 *   bundle ─▶ claim the id ─▶ record ─▶ cgroup ─▶ plan ─▶ clone3 ─┬─ record with its pid ─▶ hooks ─▶ pid file
 *                                                                └─ waits at the gate (create), or runs (run)
 *
 * Nothing of it needs this process afterwards: the container's init is left to whoever reaps our children, with the
 * caller's own standard streams. Until the record has a pid, init ends with us; whatever fails is undone.
 */
import { writeFileSync } from "node:fs";
import { close, closeQuietly } from "../../ffi/file.ts";
import { openCgroup } from "../cgroup/open-cgroup.ts";
import { BockerError, messageOf } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { readProcessIdentity } from "../host/process-identity.ts";
import { planStart } from "../launch/plan-start.ts";
import { type Console, openConsole } from "../runtime/open-console.ts";
import { makeGate, openGate } from "../runtime/start-gate.ts";
import { endChild, type StartedProcess, startProcess } from "../runtime/start-process.ts";
import type { Spec } from "../spec/oci.ts";
import { checkConsole, openPeerSocket, sendConsole, sendPidfd } from "./console-socket.ts";
import { cgroupsPathOf, makeContainerCgroup } from "./container-cgroup.ts";
import type { ContainerRecord } from "./container-record.ts";
import { release } from "./delete-container.ts";
import { passedDescriptors } from "./inherited-fds.ts";
import { keepNewlines } from "./keep-newlines.ts";
import { contextOfStart, copyTreeFor, listenerOf, withEnvironment } from "./launch-context.ts";
import { makeLinkedTargets } from "./linked-targets.ts";
import { type Bundle, checkNamespacePaths, loadBundle } from "./load-bundle.ts";
import type { OciContext } from "./oci-context.ts";
import type { OciOptions } from "./option.ts";

export interface CreatedContainer {
  readonly record: ContainerRecord;
  readonly process: StartedProcess;
  /** The terminal's master end, where nobody else took it; the caller's. */
  readonly master?: number;
}

/** `start`: go on to the command at once; `detached`: nobody here holds the terminal. */
export interface CreateMode {
  readonly start: boolean;
  readonly detached: boolean;
}

/** Throws after having undone everything. The lock is held all the time. */
export async function createContainer(
  context: OciContext,
  id: string,
  options: OciOptions,
  mode: CreateMode,
): Promise<CreatedContainer> {
  const bundle = loadBundle(options.value("bundle") ?? ".", options.value("config"));
  const passed = passedDescriptors(options.count("preserve-fds"));
  const spec = withEnvironment(bundle.spec, passed.env, bundle.rootfs);
  checkConsole(spec.process?.terminal === true, options.value("console-socket"), mode.detached);
  checkNamespacePaths(spec);
  using _lock = context.store.claim(id);
  let record: ContainerRecord | undefined;
  try {
    record = newRecord(id, bundle, cgroupsPathOf(context, id, spec));
    writeFileSync(context.store.configFile(id), bundle.text, { mode: 0o600 });
    context.store.save(record);
    makeLinkedTargets(bundle.rootfs, spec);
    return await launch(context, { ...bundle, spec }, record, options, mode);
  } catch (error) {
    if (record === undefined) context.store.remove(id);
    else await undo(context, record);
    throw error;
  }
}

function newRecord(id: string, bundle: Bundle, cgroupsPath: string | undefined): ContainerRecord {
  const { spec, directory, rootfs } = bundle;
  const creator = readProcessIdentity(process.pid);
  if (creator === undefined)
    throw new BockerError("cannot read /proc/self: is /proc mounted?", { kind: "host" });
  return {
    version: 1,
    id,
    ociVersion: spec.ociVersion,
    bundle: directory,
    rootfs,
    // Go's nanoseconds; the clock here has three digits of them.
    created: new Date().toISOString().replace("Z", "000000Z"),
    owner: process.getuid?.() ?? 0,
    ...(spec.annotations === undefined ? {} : { annotations: spec.annotations }),
    ...(cgroupsPath === undefined ? {} : { cgroupsPath }),
    creator,
    ownPids: spec.linux?.namespaces?.some(({ type, path }) => type === "pid" && path === undefined) === true,
  };
}

/** What fails here is only told of: the first error is the one to throw. */
async function undo(context: OciContext, record: ContainerRecord): Promise<void> {
  try {
    await release(context, context.store.find(record.id) ?? record);
  } catch (error) {
    context.log.write("warning", `cleaning up: ${messageOf(error)}`);
  }
  context.store.remove(record.id);
}

async function launch(
  context: OciContext,
  bundle: Bundle,
  draft: ContainerRecord,
  options: OciOptions,
  mode: CreateMode,
): Promise<CreatedContainer> {
  const { spec } = bundle;
  const socket = openPeerSocket("console", options.value("console-socket"));
  let pidfdSocket: number | undefined;
  let terminal: Console | undefined;
  let master: number | undefined;
  let started: StartedProcess | undefined;
  try {
    pidfdSocket = openPeerSocket("pidfd", options.value("pidfd-socket"));
    if (spec.process?.terminal === true) terminal = openConsole(consoleSize(spec), idMaps(spec));
    master = terminal?.master;
    if (master !== undefined && socket === undefined) keepNewlines(master);
    const launched = await startInit(context, bundle, draft, options, mode, terminal);
    started = launched.process;
    if (mode.start && hasInnerHooks(spec)) await passGate(context, spec, launched);
    if (master !== undefined && socket !== undefined) {
      sendConsole(socket, master);
      close(master);
      master = undefined;
    }
    sendPidfd(pidfdSocket, started.pidfd);
    writePidFile(options.value("pid-file"), started.pid);
    if (mode.start && (spec.hooks?.poststart ?? []).length > 0) {
      const { runPoststart } = await import("./container-hooks.ts");
      await runPoststart(spec.hooks, launched.record);
    }
    return master === undefined ? launched : { ...launched, master };
  } catch (error) {
    closeQuietly(master);
    if (started !== undefined) endChild(started);
    throw error;
  } finally {
    closeQuietly(socket, pidfdSocket, terminal?.slave, terminal?.devpts);
  }
}

/** Makes init and brings it to its gate, or through it. */
async function startInit(
  context: OciContext,
  { spec, rootfs }: Bundle,
  draft: ContainerRecord,
  options: OciOptions,
  mode: CreateMode,
  terminal: Console | undefined,
): Promise<CreatedContainer> {
  const { store } = context;
  const { cgroupsPath, id } = draft;
  const made = cgroupsPath === undefined ? undefined : makeContainerCgroup(context, cgroupsPath, spec);
  using cgroup = made === undefined ? undefined : openCgroup(made);
  // Closed here before it is passed: as long as we hold an end, the other end's closing cannot be seen.
  using gate = mode.start && !hasInnerHooks(spec) ? undefined : makeGate(store.folder(id));
  const passed = passedDescriptors(options.count("preserve-fds"));
  const tasks = cgroup?.taskFds ?? [];
  const startContext = await contextOfStart(spec, rootfs, {
    cgroupTasks: tasks.length,
    preserveFds: passed.count,
    noPivot: options.flag("no-pivot"),
    cgroup: made,
    ...(options.flag("no-new-keyring") ? {} : { keyring: id }),
    ...(terminal === undefined ? {} : { console: { number: terminal.number } }),
    ...(gate === undefined ? {} : { gate: true }),
  });
  let record = made === undefined ? withoutCgroup(draft) : draft;
  const note = (pid: number): void => {
    if (record.init !== undefined) return;
    const init = readProcessIdentity(pid);
    if (init !== undefined) record = { ...record, init };
    store.save(record);
  };
  const stdio = terminal === undefined ? ([0, 1, 2] as const) : threeTimes(terminal.slave);
  const process = await startProcess(planStart(spec, startContext), {
    stdio,
    fds: {
      ...gate?.fds,
      ...(terminal?.devpts === undefined ? {} : { devpts: terminal.devpts }),
      ...Object.fromEntries(tasks.map((fd, index) => [`tasks${index}`, fd])),
      ...passed.fds,
    },
    cgroupFd: cgroup?.directoryFd,
    beforePivot: async (child) => {
      note(child.pid);
      const { runCreateHooks } = await import("./container-hooks.ts");
      await runCreateHooks(spec.hooks, record, child);
    },
    beforeGo: note,
    onListener: (fd, child) => listenerOf(spec, record, "creating")?.(fd, child),
    ...(await copyTreeFor(spec)),
  });
  return { record, process };
}

function hasInnerHooks({ hooks }: Spec): boolean {
  return (hooks?.startContainer ?? []).length > 0;
}

async function passGate(
  { store }: OciContext,
  spec: Spec,
  { record, process }: CreatedContainer,
): Promise<void> {
  const { runStartContainerHooks } = await import("./container-hooks.ts");
  await runStartContainerHooks(spec, record, process);
  if (spec.process !== undefined) await openGate(store.folder(record.id), spec.process);
}

function withoutCgroup({ cgroupsPath: _none, ...record }: ContainerRecord): ContainerRecord {
  return record;
}

function threeTimes(fd: number): readonly [number, number, number] {
  return [fd, fd, fd];
}

function consoleSize({ process: section }: Spec): Parameters<typeof openConsole>[0] {
  const size = section?.consoleSize;
  return size === undefined ? undefined : { rows: size.height, columns: size.width };
}

/** The container's root owns its terminal. */
function idMaps({ linux }: Spec): Parameters<typeof openConsole>[1] {
  const { uidMappings = [], gidMappings = [] } = linux ?? {};
  return uidMappings.length === 0 ? undefined : { uidMappings, gidMappings };
}

/** Whole or not at all, for callers that watch for it. */
export function writePidFile(path: string | undefined, pid: number): void {
  if (path !== undefined) writeFileAtomic(path, String(pid));
}

/** A pidfd that is not needed any more. */
export function letGo({ process, master }: CreatedContainer): void {
  close(process.pidfd);
  closeQuietly(master);
}
