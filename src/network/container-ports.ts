/**
 * The published ports of a container: which host ports it gets, reserved in the state, and bound by its monitor.
 *
 * They lead to the container's address in the network that has its default route, as docker has it: a container without
 * one (an internal network, macvlan) publishes nothing.
 */
import type { PortConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { listPorts, portsOfContainer, releasePorts, reservePorts } from "../state/port.ts";
import type { LeaseRecord, NetworkRecord, PortRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { chooseFirewall } from "./choose-firewall.ts";
import { type Endpoint, routeEndpoint } from "./default-route.ts";
import { isKernelForwarded } from "./firewall.ts";
import { hasIpv6, loadLocalPortRange, loadUsedPorts } from "./host-network.ts";
import type { NetworkOptions } from "./network-options.ts";
import { bridgeSettingsOf } from "./network-setting.ts";
import { isFixed, planPorts, portFailure } from "./plan-ports.ts";
import { PortForwarders } from "./port-forwarders.ts";
import { markStale } from "./stale-rules.ts";

/** How often a port that was chosen may turn out to be taken. */
const maxAttempts = 10;

export interface PublishingContainer {
  readonly id: string;
  readonly name: string;
  readonly config: { readonly ports: readonly PortConfig[] };
}

/** `protocol/port` of host ports that look free and are not. */
type Avoided = ReadonlySet<string>;

/** The records that the container is to have: ports it holds stay with it. Reserves nothing. */
export function resolvePorts(
  state: State,
  options: NetworkOptions,
  { id, config }: PublishingContainer,
  endpoints: readonly Endpoint[],
  avoided: Avoided = new Set(),
): PortRecord[] {
  const front = routeEndpoint(endpoints, 4);
  if (config.ports.length === 0 || front?.network.driver !== "bridge") return [];
  const ip6 = routeEndpoint(endpoints, 6)?.lease.address6;
  const { hostBinding } = bridgeSettingsOf(front.network);
  const ports = planPorts(config.ports, {
    containerId: id,
    target: { ip4: front.lease.address, ...(ip6 === undefined ? {} : { ip6 }) },
    ...(hostBinding === undefined ? {} : { hostBinding }),
    hasIpv6: hasIpv6(),
    range: loadLocalPortRange(),
    isFree: freePortTest(state, avoided),
    held: portsOfContainer(state, id),
  });
  checkForwardable(options, ports);
  return ports;
}

/** Reserves the container's ports in place of those it held. Throws docker's error for one that is taken. */
export function takePorts(
  state: State,
  options: NetworkOptions,
  container: PublishingContainer,
  endpoints: readonly Endpoint[],
  avoided?: Avoided,
): PortRecord[] {
  if (container.config.ports.length === 0) return [];
  try {
    return state.transaction(() => {
      releasePorts(state, container.id);
      const ports = resolvePorts(state, options, container, endpoints, avoided);
      if (reservePorts(state, ports) > 0) markStale(options);
      return ports;
    });
  } catch (error) {
    throw portFailure(container, error);
  }
}

/** Of reserveNetworking. */
export interface PortReservation {
  readonly leases: readonly LeaseRecord[];
  /** In the order of the leases. */
  readonly networks: readonly NetworkRecord[];
  readonly ports: readonly PortRecord[];
}

export interface OpenedPorts {
  readonly ports: readonly PortRecord[];
  readonly forwarders: PortForwarders;
}

/**
 * Binds the ports that were reserved. One that somebody took between the choice and now is chosen again; one that the
 * user fixed is an error.
 */
export async function openPorts(
  state: State,
  options: NetworkOptions,
  container: PublishingContainer,
  reservation: PortReservation,
): Promise<OpenedPorts> {
  const avoided = new Set<string>();
  const endpoints = reservation.leases.flatMap((lease, index) => {
    const network = reservation.networks[index];
    return network === undefined ? [] : [{ lease, network }];
  });
  for (let ports = reservation.ports; ; ports = takePorts(state, options, container, endpoints, avoided)) {
    try {
      return { ports, forwarders: await PortForwarders.open(container, ports) };
    } catch (error) {
      const taken = takenPort(error);
      if (taken === undefined || avoided.size === maxAttempts || !isChosen(container, taken)) throw error;
      avoided.add(`${taken.protocol}/${taken.hostPort}`);
    }
  }
}

/** Looks only when a port is to be picked: the kernel takes a millisecond or two to list its sockets. */
function freePortTest(
  state: State,
  avoided: Avoided,
): (protocol: PortRecord["protocol"], port: number) => boolean {
  const taken = new Map<string, ReadonlySet<number>>();
  const load = (protocol: PortRecord["protocol"]) =>
    new Set([
      ...loadUsedPorts(protocol),
      ...listPorts(state).flatMap((port) => (port.protocol === protocol ? [port.hostPort] : [])),
    ]);
  return (protocol, hostPort) =>
    !avoided.has(`${protocol}/${hostPort}`) &&
    !taken.getOrInsertComputed(protocol, () => load(protocol)).has(hostPort);
}

function checkForwardable(options: NetworkOptions, ports: readonly PortRecord[]): void {
  const sctp = ports.filter(({ protocol }) => protocol === "sctp");
  if (sctp.length === 0) return;
  const { firewall } = chooseFirewall(options);
  const refused = sctp.find((port) => !isKernelForwarded(port, firewall.name, options));
  if (refused === undefined) return;
  throw new BockerError(
    `cannot publish ${refused.hostIp}:${refused.hostPort}/sctp: only a firewall forwards sctp, and that between addresses of one kind that are not loopback`,
    {
      kind: "unsupported",
      hint: firewall.name === "userland" ? "install the package nftables" : "publish it at another address",
    },
  );
}

function takenPort(error: unknown): Pick<PortRecord, "protocol" | "hostPort"> | undefined {
  const cause = error instanceof BockerError ? error.cause : undefined;
  if (!(cause instanceof BockerError)) return undefined;
  const { takenPort: taken } = cause.details;
  return taken as Pick<PortRecord, "protocol" | "hostPort"> | undefined;
}

function isChosen(
  { config }: PublishingContainer,
  taken: Pick<PortRecord, "protocol" | "hostPort">,
): boolean {
  return !config.ports.some(
    (port) => isFixed(port) && port.hostPort === taken.hostPort && port.protocol === taken.protocol,
  );
}
