/**
 * Starting a container's first process; runs in its monitor.
 *
 *   reserve network ─▶ files ─▶ detached overlay ─▶ Spec ─▶ launch-spec.ts: cgroup ─▶ LaunchPlan ─▶ clone3 … execve
 *                                                                                           └ beforeGo: veth pair, ports
 *
 * Everything held on the host is keyed by the container's id (release-container.ts gives it back), the mounts belong
 * to descriptors of this process. An error leaves the record as it was before, with the reason in it.
 */
import type { WindowSize } from "../../ffi/tty.ts";
import type { ContainerConfig } from "../config/container-config.ts";
import { BockerError, ExitCode, messageOf } from "../errors.ts";
import type { ProcessIdentity } from "../host/process-identity.ts";
import { trace } from "../host/trace.ts";
import type { ImageConfig } from "../image/image-config.ts";
import { closeHostStdio } from "../monitor/container-stdio.ts";
import { openPorts } from "../network/container-ports.ts";
import type { LinkedHost } from "../network/hosts-file.ts";
import { defaultNetworkName } from "../network/network-options.ts";
import { type NetworkReservation, networkModeOf, reserveNetworking } from "../network/networking.ts";
import type { PortForwarders } from "../network/port-forwarders.ts";
import { endChild } from "../runtime/start-process.ts";
import { cleanPath } from "../spec/merge-process.ts";
import { getContainer, noSuchContainer } from "../state/container.ts";
import { markRunning, markStartFailed, markStarting } from "../state/container-life.ts";
import { listLinked } from "../state/neighbour.ts";
import type { ContainerRecord } from "../state/record.ts";
import { chownTree } from "../storage/chown-tree.ts";
import { asOwner } from "../storage/mapped-mount.ts";
import { mountRootfs } from "../storage/mount-rootfs.ts";
import type { Rootfs } from "../storage/storage-driver.ts";
import { checkPropagation } from "./check-propagation.ts";
import { type ContainerFiles, containerFilesIn, writeContainerFiles } from "./container-files.ts";
import { hostnameOf } from "./container-hostname.ts";
import { loadContainerImage } from "./container-image.ts";
import { closeNames } from "./container-names.ts";
import { networkOwner } from "./container-namespace.ts";
import { containerFolder } from "./container-paths.ts";
import { containerRootfs } from "./container-rootfs.ts";
import { type ResolvedSpec, resolveSpec } from "./container-spec.ts";
import type { Engine } from "./engine.ts";
import { withPublishedPorts } from "./exposed-ports.ts";
import { fillVolumes } from "./fill-volumes.ts";
import { type HealthCheck, healthCheckOf, startingHealth } from "./health-check.ts";
import { hostUserOf } from "./host-user.ts";
import { heldDescriptor, type LaunchedProcess, launchSpec } from "./launch-spec.ts";
import { makeLinkedTargets } from "./make-linked-targets.ts";
import type { OpenStage } from "./mount-stage.ts";
import type { OpenUserns } from "./open-userns.ts";
import { PidFile } from "./pid-file.ts";
import { releaseContainer } from "./release-container.ts";
import { isStaged } from "./staged-mount.ts";
import { clearDanglingZone } from "./time-zone.ts";

export interface StartedContainer extends LaunchedProcess {
  readonly record: ContainerRecord;
  readonly healthCheck?: HealthCheck;
  /** Serve published ports where the kernel does not; to be disposed when the container has ended. */
  readonly forwarders: PortForwarders;
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
  const files = await filesOf(engine, record, reserved);
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

/** hosts, hostname and resolv.conf: its own, or those of the container whose network it joins. */
async function filesOf(
  engine: Engine,
  record: ContainerRecord,
  reserved: NetworkReservation,
): Promise<ContainerFiles> {
  const owner = networkOwner(engine, record.config);
  if (owner !== undefined) return containerFilesIn(containerFolder(engine.paths, owner.id));
  const folder = containerFolder(engine.paths, record.id);
  const links = await linksOf(engine, record);
  return writeContainerFiles(folder, record.config, hostnameOf(engine, record), reserved, links);
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
    await (await import("./container-links.ts")).refreshLinked(engine);
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
