/**
 * A container's networks as docker's `inspect` shows them: `NetworkSettings.Networks`, and the fields of docker's first
 * days beside it, which are those of the default network. Pure.
 */
import type { NetworkConfig } from "../config/container-config.ts";
import { defaultNetworkName } from "../network/network-options.ts";
import type { ContainerRecord, LeaseRecord, NetworkRecord } from "../state/record.ts";
import type { JsonObject } from "./inspect-host-config.ts";

export interface EndpointFacts {
  readonly record: ContainerRecord;
  readonly leases: readonly LeaseRecord[];
  readonly networks: readonly NetworkRecord[];
}

/** docker's `Networks`: a name and its endpoint for each that the container is in, or would be in if it ran. */
export function endpointsJson(facts: EndpointFacts): Readonly<Record<string, Endpoint>> {
  const asked = requestsOf(facts.record).map((request) => {
    const network = facts.networks.find(
      ({ id, name }) => name === request.name || id.startsWith(request.name),
    );
    const lease = facts.leases.find(({ networkId }) => networkId === network?.id);
    return [network?.name ?? request.name, endpointOf(facts.record, request, network, lease)] as const;
  });
  return Object.fromEntries(asked);
}

/** docker fills the fields beside `Networks` for its default network only. */
export function defaultEndpointJson(facts: EndpointFacts): JsonObject {
  const endpoint = endpointsJson(facts)[defaultNetworkName] ?? nothing;
  return {
    EndpointID: endpoint.EndpointID,
    Gateway: endpoint.Gateway,
    GlobalIPv6Address: endpoint.GlobalIPv6Address,
    GlobalIPv6PrefixLen: endpoint.GlobalIPv6PrefixLen,
    IPAddress: endpoint.IPAddress,
    IPPrefixLen: endpoint.IPPrefixLen,
    IPv6Gateway: endpoint.IPv6Gateway,
    MacAddress: endpoint.MacAddress,
  };
}

/** A key for each field, in docker's order. */
interface Endpoint {
  readonly IPAMConfig: JsonObject | null;
  readonly Links: readonly string[] | null;
  readonly Aliases: readonly string[] | null;
  readonly MacAddress: string;
  readonly DriverOpts: Readonly<Record<string, string>> | null;
  readonly GwPriority: number;
  readonly NetworkID: string;
  readonly EndpointID: string;
  readonly Gateway: string;
  readonly IPAddress: string;
  readonly IPPrefixLen: number;
  readonly IPv6Gateway: string;
  readonly GlobalIPv6Address: string;
  readonly GlobalIPv6PrefixLen: number;
  readonly DNSNames: readonly string[] | null;
}

const nothing: Endpoint = {
  IPAMConfig: null,
  Links: null,
  Aliases: null,
  MacAddress: "",
  DriverOpts: null,
  GwPriority: 0,
  NetworkID: "",
  EndpointID: "",
  Gateway: "",
  IPAddress: "",
  IPPrefixLen: 0,
  IPv6Gateway: "",
  GlobalIPv6Address: "",
  GlobalIPv6PrefixLen: 0,
  DNSNames: null,
};

function requestsOf({ config }: ContainerRecord): readonly NetworkConfig[] {
  if (config.networks.length === 0) return [{ name: defaultNetworkName, aliases: [] }];
  return config.networks.filter(({ name, isVacant }) => isVacant !== true && !name.startsWith("container:"));
}

function endpointOf(
  record: ContainerRecord,
  request: NetworkConfig,
  network: NetworkRecord | undefined,
  lease: LeaseRecord | undefined,
): Endpoint {
  const { aliases, driverOptions, gatewayPriority = 0, macAddress = "" } = request;
  const asked: Endpoint = {
    ...nothing,
    IPAMConfig: ipamOf(request),
    // Those of the default network are in HostConfig.
    Links: network?.name === defaultNetworkName ? null : (request.links ?? null),
    Aliases: aliases.length > 0 ? aliases : null,
    MacAddress: macAddress,
    DriverOpts: driverOptions ?? null,
    GwPriority: gatewayPriority,
    NetworkID: network?.id ?? "",
    DNSNames: namesOf(record, request, network),
  };
  if (network === undefined || lease === undefined) return asked;
  return { ...asked, ...addressesOf(network, lease) };
}

function addressesOf(network: NetworkRecord, lease: LeaseRecord): Partial<Endpoint> {
  const { ipv6 } = network;
  return {
    MacAddress: lease.macAddress,
    EndpointID: lease.endpointId,
    Gateway: network.internal ? "" : network.gateway,
    IPAddress: lease.address,
    IPPrefixLen: prefixOf(network.subnet),
    IPv6Gateway: ipv6 === undefined || network.internal ? "" : ipv6.gateway,
    GlobalIPv6Address: lease.address6 ?? "",
    GlobalIPv6PrefixLen: ipv6 === undefined ? 0 : prefixOf(ipv6.subnet),
  };
}

/** What others in the network can call it; null on the default one, which has no names. */
function namesOf(
  { id, name, config }: ContainerRecord,
  request: NetworkConfig,
  network: NetworkRecord | undefined,
): readonly string[] | null {
  if (network === undefined || network.name === defaultNetworkName) return null;
  return [
    ...new Set([name, ...request.aliases, id.slice(0, 12), ...(config.hostname ? [config.hostname] : [])]),
  ];
}

function ipamOf({ ip, ip6 }: NetworkConfig): JsonObject | null {
  if (ip === undefined && ip6 === undefined) return null;
  return {
    ...(ip === undefined ? {} : { IPv4Address: ip }),
    ...(ip6 === undefined ? {} : { IPv6Address: ip6 }),
  };
}

function prefixOf(subnet: string): number {
  return Number(subnet.split("/")[1] ?? 0);
}
