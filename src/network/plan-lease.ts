/**
 * A container's lease in a network: addresses, names and interface, from what was asked and what is taken. Pure but for
 * the endpoint's id.
 */
import type { ContainerConfig, NetworkConfig } from "../config/container-config.ts";
import { interfaceNameOf } from "../config/network-spec.ts";
import { BockerError, messageOf } from "../errors.ts";
import { randomId } from "../host/random-id.ts";
import type { LeaseRecord, NetworkRecord } from "../state/record.ts";
import { addressInUse, chooseAddress, hostInterfaceName, macAddressOf } from "./address-pool.ts";
import { defaultNetworkName } from "./network-options.ts";
import { optionName } from "./network-setting.ts";

export interface LeaseAsk {
  readonly containerId: string;
  readonly hostname?: ContainerConfig["hostname"];
  readonly request: NetworkConfig;
  /** The leases that the container has already. */
  readonly held: readonly LeaseRecord[];
}

/** The lease, or undefined when its address is taken or there is none left. Throws docker's phrases for what cannot be. */
export function planLease(
  network: NetworkRecord,
  ask: LeaseAsk,
  taken: ReadonlySet<string>,
): LeaseRecord | undefined {
  const { containerId, request } = ask;
  const address = chooseAddress(network, taken, request.ip);
  const address6 = network.ipv6 === undefined ? undefined : chooseAddress(network.ipv6, taken, request.ip6);
  if (address === undefined || (network.ipv6 !== undefined && address6 === undefined)) return undefined;
  const hostNames = new Set(ask.held.map((lease) => lease.hostInterface));
  return {
    networkId: network.id,
    containerId,
    endpointId: randomId(),
    address,
    ...(address6 === undefined ? {} : { address6 }),
    // An ipvlan link has its parent's.
    macAddress: network.driver === "ipvlan" ? "" : (request.macAddress ?? macAddressOf(address)),
    hostInterface: freeName(hostNames, (index) => hostInterfaceName(containerId, index)),
    containerInterface: containerInterfaceOf(network, ask),
    aliases: aliasesOf(network, ask),
    gatewayPriority: request.gatewayPriority ?? 0,
  };
}

/** docker's errors where planLease found nothing. */
export function leaseFailure(network: NetworkRecord, request: NetworkConfig): BockerError {
  const asked = request.ip ?? request.ip6;
  if (asked !== undefined) return addressInUse(asked);
  return new BockerError(
    `no available IPv4 addresses on this network's address pools: ${network.name} (${network.id})`,
    { kind: "conflict" },
  );
}

/**
 * Throws docker's "invalid endpoint settings" for what a network cannot give: addresses and names on the default one, an
 * address outside, IPv6 where there is none.
 */
export function checkEndpoint(network: NetworkRecord, request: NetworkConfig): void {
  const problem = endpointProblem(network, request);
  if (problem === undefined) return;
  throw new BockerError(
    `invalid config for network ${network.name}: invalid endpoint settings:\n${problem}`,
    {
      kind: "invalid-config",
    },
  );
}

function endpointProblem(network: NetworkRecord, request: NetworkConfig): string | undefined {
  const { ip, ip6, aliases } = request;
  if (network.driver === "ipvlan" && request.macAddress !== undefined)
    return "ipvlan interfaces do not support custom mac address assignment";
  if (request.macAddress !== undefined && !isUnicast(request.macAddress))
    return `${request.macAddress} cannot be an interface's address: it is all zeros, or a group's`;
  const isFixed = ip !== undefined || ip6 !== undefined;
  if (network.name === defaultNetworkName) {
    if (isFixed) return "user specified IP address is supported on user defined networks only";
    if (aliases.length > 0) return "network-scoped aliases are only supported for user-defined networks";
    return undefined;
  }
  if (isFixed && !network.hasOwnSubnet)
    return "user specified IP address is supported only when connecting to networks with user configured subnets";
  return ipProblem(network, ip) ?? (ip6 === undefined ? undefined : ip6Problem(network, ip6));
}

/** What a kernel takes as an interface's own (is_valid_ether_addr). */
function isUnicast(macAddress: string): boolean {
  return (Number.parseInt(macAddress.slice(0, 2), 16) & 1) === 0 && /[1-9a-f]/i.test(macAddress);
}

function ipProblem(pool: Parameters<typeof chooseAddress>[0], ip: string | undefined): string | undefined {
  try {
    if (ip !== undefined) chooseAddress(pool, new Set(), ip);
    return undefined;
  } catch (error) {
    if (error instanceof BockerError && error.kind === "conflict") return undefined;
    return messageOf(error);
  }
}

function ip6Problem({ ipv6 }: NetworkRecord, ip6: string): string | undefined {
  return ipv6 === undefined ? `no configured subnet contains IP address ${ip6}` : ipProblem(ipv6, ip6);
}

/** The lowest number whose name the container has no interface of. */
function freeName(held: ReadonlySet<string>, nameOf: (index: number) => string): string {
  let index = 0;
  while (held.has(nameOf(index))) index++;
  return nameOf(index);
}

function containerInterfaceOf(network: NetworkRecord, { held, request }: LeaseAsk): string {
  const names = new Set(held.map((lease) => lease.containerInterface));
  const asked = interfaceNameOf(request);
  if (asked === undefined) return freeName(names, (index) => `${interfacePrefix(network)}${index}`);
  if (!names.has(asked)) return asked;
  throw new BockerError(`interface name ${asked} is taken by another network of the container`, {
    kind: "conflict",
  });
}

function interfacePrefix({ options }: NetworkRecord): string {
  return options[optionName.interfacePrefix] ?? "eth";
}

/** On a network with names: those asked for, the short id, the host name. */
function aliasesOf(network: NetworkRecord, { containerId, hostname, request }: LeaseAsk): string[] {
  if (network.name === defaultNetworkName) return [];
  return [...new Set([...request.aliases, containerId.slice(0, 12), ...(hostname ? [hostname] : [])])];
}
