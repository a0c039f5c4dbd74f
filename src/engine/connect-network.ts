/**
 * `network connect` and `disconnect`: a network more or less in a container's config, and where it runs, an interface.
 *
 * State first when connecting, last when disconnecting: a crash in between leaves a lease without its interface, which the
 * same command completes. The lease goes with the container's end in any case. Phrases are docker's (daemon,
 * container_operations.go).
 */
import type { NetworkConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { lockFolder } from "../host/lock-file.ts";
import { isProcessAlive, isProcessEnding } from "../host/process-identity.ts";
import { heldEndpoints } from "../network/held-endpoints.ts";
import { attachEndpoint, detachEndpoint, hasEndpoint } from "../network/live-endpoint.ts";
import { ensureNetwork } from "../network/network-host.ts";
import { type NetworkNamespace, openNetworkNamespace } from "../network/network-namespace.ts";
import { defaultNetworkName } from "../network/network-options.ts";
import { resolveNetwork, takeEndpoint } from "../network/take-endpoint.ts";
import { findContainer, getContainer, noSuchContainer, setContainerConfig } from "../state/container.ts";
import { releaseLease } from "../state/lease.ts";
import { findNetworkByName } from "../state/network.ts";
import { appendNetworkEvent } from "../state/network-event.ts";
import type { ContainerRecord, NetworkRecord } from "../state/record.ts";
import { containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { findNetworkView } from "./network-view.ts";
import { refreshNames } from "./refresh-names.ts";
import { syncPorts } from "./sync-ports.ts";

/** Connects a container that runs, or is to be started. Throws docker's errors. */
export async function connectNetwork(
  engine: Engine,
  request: NetworkConfig,
  nameOrId: string,
): Promise<void> {
  const view = findNetworkView(engine, request.name);
  using _lock = await lockNetworks(engine, nameOrId);
  const container = await loadContainer(engine, nameOrId);
  checkConnectable(container, view.name);
  const network = resolveNetwork(engine.state, engine.settings.network, { ...request, name: view.id });
  const named = { ...request, name: network.name };
  if (container.init === undefined) return joinIdle(engine, container, network, named);
  using namespace = openNamespaceOf(container);
  const isNew = joinRunning(engine, container, network, named, namespace);
  try {
    const endpoints = heldEndpoints(engine.state, container.id);
    const endpoint = endpoints.find((each) => each.network.id === network.id);
    if (endpoint === undefined) throw stoppedMeanwhile(container);
    ensureNetwork(engine.state, engine.settings.network, network);
    attachEndpoint(namespace, endpoint, endpoints);
  } catch (error) {
    if (isNew) leave(engine, container.id, network);
    throw error;
  }
  await movePorts(engine, container);
  await refreshNames(engine, container.id);
}

/**
 * Takes a container out of a network. With `force` also where that is not there any more, which needs none for a container
 * that does not run, or where the container cannot be reached.
 */
export async function disconnectNetwork(
  engine: Engine,
  networkName: string,
  nameOrId: string,
  options: { readonly force: boolean },
): Promise<void> {
  using _lock = await lockNetworks(engine, nameOrId);
  const container = await loadContainer(engine, nameOrId);
  const modeName = networksOf(container)[0]?.name;
  if (networkName === "host" && modeName === "host")
    throw conflict(
      "cannot disconnect container from host network - container was created in host network mode",
    );
  if (networkName === "none" && modeName === "none") return writeNetworks(engine, container, []);
  const isForgettable = options.force || container.init === undefined;
  if (isForgettable && forgetMissing(engine, container, networkName)) return;
  const { record: network, name } = findNetworkView(engine, networkName);
  if (network === undefined) throw notInNetwork(container, name);
  const endpoints = heldEndpoints(engine.state, container.id);
  const endpoint = endpoints.find((each) => each.network.id === network.id);
  if (endpoint === undefined && !isNamed(container, network)) {
    if (options.force) return;
    throw notInNetwork(container, network.name);
  }
  if (endpoint !== undefined && container.init !== undefined) {
    try {
      using namespace = openNamespaceOf(container);
      detachEndpoint(
        namespace,
        endpoint,
        endpoints.filter((each) => each !== endpoint),
      );
    } catch (error) {
      if (!options.force) throw error;
    }
  }
  leave(engine, container.id, network);
  await movePorts(engine, container);
  await refreshNames(engine, container.id);
}

/** One change of a container's networks at a time: each plans its routes by the interfaces that are there. */
async function lockNetworks(engine: Engine, nameOrId: string): Promise<Disposable> {
  const { id } = await loadContainer(engine, nameOrId);
  try {
    return lockFolder(containerFolder(engine.paths, id));
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === "ENOENT" ? noSuchContainer(nameOrId) : error;
  }
}

/** Published ports are the address's in the network with the default route, which may be another one now. */
async function movePorts(engine: Engine, { id, init, config }: ContainerRecord): Promise<void> {
  if (init !== undefined && (config.ports.length > 0 || config.publishAll === true))
    await syncPorts(engine, id);
}

/** A network that was removed while the container did not run: its name alone is left, in the container's config. */
function forgetMissing(engine: Engine, container: ContainerRecord, networkName: string): boolean {
  const networks = networksOf(container);
  const rest = networks.filter(({ name }) => name !== networkName);
  if (rest.length === networks.length || findNetworkByName(engine.state, networkName) !== undefined)
    return false;
  writeNetworks(engine, container, rest);
  return true;
}

function checkConnectable({ config, id, status }: ContainerRecord, networkName: string): void {
  if (status === "removing" || status === "dead")
    throw conflict(
      `Container ${id} is marked for removal and cannot be connected or disconnected to the network`,
    );
  const mode = networksOf({ config })[0]?.name;
  if (mode !== "host" && networkName === "host")
    throw conflict(
      "cannot connect container to host network - container must be created in host network mode",
    );
  if (mode !== "host" && (networkName === "none" || mode === "none")) {
    throw conflict(
      "container cannot be connected to multiple networks with one of the networks in private (none) mode",
    );
  }
  if (mode === "host" || mode?.startsWith("container:")) {
    throw conflict(
      "container sharing network namespace with another container or host cannot be connected to any other network",
    );
  }
}

/** Of one that does not run: what it is to have when it is started. */
function joinIdle(
  engine: Engine,
  { id }: ContainerRecord,
  network: NetworkRecord,
  request: NetworkConfig,
): void {
  engine.state.transaction(() => {
    const current = findContainer(engine.state, id);
    const others = networksOf(current).filter(({ name }) => !isNameOf(network, name));
    writeNetworks(engine, current, [...others, request]);
  });
}

/** Lease and config; false when both are there and only the interface is missing, which a crash took. */
function joinRunning(
  engine: Engine,
  container: ContainerRecord,
  network: NetworkRecord,
  request: NetworkConfig,
  namespace: NetworkNamespace,
): boolean {
  return engine.state.transaction(() => {
    const current = getContainer(engine.state, container.id);
    if (current?.init === undefined || current.init.startTicks !== container.init?.startTicks)
      throw stoppedMeanwhile(container);
    const endpoints = heldEndpoints(engine.state, container.id);
    const existing = endpoints.find((each) => each.network.id === network.id);
    if (existing !== undefined && hasEndpoint(namespace, existing))
      throw alreadyThere(container.name, network);
    if (existing !== undefined) return false;
    const { hostname } = current.config;
    takeEndpoint(engine.state, network, {
      containerId: container.id,
      request,
      held: endpoints.map(({ lease }) => lease),
      ...(hostname === undefined ? {} : { hostname }),
    });
    if (!isNamed(current, network)) writeNetworks(engine, current, [...networksOf(current), request]);
    return true;
  });
}

function leave(engine: Engine, id: string, network: NetworkRecord): void {
  engine.state.transaction(() => {
    const current = getContainer(engine.state, id);
    if (current === undefined) return;
    const hadLease = releaseLease(engine.state, id, network.id);
    if (!isNamed(current, network)) return;
    if (!hadLease) appendNetworkEvent(engine.state, network.id, "disconnect", id);
    const rest = networksOf(current).filter(({ name }) => !isNameOf(network, name));
    writeNetworks(engine, current, rest);
  });
}

/** The networks of a config; the default one where none was asked for. */
function networksOf({ config }: Pick<ContainerRecord, "config">): readonly NetworkConfig[] {
  if (config.networks.length === 0) return [{ name: defaultNetworkName, aliases: [] }];
  return config.networks.filter(({ isVacant }) => isVacant !== true);
}

function writeNetworks(
  engine: Engine,
  { id, config }: ContainerRecord,
  networks: readonly NetworkConfig[],
): void {
  const kept = networks.length > 0 ? networks : [vacant];
  setContainerConfig(engine.state, id, { ...config, networks: kept });
}

/** After the last network: none at all, where an empty list would be the default one. */
const vacant: NetworkConfig = { name: "none", aliases: [], isVacant: true };

function isNamed(container: ContainerRecord, network: NetworkRecord): boolean {
  return networksOf(container).some(({ name }) => isNameOf(network, name));
}

function isNameOf({ id, name }: NetworkRecord, asked: string): boolean {
  return asked === name || (/^[0-9a-f]{3,64}$/.test(asked) && id.startsWith(asked));
}

/** Held open before the process is looked at again: what is held is the namespace of that process. */
function openNamespaceOf(container: ContainerRecord): NetworkNamespace {
  const { init } = container;
  if (init === undefined) throw stoppedMeanwhile(container);
  let namespace: NetworkNamespace;
  try {
    namespace = openNetworkNamespace(init.pid);
  } catch (error) {
    throw isProcessEnding(init) ? stoppedMeanwhile(container) : error;
  }
  if (isProcessAlive(init)) return namespace;
  namespace[Symbol.dispose]();
  throw stoppedMeanwhile(container);
}

function stoppedMeanwhile({ name }: ContainerRecord): BockerError {
  return new BockerError(`cannot change the networks of container "${name}": it has just stopped`, {
    kind: "not-running",
  });
}

function alreadyThere(containerName: string, { name }: NetworkRecord): BockerError {
  return conflict(`endpoint with name ${containerName} already exists in network ${name}`);
}

function notInNetwork({ id, init }: ContainerRecord, name: string): BockerError {
  const words = init === undefined ? "the network" : "network";
  return new BockerError(`container ${id} is not connected to ${words} ${name}`, { kind: "not-found" });
}

function conflict(message: string): BockerError {
  return new BockerError(message, { kind: "conflict" });
}
