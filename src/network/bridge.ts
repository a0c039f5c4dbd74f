/**
 * The bridge of a network: its record, the plan that makes it, and the cheap look that tells whether it is there.
 *
 * Order in the plan: forwarding and firewall rules first, the bridge's `up` last. Its connected route is then the proof
 * that everything before it was done, so that a run on a bridge that stands costs one read of /proc and no program;
 * and a crash in between, or somebody's `ip link del`, is healed by the next run.
 */
import { BockerError } from "../errors.ts";
import { nowMs } from "../host/clock.ts";
import { randomId } from "../host/random-id.ts";
import type { HostStep } from "../host/step.ts";
import { findNetworkByName, insertNetwork, listNetworks } from "../state/network.ts";
import type { NetworkRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { chooseSubnet, gatewayOf, macAddressOf } from "./address-pool.ts";
import { hasConnectedRoute, loadOccupiedSubnets, readText } from "./host-network.ts";
import { parseSubnet, renderSubnet, subnetsOverlap } from "./ip-address.ts";
import type { NetworkOptions } from "./network-options.ts";

/** docker's name of the network a container gets when it asks for none. */
export const defaultNetworkName = "bridge";
const defaultPrefixLength = 24;
const ipForward = "/proc/sys/net/ipv4/ip_forward";

/**
 * The default network, its record made at the first call: nothing on the host changes here. Throws when every pool
 * is taken, or when the configured subnet overlaps a route of the host.
 */
export function ensureDefaultNetwork(state: State, options: NetworkOptions): NetworkRecord {
  const existing = findNetworkByName(state, defaultNetworkName);
  if (existing !== undefined) return existing;
  const occupied = loadOccupiedSubnets();
  return state.transaction(() => {
    const raced = findNetworkByName(state, defaultNetworkName);
    if (raced !== undefined) return raced;
    const others = listNetworks(state).map((network) => parseSubnet(network.subnet));
    const record = planDefaultNetwork(options, [...occupied, ...others]);
    insertNetwork(state, record);
    return record;
  });
}

/** Whether the bridge is up with its address and the host forwards. */
export function isBridgeReady(network: NetworkRecord): boolean {
  return hasConnectedRoute(network.bridge, network.subnet) && readText(ipForward).startsWith("1");
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
  const { prefixLength } = parseSubnet(network.subnet);
  const { bridge, gateway, mtu } = network;
  const lines = [
    ...(linkExists
      ? []
      : [`link add name ${bridge} mtu ${mtu} address ${macAddressOf(gateway)} type bridge`]),
    `addr replace ${gateway}/${prefixLength} dev ${bridge}`,
    `link set dev ${bridge} up`,
  ];
  return [
    { label: "let the host forward IPv4", kind: "write", path: ipForward, data: "1" },
    ...firewall,
    {
      label: `make bridge "${bridge}" with ${gateway}/${prefixLength}`,
      kind: "command",
      argv: ["ip", "-batch", "-"],
      stdin: `${lines.join("\n")}\n`,
    },
  ];
}

/** Throws when the host has come to route a network's subnet elsewhere since the network was made. */
export function checkSubnetIsFree(network: NetworkRecord): void {
  const subnet = parseSubnet(network.subnet);
  const other = loadOccupiedSubnets(network.bridge).find((occupied) => subnetsOverlap(subnet, occupied));
  if (other === undefined) return;
  throw new BockerError(
    `cannot make network "${network.name}": ${network.subnet} overlaps ${renderSubnet(other)}, which the host uses`,
    { kind: "conflict", hint: "remove the network, and let another subnet be chosen for it" },
  );
}

function planDefaultNetwork(
  options: NetworkOptions,
  occupied: readonly ReturnType<typeof parseSubnet>[],
): NetworkRecord {
  const pools = options.pools.map((pool) => parseSubnet(pool));
  const subnet =
    options.subnet === undefined
      ? chooseSubnet(pools, defaultPrefixLength, occupied)
      : parseSubnet(options.subnet);
  if (subnet === undefined) {
    throw new BockerError(
      "could not find an available, non-overlapping IPv4 address pool among the defaults",
      {
        kind: "conflict",
        hint: `set the default network's subnet; tried ${options.pools.join(", ")}`,
      },
    );
  }
  return {
    id: randomId(),
    name: defaultNetworkName,
    driver: "bridge",
    bridge: options.bridge,
    subnet: renderSubnet(subnet),
    gateway: gatewayOf(subnet),
    auxAddresses: {},
    internal: false,
    attachable: false,
    mtu: options.mtu,
    labels: {},
    options: {},
    createdAtMs: nowMs(),
  };
}
