/**
 * Giving a container its places in networks: state only, to be called inside the transaction that decides over it.
 */
import type { NetworkConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import { leaseAddress } from "../state/lease.ts";
import { findNetwork, getNetwork } from "../state/network.ts";
import type { NetworkRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { ensureDefaultNetwork } from "./default-network.ts";
import type { Endpoint } from "./default-route.ts";
import { defaultNetworkName, type NetworkOptions } from "./network-options.ts";
import { checkEndpoint, type LeaseAsk, leaseFailure, planLease } from "./plan-lease.ts";
import { refreshSubnet } from "./refresh-subnet.ts";

/** The network of a request. Throws `network x not found`, and docker's "invalid endpoint settings". */
export function resolveNetwork(state: State, options: NetworkOptions, request: NetworkConfig): NetworkRecord {
  const isDefault = request.name === defaultNetworkName || request.name === "default";
  const network = isDefault ? ensureDefaultNetwork(state, options) : findNetwork(state, request.name);
  checkEndpoint(network, request);
  return refreshSubnet(state, options, network);
}

/** The container's place in a network, or docker's reason why there is none. */
export function takeEndpoint(state: State, network: NetworkRecord, ask: LeaseAsk): Endpoint {
  // Removed by another process since it was looked up: the lease would have nothing to hold on to.
  if (getNetwork(state, network.id) === undefined) {
    throw new BockerError(`network ${network.name} not found`, { kind: "not-found" });
  }
  const lease = leaseAddress(state, network.id, (taken) => planLease(network, ask, taken));
  if (lease === undefined) throw leaseFailure(network, ask.request);
  return { lease, network };
}

/** As takeEndpoint, for each of a container's networks, in order: eth0 is the first. */
export function takeEndpoints(
  state: State,
  container: Omit<LeaseAsk, "request" | "held">,
  places: readonly { readonly request: NetworkConfig; readonly network: NetworkRecord }[],
): Endpoint[] {
  const endpoints: Endpoint[] = [];
  for (const { request, network } of places) {
    if (endpoints.some((other) => other.network.id === network.id)) {
      throw new BockerError(`network "${request.name}" is specified multiple times`, {
        kind: "invalid-config",
      });
    }
    const held = endpoints.map(({ lease }) => lease);
    endpoints.push(takeEndpoint(state, network, { ...container, request, held }));
  }
  return endpoints;
}
