/**
 * A container's networking from beginning to end, for the engine and the monitor:
 *
 *   reserveNetworking   state only: addresses and ports, each unique, in one transaction
 *   applyNetworking     the bridge if it is not there, the veth pair into the namespace of `pid`, published ports
 *   releaseNetworking   gives all of it back; any number of times, by anybody, from the container's id alone
 *
 * A crash after any step leaves rows and firewall elements keyed by the container's id, for the next releaseNetworking; the
 * veth pair dies with the namespace and is never deleted by hand (20 ms of waiting in the kernel, measured).
 */
import type { ContainerConfig, NetworkConfig } from "../config/container-config.ts";
import { applySteps } from "../host/apply-steps.ts";
import type { HostStep } from "../host/step.ts";
import { getContainer, noSuchContainer } from "../state/container.ts";
import { releaseLeases } from "../state/lease.ts";
import { releasePorts } from "../state/port.ts";
import type { LeaseRecord, NetworkRecord, PortRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { loadFirewall } from "./choose-firewall.ts";
import { takePorts } from "./container-ports.ts";
import type { Endpoint } from "./default-route.ts";
import { changePorts, isKernelForwarded } from "./firewall.ts";
import { type ContainerInterface, planInterfaces, planLinks, planNames } from "./link.ts";
import { removeStaleLinks } from "./live-endpoint.ts";
import { ensureNetwork, planNetworkHost } from "./network-host.ts";
import { insideNamespace, openNetworkNamespace } from "./network-namespace.ts";
import { defaultNetworkName, type NetworkOptions } from "./network-options.ts";
import { declaredRules } from "./release-networking.ts";
import { resolveNetwork, takeEndpoints } from "./take-endpoint.ts";

export type NetworkMode = "bridge" | "host" | "none" | "container";

export interface NetworkReservation {
  readonly containerId: string;
  readonly mode: NetworkMode;
  /** One an interface, eth0 first; `networks` has the same order. */
  readonly leases: readonly LeaseRecord[];
  readonly networks: readonly NetworkRecord[];
  readonly ports: readonly PortRecord[];
  readonly interfaces: readonly ContainerInterface[];
}

export interface NetworkedContainer {
  readonly id: string;
  readonly name: string;
  readonly config: Pick<ContainerConfig, "networks" | "ports" | "hostname">;
}

/** Which kind of networking a config asks for; a user network counts as "bridge". */
export function networkModeOf(networks: readonly NetworkConfig[]): NetworkMode {
  const name = networks[0]?.name ?? defaultNetworkName;
  if (name === "host" || name === "none") return name;
  return name.startsWith("container:") ? "container" : "bridge";
}

/**
 * Reserves an address in each network and every published port, all or nothing; what the container held before is given
 * back first. To be called after markStarting: leases of a container without a living monitor may be taken away.
 * Throws docker's errors for what is taken, full or unknown.
 */
export function reserveNetworking(
  state: State,
  options: NetworkOptions,
  container: NetworkedContainer,
): NetworkReservation {
  const mode = networkModeOf(container.config.networks);
  if (mode !== "bridge") return { containerId: container.id, mode, ...nothingReserved };
  const requests = container.config.networks.length > 0 ? container.config.networks : [defaultRequest];
  const places = requests.map((request) => ({ request, network: resolveNetwork(state, options, request) }));
  return state.transaction(() => {
    if (getContainer(state, container.id) === undefined) throw noSuchContainer(container.id);
    releaseLeases(state, container.id);
    releasePorts(state, container.id);
    const { hostname } = container.config;
    const asker = { containerId: container.id, ...(hostname === undefined ? {} : { hostname }) };
    const endpoints = takeEndpoints(state, asker, places);
    const networks = endpoints.map(({ network }) => network);
    const leases = endpoints.map(({ lease }) => lease);
    const ports = takePorts(state, options, container, endpoints);
    const interfaces = planInterfaces(endpoints);
    return { containerId: container.id, mode, leases, networks, ports, interfaces };
  });
}

/** Everything applyNetworking would do on this host as it is, for `--dry-run`; changes nothing. */
export function planNetworking(
  state: State,
  options: NetworkOptions,
  reservation: NetworkReservation,
  pid: number | string,
): HostStep[] {
  if (reservation.mode !== "bridge") return [];
  const endpoints = endpointsOf(reservation);
  const { firewall } = loadFirewall(options);
  const forwarded = reservation.ports.filter((port) => isKernelForwarded(port, firewall.name, options));
  return [
    ...reservation.networks.flatMap((network) => planNetworkHost(state, options, network)),
    ...planLinks(endpoints, String(pid)),
    ...planNames(endpoints),
    ...(forwarded.length > 0 ? firewall.planChange(forwarded, []) : []),
  ];
}

/**
 * Connects the network namespace of `pid`, in which nothing may need the network yet, and publishes the ports. On an
 * error nothing of it stays but what releaseNetworking takes away.
 */
export function applyNetworking(
  state: State,
  options: NetworkOptions,
  reservation: NetworkReservation,
  pid: number,
): void {
  if (reservation.mode !== "bridge") return;
  for (const network of reservation.networks) ensureNetwork(state, options, network);
  const endpoints = endpointsOf(reservation);
  removeStaleLinks(endpoints);
  applySteps(planLinks(endpoints, String(pid)));
  nameInterfaces(endpoints, pid);
  changePorts(options, { added: reservation.ports, removed: [] }, () => declaredRules(state));
}

function nameInterfaces(endpoints: readonly Endpoint[], pid: number): void {
  const steps = planNames(endpoints);
  if (steps.length === 0) return;
  using namespace = openNetworkNamespace(pid);
  insideNamespace(namespace, () => applySteps(steps));
}

const defaultRequest: NetworkConfig = { name: defaultNetworkName, aliases: [] };
const nothingReserved = { leases: [], networks: [], ports: [], interfaces: [] } as const;

/** The interfaces of a reservation with their networks. */
export function endpointsOf({ leases, networks }: NetworkReservation): Endpoint[] {
  return leases.flatMap((lease, index) => {
    const network = networks[index];
    return network === undefined ? [] : [{ lease, network }];
  });
}
