/**
 * The bridge of a network: the plan that makes it, and the cheap look that tells whether it is there.
 *
 * Order in the plan: forwarding and firewall rules first, the bridge's `up` last. Its connected route is then the proof
 * that everything before it was done, so that a run on a bridge that stands costs one read of /proc and no program;
 * and a crash in between, or somebody's `ip link del`, is healed by the next run.
 */
import { BockerError } from "../errors.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord } from "../state/record.ts";
import { macAddressOf } from "./address-pool.ts";
import { hasConnectedRoute, hasInterfaceAddress, loadOccupiedSubnets, readText } from "./host-network.ts";
import { parseSubnet, renderSubnet, subnetsOverlap } from "./ip-address.ts";
import { planIpv6Forwarding } from "./ipv6-forwarding.ts";
import { linkAlias } from "./link-alias.ts";
import { subnetsOf } from "./plan-network.ts";

const ipForward = "/proc/sys/net/ipv4/ip_forward";
const ipv6Forwarding = "/proc/sys/net/ipv6/conf/all/forwarding";

/** Whether the bridge is up with its addresses and the host forwards. */
export function isBridgeReady(network: NetworkRecord): boolean {
  const { bridge, ipv6 } = network;
  if (!hasConnectedRoute(bridge, network.subnet) || !readText(ipForward).startsWith("1")) return false;
  return (
    ipv6 === undefined ||
    (hasInterfaceAddress(bridge, ipv6.gateway) && readText(ipv6Forwarding).startsWith("1"))
  );
}

/**
 * The steps that make a bridge, or complete one that is there in part. `linkExists` is hasInterface(network.bridge), looked
 * up under the network lock; `firewall` is what must be in place before the bridge goes up.
 */
export function planBridge(
  network: NetworkRecord,
  linkExists: boolean,
  firewall: readonly HostStep[],
): HostStep[] {
  const { bridge, gateway, mtu, ipv6 } = network;
  const added = linkExists
    ? []
    : [
        `link add name ${bridge} mtu ${mtu} address ${macAddressOf(gateway)} type bridge`,
        `link set dev ${bridge} alias ${linkAlias(network.id)}`,
      ];
  const up = [`addr replace ${withPrefix(network)} dev ${bridge}`, `link set dev ${bridge} up`];
  const forwarding: HostStep = {
    label: "let the host forward IPv4",
    kind: "write",
    path: ipForward,
    data: "1",
  };
  if (ipv6 === undefined) return [forwarding, ...firewall, ...ipBatch(network, [...added, ...up])];
  return [
    forwarding,
    ...planIpv6Forwarding(),
    ...firewall,
    ...ipBatch(network, added),
    // A host may have it off for new interfaces.
    ipv6Setting(bridge, "disable_ipv6", `speak IPv6 on "${bridge}"`),
    // Its link-local address asks for containers; nothing could be forwarded to the first one for two seconds.
    ipv6Setting(bridge, "accept_dad", `look for no other owner of addresses on "${bridge}"`),
    ...ipBatch(network, [`addr replace ${withPrefix(ipv6)} dev ${bridge} nodad`, ...up]),
  ];
}

function ipv6Setting(bridge: string, name: "disable_ipv6" | "accept_dad", label: string): HostStep {
  return { label, kind: "write", path: `/proc/sys/net/ipv6/conf/${bridge}/${name}`, data: "0" };
}

/** Throws when the host has come to route a network's subnet elsewhere since the network was made. */
export function checkSubnetIsFree(network: NetworkRecord): void {
  const subnets = subnetsOf(network);
  const occupied = loadOccupiedSubnets(network.bridge);
  for (const subnet of subnets) {
    const other = occupied.find((candidate) => subnetsOverlap(subnet, candidate));
    if (other === undefined) continue;
    throw new BockerError(
      `cannot make network "${network.name}": ${renderSubnet(subnet)} overlaps ${renderSubnet(other)}, which the host uses`,
      { kind: "conflict", hint: "choose another subnet: for this network anew, or for what the host uses" },
    );
  }
}

function ipBatch(network: NetworkRecord, lines: readonly string[]): HostStep[] {
  if (lines.length === 0) return [];
  const label = `make bridge "${network.bridge}" with ${withPrefix(network)}`;
  return [{ label, kind: "command", argv: ["ip", "-batch", "-"], stdin: `${lines.join("\n")}\n` }];
}

function withPrefix({ gateway, subnet }: Pick<NetworkRecord, "gateway" | "subnet">): string {
  return `${gateway}/${parseSubnet(subnet).prefixLength}`;
}
