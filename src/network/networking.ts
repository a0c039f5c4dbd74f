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
import { BockerError } from "../errors.ts";
import { applySteps } from "../host/apply-steps.ts";
import { randomId } from "../host/random-id.ts";
import type { HostStep } from "../host/step.ts";
import { getContainer, noSuchContainer } from "../state/container.ts";
import { leaseAddress, releaseLeases } from "../state/lease.ts";
import { findNetwork, getNetwork } from "../state/network.ts";
import { listPorts, releasePorts, reservePorts } from "../state/port.ts";
import type { LeaseRecord, NetworkRecord, PortRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { chooseAddress, hostInterfaceName, macAddressOf } from "./address-pool.ts";
import {
  checkSubnetIsFree,
  defaultNetworkName,
  ensureDefaultNetwork,
  isBridgeReady,
  planBridge,
} from "./bridge.ts";
import { chooseFirewall, isKernelForwarded, loadFirewall, lockNetwork, publishPorts } from "./firewall.ts";
import { hasInterface, hasIpv6, loadLocalPortRange, loadUsedPorts } from "./host-network.ts";
import { parseSubnet } from "./ip-address.ts";
import type { NetworkOptions } from "./network-options.ts";
import { planPorts, portFailure } from "./plan-ports.ts";
import { declaredRules } from "./release-networking.ts";

/** What the container's own init sets up inside, by plain ioctls; the MAC is set already. */
export interface ContainerInterface {
  readonly name: string;
  /** With its prefix length: `172.30.0.2/24`. */
  readonly address: string;
  readonly mac: string;
  readonly mtu: number;
  /** Of the default route; only the first interface has one. */
  readonly gateway?: string;
}

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
  const networks = requests.map((request) => resolveNetwork(state, options, request));
  return state.transaction(() => {
    if (getContainer(state, container.id) === undefined) throw noSuchContainer(container.id);
    releaseLeases(state, container.id);
    releasePorts(state, container.id);
    const leases = networks.map((network, index) =>
      takeLease(state, network, container, index, requests[index]),
    );
    const ports = takePorts(state, container, leases[0]?.address ?? "");
    const interfaces = leases.map((lease, index) => interfaceOf(lease, networks[index], index));
    return { containerId: container.id, mode, leases, networks, ports, interfaces };
  });
}

/**
 * The steps that connect the namespace of `pid`: one `ip -batch`. The link is born inside, so that nothing is moved; the
 * namespace's death removes it, so that there is nothing to undo.
 */
export function planAttach(reservation: NetworkReservation, pid: number | string): HostStep[] {
  const lines = reservation.leases.flatMap((lease, index) => {
    const network = reservation.networks[index];
    if (network === undefined) return [];
    const inside = `peer name ${lease.containerInterface} mtu ${network.mtu} address ${lease.macAddress} netns ${pid}`;
    return [
      `link add name ${lease.hostInterface} mtu ${network.mtu} up master ${network.bridge} type veth ${inside}`,
      // A container that asks for its own published port gets the answer through the port it came from.
      `link set dev ${lease.hostInterface} type bridge_slave hairpin on`,
    ];
  });
  if (lines.length === 0) return [];
  const bridges = reservation.networks.map(({ bridge }) => `"${bridge}"`).join(", ");
  const stdin = `${lines.join("\n")}\n`;
  return [
    { label: `connect process ${pid} to ${bridges}`, kind: "command", argv: ["ip", "-batch", "-"], stdin },
  ];
}

/** Everything applyNetworking would do on this host as it is, for `--dry-run`; changes nothing. */
export function planNetworking(
  state: State,
  options: NetworkOptions,
  reservation: NetworkReservation,
  pid: number | string,
): HostStep[] {
  if (reservation.mode !== "bridge") return [];
  const { firewall } = loadFirewall(options);
  const forwarded = reservation.ports.filter((port) => isKernelForwarded(port, firewall.name));
  return [
    ...reservation.networks
      .filter((network) => !isBridgeReady(network))
      .flatMap((network) => planMissingBridge(state, options, network)),
    ...planAttach(reservation, pid),
    ...(forwarded.length > 0 ? firewall.planPublish(forwarded) : []),
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
  for (const network of reservation.networks) ensureBridge(state, options, network);
  applySteps(planAttach(reservation, pid));
  if (reservation.ports.length > 0) publishPorts(options, reservation.ports, () => declaredRules(state));
}

/** Makes the bridge of a network with its rules, unless it stands. */
export function ensureBridge(state: State, options: NetworkOptions, network: NetworkRecord): void {
  if (isBridgeReady(network)) return;
  using _lock = lockNetwork(options);
  if (isBridgeReady(network)) return;
  checkSubnetIsFree(network);
  chooseFirewall(options);
  applySteps(planMissingBridge(state, options, network));
}

const defaultRequest: NetworkConfig = { name: defaultNetworkName, aliases: [] };
const nothingReserved = { leases: [], networks: [], ports: [], interfaces: [] } as const;

function planMissingBridge(state: State, options: NetworkOptions, network: NetworkRecord): HostStep[] {
  const { firewall } = loadFirewall(options);
  const { networks, ports } = declaredRules(state);
  const forwarded = ports.filter((port) => isKernelForwarded(port, firewall.name));
  return planBridge(network, hasInterface(network.bridge), firewall.planRules(networks, forwarded));
}

function resolveNetwork(state: State, options: NetworkOptions, request: NetworkConfig): NetworkRecord {
  if (request.name !== defaultNetworkName && request.name !== "default")
    return findNetwork(state, request.name);
  const refused =
    request.ip !== undefined || request.ip6 !== undefined
      ? "user specified IP address is supported on user defined networks only"
      : request.aliases.length > 0
        ? "network-scoped aliases are only supported for user-defined networks"
        : undefined;
  if (refused === undefined) return ensureDefaultNetwork(state, options);
  throw new BockerError(
    `invalid config for network ${request.name}: invalid endpoint settings:\n${refused}`,
    {
      kind: "invalid-config",
    },
  );
}

function takeLease(
  state: State,
  network: NetworkRecord,
  container: NetworkedContainer,
  index: number,
  request: NetworkConfig | undefined,
): LeaseRecord {
  const containerId = container.id;
  // Removed by another process since it was looked up: the lease would have nothing to hold on to.
  if (getNetwork(state, network.id) === undefined) {
    throw new BockerError(`network ${network.name} not found`, { kind: "not-found" });
  }
  const lease = leaseAddress(state, network.id, (taken) => {
    const address = chooseAddress(network.subnet, network.gateway, taken, request?.ip);
    if (address === undefined) return undefined;
    return {
      networkId: network.id,
      containerId,
      endpointId: randomId(),
      address,
      macAddress: request?.macAddress ?? macAddressOf(address),
      hostInterface: hostInterfaceName(containerId, index),
      containerInterface: `eth${index}`,
      aliases: aliasesOf(container, network, request),
      gatewayPriority: request?.gatewayPriority ?? 0,
    };
  });
  if (lease !== undefined) return lease;
  throw new BockerError(
    `no available IPv4 addresses on this network's address pools: ${network.name} (${network.id})`,
    {
      kind: "conflict",
    },
  );
}

/** On a network with names: those asked for, the short id, the host name. Resolved without regard to case. */
function aliasesOf(
  { id, config }: NetworkedContainer,
  network: NetworkRecord,
  request: NetworkConfig | undefined,
): string[] {
  if (network.name === defaultNetworkName) return [];
  return [
    ...new Set([...(request?.aliases ?? []), id.slice(0, 12), ...(config.hostname ? [config.hostname] : [])]),
  ];
}

function takePorts(state: State, container: NetworkedContainer, containerIp: string): PortRecord[] {
  if (container.config.ports.length === 0) return [];
  const held = new Set(listPorts(state).map(({ protocol, hostPort }) => `${protocol}/${hostPort}`));
  // Read only when a port is to be picked: the kernel takes a millisecond or two to list its sockets.
  const used = new Map<string, ReadonlySet<number>>();
  const usedPorts = (protocol: PortRecord["protocol"]) =>
    used.getOrInsertComputed(protocol, () => loadUsedPorts(protocol));
  const ports = planPorts(container.config.ports, {
    containerId: container.id,
    containerIp,
    hasIpv6: hasIpv6(),
    range: loadLocalPortRange(),
    isFree: (protocol, hostPort) =>
      !usedPorts(protocol).has(hostPort) && !held.has(`${protocol}/${hostPort}`),
  });
  try {
    reservePorts(state, ports);
  } catch (error) {
    throw portFailure(container, error);
  }
  return ports;
}

function interfaceOf(
  lease: LeaseRecord,
  network: NetworkRecord | undefined,
  index: number,
): ContainerInterface {
  const { prefixLength } = parseSubnet(network?.subnet ?? "0.0.0.0/0");
  return {
    name: lease.containerInterface,
    address: `${lease.address}/${prefixLength}`,
    mac: lease.macAddress,
    mtu: network?.mtu ?? 1500,
    ...(index === 0 && network !== undefined && !network.internal ? { gateway: network.gateway } : {}),
  };
}
