/**
 * From a container whose Spec, root and network are ready to its first process: streams, cgroup, plan, clone3.
 *
 * What is open here belongs to descriptors that close with their scope; what is on the host is keyed by the container's
 * id, and start-container.ts gives it back after an error.
 */
import { closeSync, openSync } from "node:fs";
import { closeQuietly } from "../../ffi/file.ts";
import type { WindowSize } from "../../ffi/tty.ts";
import { createCgroup } from "../cgroup/apply-cgroup.ts";
import { type CgroupHierarchy, resolveCgroup } from "../cgroup/hierarchy.ts";
import { type OpenCgroup, openCgroup } from "../cgroup/open-cgroup.ts";
import type { ImageConfig } from "../image/image-config.ts";
import type { CgroupView, StartContext } from "../launch/context.ts";
import { userNamespace } from "../launch/plan-namespaces.ts";
import { planStart } from "../launch/plan-start.ts";
import { closeHostStdio, type HostStdio, makePipes } from "../monitor/container-stdio.ts";
import type { NameService } from "../network/name-order.ts";
import { applyNetworking, type NetworkReservation } from "../network/networking.ts";
import { probeBindSources } from "../runtime/bind-source.ts";
import { cgroupViewOf } from "../runtime/cgroup-view.ts";
import { launchFacts } from "../runtime/launch-facts.ts";
import { openConsole } from "../runtime/open-console.ts";
import { securityModulesFor } from "../runtime/security-modules.ts";
import { type StartedProcess, startProcess } from "../runtime/start-process.ts";
import { namespaceModes } from "../spec/namespace-mode.ts";
import type { Spec } from "../spec/oci.ts";
import type { ContainerRecord } from "../state/record.ts";
import { closeNames, openNames } from "./container-names.ts";
import { containerFolder } from "./container-paths.ts";
import type { ResolvedSpec } from "./container-spec.ts";
import type { Engine } from "./engine.ts";
import { hostUserOf } from "./host-user.ts";
import type { MountStage, OpenStage } from "./mount-stage.ts";
import type { OpenUserns } from "./open-userns.ts";

export interface HeldDescriptor extends Disposable {
  readonly fd: number;
}

/** Closed once, by whoever disposes of it first. */
export function heldDescriptor(fd: number): HeldDescriptor {
  let isOpen = true;
  const close = () => {
    if (isOpen) closeSync(fd);
    isOpen = false;
  };
  return { fd, [Symbol.dispose]: close };
}

export interface Launch {
  readonly record: ContainerRecord;
  readonly image: ImageConfig;
  readonly reservation: NetworkReservation;
  readonly resolved: ResolvedSpec;
  readonly root: HeldDescriptor;
  readonly stage?: OpenStage;
  readonly userns?: OpenUserns;
}

/** A process that has been started, and what goes with it. The host's ends of the streams are the caller's. */
export interface LaunchedProcess {
  readonly process: StartedProcess;
  readonly stdio: HostStdio;
  /** Serves names on networks that have them; the sockets are the caller's. */
  readonly names?: NameService;
}

/** Starts the command; when it throws, nothing of it is left but what is keyed by the container's id. */
export async function launchSpec(
  engine: Engine,
  launch: Launch,
  size: WindowSize | undefined,
): Promise<LaunchedProcess> {
  const streams = launch.record.config.tty ? terminalStreams(launch, size) : pipeStreams(launch);
  let names: NameService | undefined;
  try {
    const process = await launchWith(engine, launch, streams, async (pid) => {
      // The child has its own. Whoever closes the last one unmounts, and waits while the file system below is synced.
      launch.root[Symbol.dispose]();
      applyNetworking(engine.state, engine.settings.network, launch.reservation, pid);
      names = await openNames(engine, launch.record, launch.reservation.networks, pid);
    });
    return { process, stdio: streams.host, ...(names && { names }) };
  } catch (error) {
    closeHostStdio(streams.host);
    closeNames(names);
    throw error;
  } finally {
    streams.closeChildEnds();
  }
}

interface Streams {
  readonly host: HostStdio;
  readonly child: readonly [stdin: number, stdout: number, stderr: number];
  /** Set with a terminal: its devpts, and its number in there. */
  readonly console?: { readonly devpts: number; readonly number: number };
  closeChildEnds(): void;
}

function terminalStreams({ userns }: Launch, size: WindowSize | undefined): Streams {
  const { master, slave, number, devpts = -1 } = openConsole(size, userns?.maps);
  return {
    host: { kind: "pty", master },
    child: [slave, slave, slave],
    console: { devpts, number },
    closeChildEnds: () => closeQuietly(slave, devpts),
  };
}

function pipeStreams({ record, resolved }: Launch): Streams {
  const pipes = makePipes({
    stdin: record.config.interactive,
    owner: hostUserOf(record.config, resolved.user),
  });
  const devNull = pipes.child.stdin === undefined ? openSync("/dev/null", "r") : undefined;
  return {
    host: pipes.host,
    child: [pipes.child.stdin ?? devNull ?? -1, pipes.child.stdout, pipes.child.stderr],
    closeChildEnds: () => {
      pipes.closeChildEnds();
      closeQuietly(devNull);
    },
  };
}

async function launchWith(
  engine: Engine,
  launch: Launch,
  streams: Streams,
  beforeGo: (pid: number) => void | Promise<void>,
): Promise<StartedProcess> {
  const { spec, hierarchy } = launch.resolved;
  using cgroup = enterableCgroup(hierarchy, spec);
  const tasks = cgroup?.taskFds ?? [];
  const plan = planStart(spec, startContextOf(launch, streams.console?.number, tasks.length));
  const { id } = launch.record;
  const folder = containerFolder(engine.paths, id);
  const hooks = spec.hooks === undefined ? undefined : await import("./container-hooks.ts");
  hooks?.prepareHooks(folder, spec);
  // Awaited here: the way into the cgroup stays open until the child is made.
  const process = await startProcess(plan, {
    stdio: streams.child,
    fds: {
      rootfs: launch.root.fd,
      ...launch.stage?.fds,
      ...(streams.console === undefined ? {} : { devpts: streams.console.devpts }),
      ...(launch.userns === undefined ? {} : { [userNamespace]: launch.userns.fd }),
      ...Object.fromEntries(tasks.map((fd, index) => [`tasks${index}`, fd])),
    },
    cgroupFd: cgroup?.directoryFd,
    beforeGo,
    ...(hooks && { beforePivot: (child) => hooks.runCreateHooks(id, folder, spec, child) }),
  });
  await hooks?.runPoststartHooks(id, folder, spec, process.pid);
  return process;
}

/** Makes the cgroup and opens the way in. A host without any (a bare initramfs) can hold no limits: none asked, none made. */
function enterableCgroup(hierarchy: CgroupHierarchy, { linux }: Spec): OpenCgroup | undefined {
  const { devices: _devices, ...limits } = linux?.resources ?? {};
  if (hierarchy.mode === "none" && Object.keys(limits).length === 0) return undefined;
  return openCgroup(createCgroup(hierarchy, linux?.cgroupsPath ?? "", linux?.resources ?? {}));
}

/** What planning needs beside the Spec; the dry run asks for it too. */
export function startContextOf(
  launch: Omit<Launch, "root" | "stage"> & { readonly stage?: MountStage },
  consoleNumber: number | undefined,
  cgroupTasks: number,
): StartContext {
  const { record, resolved, reservation, stage } = launch;
  const { seccomp, hierarchy } = resolved;
  return {
    ...launchFacts(),
    ...(seccomp === undefined ? {} : { seccomp }),
    ...securityModulesFor(resolved.spec),
    // Pipes are the container user's since makePipes; a terminal's slave still has to become so.
    chownStdio: consoleNumber === undefined ? [] : [0],
    dieWithParent: true,
    cgroupTasks,
    rootfs: {
      kind: "mount",
      description: `${launch.image.rootfs.diff_ids.length} layers`,
      ...pathOf(resolved.spec),
    },
    bindSources: { ...probeBindSources(resolved.spec), ...stagedFiles(stage) },
    ...(stage === undefined ? {} : { staged: stage.mounts }),
    ...(consoleNumber === undefined ? {} : { console: { number: consoleNumber } }),
    network: { interfaces: reservation.interfaces },
    ...(hierarchy.mode === "none" ? {} : { cgroup: cgroupViewFor(hierarchy, resolved.spec) }),
    // An init makes sense only as process 1 of a pid namespace of its own.
    init: record.config.init && namespaceModes(record.config).pid.kind === "private",
    keyring: record.id,
  };
}

/**
 * Without a cgroup namespace a v2 tree is mounted whole, as by other engines: who asks for the host's wants to see it. v1's
 * trees show the container's own directories.
 */
function cgroupViewFor(hierarchy: CgroupHierarchy, { linux }: Spec): CgroupView {
  const isOwn = linux?.namespaces?.some(({ type }) => type === "cgroup") === true;
  if (isOwn || hierarchy.mode === "v2") return cgroupViewOf(hierarchy);
  return cgroupViewOf(hierarchy, resolveCgroup(hierarchy, linux?.cgroupsPath ?? ""));
}

/** For hooks alone. */
function pathOf({ hooks, root }: Spec): { readonly path?: string } {
  return hooks === undefined || root === undefined ? {} : { path: root.path };
}

function stagedFiles(stage: MountStage | undefined): Readonly<Record<string, "file">> {
  return Object.fromEntries((stage?.files ?? []).map((path) => [path, "file"]));
}
