/**
 * Which of a container's networks has its default route. Pure; the order is docker's (libnetwork, Endpoint.Less): the
 * highest gw-priority, then the network's name. One that leads nowhere is not asked.
 */
import type { LeaseRecord, NetworkRecord } from "../state/record.ts";

/** A container's place in a network, and that network. */
export interface Endpoint {
  readonly lease: LeaseRecord;
  readonly network: NetworkRecord;
}

/** The endpoint whose gateway is the default route of that family; undefined: the container has none. */
export function routeEndpoint<Place extends Endpoint>(
  endpoints: readonly Place[],
  family: 4 | 6,
): Place | undefined {
  return endpoints
    .filter(({ lease, network }) => !network.internal && (family === 4 || lease.address6 !== undefined))
    .toSorted(comparePlaces)[0];
}

function comparePlaces(left: Endpoint, right: Endpoint): number {
  const priority = right.lease.gatewayPriority - left.lease.gatewayPriority;
  if (priority !== 0) return priority;
  return left.network.name < right.network.name ? -1 : 1;
}
