/**
 * The network that containers get who ask for none. Its record is made when somebody first needs it.
 */
import { findNetworkByName, insertNetwork, listNetworks } from "../state/network.ts";
import type { NetworkRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { loadOccupiedSubnets } from "./host-network.ts";
import { defaultNetworkName, type NetworkOptions } from "./network-options.ts";
import { planDefaultNetwork } from "./plan-network.ts";

/** The record, made at the first call: nothing on the host changes here. Throws when every pool is taken. */
export function ensureDefaultNetwork(state: State, settings: NetworkOptions): NetworkRecord {
  const existing = findNetworkByName(state, defaultNetworkName);
  if (existing !== undefined) return existing;
  const occupied = loadOccupiedSubnets();
  return state.transaction(() => {
    const raced = findNetworkByName(state, defaultNetworkName);
    if (raced !== undefined) return raced;
    const record = planDefaultNetwork({ settings, occupied, networks: listNetworks(state) });
    insertNetwork(state, record);
    return record;
  });
}
