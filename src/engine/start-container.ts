/**
 * Starting a container's first process; runs in its monitor.
 *
 *   reserve network ─▶ files ─▶ detached overlay ─▶ Spec ─▶ cgroup ─▶ LaunchPlan ─▶ clone3 … execve
 *                                                                              └ beforeGo: veth pair, ports
 *
 * Everything held on the host is keyed by the container's id (release-container.ts gives it back), the mounts belong
 * to descriptors of this process. An error leaves the record as it was before, with the reason in it.
 */
import { closeSync, openSync } from "node:fs";
import { closeQuietly } from "../../ffi/file.ts";
import type { WindowSize } from "../../ffi/tty.ts";
import { createCgroup } from "../cgroup/apply-cgroup.ts";
import { type CgroupHierarchy, resolveCgroup } from "../cgroup/hierarchy.ts";
import { type OpenCgroup, openCgroup } from "../cgroup/open-cgroup.ts";
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError, ExitCode, messageOf } from "../errors.ts";
import type { ProcessIdentity } from "../host/process-identity.ts";
import { trace } from "../host/trace.ts";
import type { ImageConfig } from "../image/image-config.ts";
import type { CgroupView, StartContext } from "../launch/context.ts";
import { userNamespace } from "../launch/plan-namespaces.ts";
import { planStart } from "../launch/plan-start.ts";
import { closeHostStdio, type HostStdio, makePipes } from "../monitor/container-stdio.ts";
import { openPorts } from "../network/container-ports.ts";
import type { LinkedHost } from "../network/hosts-file.ts";
import type { NameService } from "../network/name-order.ts";
import { defaultNetworkName } from "../network/network-options.ts";
import {
  applyNetworking,
  type NetworkReservation,
  networkModeOf,
  reserveNetworking,
} from "../network/networking.ts";
import type { PortForwarders } from "../network/port-forwarders.ts";
import { probeBindSources } from "../runtime/bind-source.ts";
import { cgroupViewOf } from "../runtime/cgroup-view.ts";
import { launchFacts } from "../runtime/launch-facts.ts";
import { openConsole } from "../runtime/open-console.ts";
import { securityModulesFor } from "../runtime/security-modules.ts";
import { endChild, type StartedProcess, startProcess } from "../runtime/start-process.ts";
import { cleanPath } from "../spec/merge-process.ts";
import { namespaceModes } from "../spec/namespace-mode.ts";
import type { Spec } from "../spec/oci.ts";
import { getContainer, noSuchContainer } from "../state/container.ts";
import { markRunning, markStartFailed, markStarting } from "../state/container-life.ts";
import { listLinked } from "../state/neighbour.ts";
import type { ContainerRecord } from "../state/record.ts";
import { chownTree } from "../storage/chown-tree.ts";
import { asOwner } from "../storage/mapped-mount.ts";
import { mountRootfs } from "../storage/mount-rootfs.ts";
import type { Rootfs } from "../storage/storage-driver.ts";
import { checkPropagation } from "./check-propagation.ts";
import { containerFilesIn, writeContainerFiles } from "./container-files.ts";
import { hostnameOf } from "./container-hostname.ts";
import { loadContainerImage } from "./container-image.ts";
import { closeNames, openNames } from "./container-names.ts";
import { networkOwner } from "./container-namespace.ts";
import { containerFolder } from "./container-paths.ts";
import { containerRootfs } from "./container-rootfs.ts";
import { type ResolvedSpec, resolveSpec } from "./container-spec.ts";
import type { Engine } from "./engine.ts";
import { withPublishedPorts } from "./exposed-ports.ts";
import { fillVolumes } from "./fill-volumes.ts";
import { type HealthCheck, healthCheckOf, startingHealth } from "./health-check.ts";
import { hostUserOf } from "./host-user.ts";
import { makeLinkedTargets } from "./make-linked-targets.ts";
import type { MountStage, OpenStage } from "./mount-stage.ts";
import type { OpenUserns } from "./open-userns.ts";
import { PidFile } from "./pid-file.ts";
import { releaseContainer } from "./release-container.ts";
import { isStaged } from "./staged-mount.ts";
import { clearDanglingZone } from "./time-zone.ts";

export interface StartedContainer {
  readonly record: ContainerRecord;
  readonly process: StartedProcess;
  readonly stdio: HostStdio;
  readonly healthCheck?: HealthCheck;
  /** Serve published ports where the kernel does not; to be disposed when the container has ended. */
  readonly forwarders: PortForwarders;
  /** Serves names on networks that have them; the sockets are the caller's. */
  readonly names?: NameService;
}

/** Starts the container for the monitor `monitor` (this process). Throws with docker's exit code in the error. */
export async function startContainer(
  engine: Engine,
  id: string,
  monitor: ProcessIdentity,
  size?: WindowSize,
): Promise<StartedContainer> {
  const record = getContainer(engine.state, id);
  if (record === undefined) throw noSuchContainer(id);
  if (!markStarting(engine.state, id, monitor)) throw notStartable(record);
  let started: Omit<StartedContainer, "record"> | undefined;
  try {
    using pidFile = record.config.pidFile === undefined ? undefined : new PidFile(record.config.pidFile);
    started = await launchContainer(engine, record, size);
    pidFile?.write(started.process.identity.pid);
    const health = started.healthCheck === undefined ? undefined : startingHealth;
    if (!markRunning(engine.state, id, monitor, started.process.identity, health)) {
      throw new BockerError(`container "${record.name}" was removed while it started`, { kind: "conflict" });
    }
    await tellLinked(engine, record);
    return { record, ...started };
  } catch (error) {
    if (started !== undefined) abandon(started);
    await releaseContainer(engine, record);
    const exitCode =
      error instanceof BockerError ? (error.exitCode ?? ExitCode.signalBase) : ExitCode.signalBase;
    markStartFailed(engine.state, id, monitor, { exitCode, error: messageOf(error) });
    throw error;
  }
}

/** Ends a container that has started and that nobody will know of. */
function abandon({ process, stdio, forwarders, names }: Omit<StartedContainer, "record">): void {
  forwarders[Symbol.dispose]();
  closeNames(names);
  endChild(process);
  closeHostStdio(stdio);
}

function notStartable(record: ContainerRecord): BockerError {
  return new BockerError(`cannot start container "${record.name}": it is ${record.status}`, {
    kind: "conflict",
  });
}

async function launchContainer(
  engine: Engine,
  record: ContainerRecord,
  size: WindowSize | undefined,
): Promise<Omit<StartedContainer, "record">> {
  const image = loadContainerImage(engine, record);
  const container = withPublishedPorts(record, image.config);
  const reserved = reserveNetworking(engine.state, engine.settings.network, container);
  const folder = containerFolder(engine.paths, record.id);
  const owner = networkOwner(engine, record.config);
  const files =
    owner === undefined
      ? writeContainerFiles(
          folder,
          record.config,
          hostnameOf(engine, record),
          reserved,
          await linksOf(engine, record),
        )
      : containerFilesIn(containerFolder(engine.paths, owner.id));
  const { forwarders, ports } = await openPorts(engine.state, engine.settings.network, container, reserved);
  const reservation = { ...reserved, ports };
  using userns = await usernsOf(engine, record);
  const rootfs = containerRootfs(engine, record, image);
  if (userns?.ids !== undefined) await fillUnmapped(engine, record, image, rootfs);
  using root = heldDescriptor(mountRootfs(rootfs, userns?.ids));
  const rootFd = root.fd;
  try {
    if (userns?.ids === undefined) fillVolumes(engine, record, image, rootFd);
    using stage = await stageOf(engine, record, userns);
    const secretEnv = await secretVariables(engine, record);
    const resolved = await resolveSpec(engine, {
      record,
      image,
      rootFd,
      files,
      secretEnv,
      ...(stage && { stage }),
    });
    giveVolumes(record.config, resolved);
    checkPropagation(resolved.spec);
    asOwner(userns?.ids, () => {
      if (record.config.timeZone !== undefined) clearDanglingZone(rootFd);
      makeLinkedTargets(rootFd, resolved.spec);
    });
    const launch = {
      record,
      image,
      reservation,
      resolved,
      root,
      ...(stage && { stage }),
      ...(userns && { userns }),
    };
    const launched = await launchSpec(engine, launch, size);
    const healthCheck = healthCheckOf(record.config.health, image.config);
    return { ...launched, forwarders, ...(healthCheck === undefined ? {} : { healthCheck }) };
  } catch (error) {
    forwarders[Symbol.dispose]();
    throw error;
  }
}

/** Loaded by the few containers that have links. */
async function linksOf(engine: Engine, record: ContainerRecord): Promise<readonly LinkedHost[]> {
  if (record.config.networks.every(({ links }) => links === undefined)) return [];
  return (await import("./container-links.ts")).loadLinkedHosts(engine, record);
}

/** Loaded by the few containers on whose network somebody has links. */
async function tellLinked(engine: Engine, record: ContainerRecord): Promise<void> {
  if (networkModeOf(record.config.networks) !== "bridge") return;
  try {
    if (listLinked(engine.state, defaultNetworkName).length === 0) return;
    await (await import("./container-links.ts")).refreshLinked(engine, record);
  } catch (error) {
    // It runs all the same.
    trace(() => `cannot tell those that are linked to it: ${messageOf(error)}`);
  }
}

/** Loaded by the few containers that have ids of their own. */
async function usernsOf(engine: Engine, { config }: ContainerRecord): Promise<OpenUserns | undefined> {
  if (config.idMaps === undefined) return undefined;
  return (await import("./open-userns.ts")).openUserns(engine, config);
}

/** Volumes are mapped too: what is copied into them has the ids that it has on the disk. */
async function fillUnmapped(
  engine: Engine,
  record: ContainerRecord,
  image: ImageConfig,
  rootfs: Rootfs,
): Promise<void> {
  const { openMergedTree } = await import("../storage/open-tree.ts");
  using tree = heldDescriptor(openMergedTree(rootfs));
  fillVolumes(engine, record, image, tree.fd);
}

/** Loaded by the few containers that have such mounts. */
async function stageOf(
  engine: Engine,
  record: ContainerRecord,
  userns: OpenUserns | undefined,
): Promise<OpenStage | undefined> {
  const { mounts, secrets = [] } = record.config;
  if (secrets.length === 0 && !mounts.some(isStaged)) return undefined;
  const { openStage } = await import("./mount-stage.ts");
  return openStage(engine, record, userns);
}

async function secretVariables(engine: Engine, record: ContainerRecord): Promise<readonly string[]> {
  if (record.config.secrets === undefined) return [];
  const { secretEnvironment } = await import("./container-secret.ts");
  return secretEnvironment(engine, record);
}

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

/** `-v …:U`: who is the container's user is known only now. The Spec says where each source is. */
function giveVolumes(config: ContainerConfig, { spec, user }: ResolvedSpec): void {
  for (const mount of config.mounts) {
    if ((mount.type !== "bind" && mount.type !== "volume") || mount.chown !== true) continue;
    const made = spec.mounts?.find(({ destination }) => destination === cleanPath(mount.target));
    if (made?.type !== "bind" || made.source === undefined) continue;
    const owner = made.options?.includes("idmap") ? user : hostUserOf(config, user);
    chownTree(made.source, owner.uid, owner.gid);
  }
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

/** The host's ends of the streams are the caller's when it succeeds. */
async function launchSpec(
  engine: Engine,
  launch: Launch,
  size: WindowSize | undefined,
): Promise<Pick<StartedContainer, "process" | "stdio" | "names">> {
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
