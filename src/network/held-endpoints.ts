/**
 * The networks that a container is in while it runs, from its leases.
 */
import { leasesOfContainer } from "../state/lease.ts";
import { getNetwork } from "../state/network.ts";
import type { State } from "../state/state.ts";
import type { Endpoint } from "./default-route.ts";

/** In the order of the container's interfaces. */
export function heldEndpoints(state: State, containerId: string): Endpoint[] {
  return leasesOfContainer(state, containerId).flatMap((lease) => {
    const network = getNetwork(state, lease.networkId);
    return network === undefined ? [] : [{ lease, network }];
  });
}
