/**
 * `network rm` and `network prune`. A network that containers are in stays; one that only stopped containers name goes, as
 * in docker, and they say so when they are started.
 */
import { BockerError } from "../errors.ts";
import { takeDownNetwork } from "../network/network-host.ts";
import { isPredefined } from "../network/plan-network.ts";
import { appendEvent } from "../state/event.ts";
import { leasesInNetwork } from "../state/lease.ts";
import { listNetworks } from "../state/network.ts";
import type { Engine } from "./engine.ts";
import { loadContainers } from "./find-container.ts";
import { findNetworkView } from "./network-view.ts";
import { type PruneFilter, passesFilter } from "./prune-filter.ts";

/** Removes one network. Throws `network x not found`, and docker's refusals. */
export function removeNetworkNamed(engine: Engine, nameOrId: string): void {
  const { name, record } = findNetworkView(engine, nameOrId);
  if (record === undefined || isPredefined(name)) {
    throw new BockerError(`${name} is a pre-defined network and cannot be removed`, { kind: "conflict" });
  }
  takeDownNetwork(engine.state, engine.settings.network, record);
}

/** Removes the networks that no container is in; their names. */
export async function pruneNetworks(engine: Engine, filter: PruneFilter): Promise<readonly string[]> {
  // What a crash left of a container is not in a network.
  await loadContainers(engine);
  const removed: string[] = [];
  for (const network of listNetworks(engine.state)) {
    const isUsed = leasesInNetwork(engine.state, network.id).length > 0;
    if (isUsed || isPredefined(network.name)) continue;
    if (!passesFilter(filter, network.createdAtMs, () => network.labels)) continue;
    try {
      takeDownNetwork(engine.state, engine.settings.network, network);
    } catch (error) {
      // A container has come meanwhile.
      if (error instanceof BockerError && error.kind === "in-use") continue;
      throw error;
    }
    removed.push(network.name);
  }
  appendEvent(engine.state, { type: "network", action: "prune", id: "", attributes: { reclaimed: "0" } });
  return removed;
}
