/**
 * Links between containers and networks: what is asked of `ip` outside, and what of the container inside. Pure.
 *
 * A veth pair is born with its end in the container's namespace, so that nothing is moved, and dies with it; so is a
 * macvlan link, under its host name: kernels differ in whether a name that the host has can be given at birth.
 */
import type { LinkRequest } from "../../ffi/route-link.ts";
import type { HostStep } from "../host/step.ts";
import { type Endpoint, routeEndpoint } from "./default-route.ts";
import { parseSubnet } from "./ip-address.ts";
import { bridgeSettingsOf, optionName } from "./network-setting.ts";

/** What the container's own init sets up inside, by plain ioctls. */
export interface ContainerInterface {
  readonly name: string;
  /** With its prefix length: `172.30.0.2/24`. */
  readonly address: string;
  readonly address6?: string;
  readonly mtu: number;
  /** Of the default route, of which a container has one at most. */
  readonly gateway?: string;
  readonly gateway6?: string;
}

/** The interfaces of a container, with the default routes where docker has them. */
export function planInterfaces(endpoints: readonly Endpoint[]): ContainerInterface[] {
  const route = routeEndpoint(endpoints, 4);
  const route6 = routeEndpoint(endpoints, 6);
  return endpoints.map((endpoint) => {
    const { lease, network } = endpoint;
    const { address6 } = lease;
    const { ipv6 } = network;
    return {
      name: lease.containerInterface,
      address: withPrefix(lease.address, network.subnet),
      ...(address6 === undefined || ipv6 === undefined
        ? {}
        : { address6: withPrefix(address6, ipv6.subnet) }),
      mtu: network.mtu,
      ...(endpoint === route ? { gateway: network.gateway } : {}),
      ...(endpoint === route6 && ipv6 !== undefined ? { gateway6: ipv6.gateway } : {}),
    };
  });
}

/**
 * The step that makes the links of a container: one `ip -batch`, of which nothing is left to `ip` where all are veth pairs
 * into the namespace of a pid. `namespace` is what `ip` takes for one: a pid, or a path. There is nothing to undo: the
 * namespace's death removes them.
 */
export function planLinks(endpoints: readonly Endpoint[], namespace: string): HostStep[] {
  if (endpoints.length === 0) return [];
  const lines = endpoints.flatMap((endpoint) => linkLines(endpoint, namespace));
  const networks = endpoints.map(({ network }) => `"${network.bridge}"`).join(", ");
  return [
    {
      label: `connect process ${namespace} to ${networks}`,
      kind: "command",
      argv: ["ip", "-batch", "-"],
      stdin: `${lines.join("\n")}\n`,
      links: linkRequests(endpoints, namespace),
    },
  ];
}

/** What the lines of linkLines say, up to the first that only `ip` is asked. */
function linkRequests(endpoints: readonly Endpoint[], namespace: string): LinkRequest[] {
  const pid = Number(namespace);
  const other = endpoints.findIndex(({ network }) => network.driver !== "bridge");
  if (!Number.isInteger(pid)) return [];
  return endpoints.slice(0, other === -1 ? endpoints.length : other).flatMap(({ lease, network }) => {
    const { hostInterface: name, containerInterface, macAddress } = lease;
    const { mtu, bridge: master } = network;
    const peer = { name: containerInterface, mtu, macAddress, pid };
    const isolated = !bridgeSettingsOf(network).icc;
    return [
      { kind: "veth", name, mtu, master, peer },
      { kind: "bridge-port", name, isolated },
    ] satisfies LinkRequest[];
  });
}

/** The step that makes links ports of their bridges again, after somebody made the bridge anew. */
export function planRejoin(endpoints: readonly Endpoint[]): HostStep[] {
  const lines = endpoints.flatMap((endpoint) => [
    `link set dev ${endpoint.lease.hostInterface} up master ${endpoint.network.bridge}`,
    slaveLine(endpoint),
  ]);
  if (lines.length === 0) return [];
  const stdin = `${lines.join("\n")}\n`;
  return [{ label: "join links with their bridges", kind: "command", argv: ["ip", "-batch", "-"], stdin }];
}

/** Inside the namespace: the names of links that were born under another. */
export function planNames(endpoints: readonly Endpoint[]): HostStep[] {
  const lines = endpoints
    .filter(({ network }) => network.driver !== "bridge")
    .map(({ lease }) => `link set dev ${lease.hostInterface} name ${lease.containerInterface}`);
  if (lines.length === 0) return [];
  const stdin = `${lines.join("\n")}\n`;
  return [{ label: "name the container's interfaces", kind: "command", argv: ["ip", "-batch", "-"], stdin }];
}

function linkLines({ lease, network }: Endpoint, namespace: string): string[] {
  const { hostInterface } = lease;
  const { bridge, mtu, driver, options } = network;
  if (driver === "bridge") {
    const inside = `peer name ${lease.containerInterface} mtu ${mtu} address ${lease.macAddress} netns ${namespace}`;
    const made = `link add name ${hostInterface} mtu ${mtu} up master ${bridge} type veth ${inside}`;
    return [made, slaveLine({ lease, network })];
  }
  const made = `link add link ${bridge} name ${hostInterface} mtu ${mtu}`;
  if (driver === "ipvlan")
    return [`${made} netns ${namespace} type ipvlan mode ${options[optionName.ipvlanMode] ?? "l2"}`];
  const mode = options[optionName.macvlanMode] ?? "bridge";
  return [`${made} address ${lease.macAddress} netns ${namespace} type macvlan mode ${mode}`];
}

/** A container that asks for its own published port gets the answer through the port it came from. */
function slaveLine({ lease, network }: Endpoint): string {
  const isolated = bridgeSettingsOf(network).icc ? "" : " isolated on";
  return `link set dev ${lease.hostInterface} type bridge_slave hairpin on${isolated}`;
}

function withPrefix(address: string, subnet: string): string {
  return `${address}/${parseSubnet(subnet).prefixLength}`;
}
