/**
 * Another subnet for a network whose own the host has come to use (a VPN that went up, another engine), while nobody
 * lives in it. One that the user chose stays: who starts a container is told.
 */
import { runCommand } from "../host/run-command.ts";
import { dropDeadLeases, leasesInNetwork } from "../state/lease.ts";
import { getNetwork, listNetworks, setNetworkPool } from "../state/network.ts";
import type { NetworkRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { isBridgeReady } from "./bridge.ts";
import { hasInterface, loadOccupiedSubnets } from "./host-network.ts";
import { parseSubnet, subnetsOverlap } from "./ip-address.ts";
import { isLinkOf } from "./link-alias.ts";
import { defaultNetworkName, type NetworkOptions } from "./network-options.ts";
import { chooseFreePool, subnetsOf } from "./plan-network.ts";

/** The network as it is to be used. One read of /proc when its bridge stands; nothing is looked at then. */
export function refreshSubnet(state: State, options: NetworkOptions, network: NetworkRecord): NetworkRecord {
  if (network.driver !== "bridge" || network.hasOwnSubnet || isBridgeReady(network)) return network;
  if (network.name === defaultNetworkName && options.subnet !== undefined) return network;
  const occupied = loadOccupiedSubnets(network.bridge);
  const subnet = parseSubnet(network.subnet);
  if (!occupied.some((other) => subnetsOverlap(subnet, other))) return network;
  return state.transaction(() => {
    const current = getNetwork(state, network.id);
    if (current === undefined || current.subnet !== network.subnet) return current ?? network;
    dropDeadLeases(state, network.id);
    if (leasesInNetwork(state, network.id).length > 0) return current;
    const others = listNetworks(state).filter(({ id }) => id !== network.id);
    const pool = chooseFreePool(options, [...occupied, ...others.flatMap(subnetsOf)]);
    // What is left of it has an address in the old subnet.
    if (hasInterface(current.bridge) && isLinkOf(current.bridge, current.id))
      runCommand(["ip", "link", "del", "dev", current.bridge]);
    setNetworkPool(state, network.id, pool);
    return { ...current, ...pool };
  });
}
