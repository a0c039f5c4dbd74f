/**
 * `network reload`: rules and links again, after somebody flushed the firewall, deleted a bridge, or installed another
 * firewall. What is there stays: connections go on.
 */
import { forgetProbe } from "../network/choose-firewall.ts";
import { heldEndpoints } from "../network/held-endpoints.ts";
import { attachEndpoint, hasEndpoint } from "../network/live-endpoint.ts";
import { restoreNetwork } from "../network/network-host.ts";
import { openNetworkNamespace } from "../network/network-namespace.ts";
import { redeclareRules } from "../network/release-networking.ts";
import { leasesInNetwork } from "../state/lease.ts";
import { listNetworks } from "../state/network.ts";
import type { ContainerRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";
import { loadContainer, loadContainers } from "./find-container.ts";
import { syncPorts } from "./sync-ports.ts";

/** The rules of all networks, and the bridges of those that containers are in. Gives the containers that run. */
export async function reloadNetworks(engine: Engine): Promise<readonly ContainerRecord[]> {
  const { state, settings } = engine;
  const running = (await loadContainers(engine)).filter(({ init }) => init !== undefined);
  forgetProbe(settings.network);
  for (const network of listNetworks(state)) {
    if (leasesInNetwork(state, network.id).length > 0) restoreNetwork(state, settings.network, network);
  }
  redeclareRules(state, settings.network);
  return running;
}

/** The interfaces and ports of one container. One that does not run has none. */
export async function reloadContainer(engine: Engine, nameOrId: string): Promise<void> {
  const { id, init, config } = await loadContainer(engine, nameOrId);
  if (init === undefined) return;
  const endpoints = heldEndpoints(engine.state, id);
  if (endpoints.length === 0) return;
  using namespace = openNetworkNamespace(init.pid);
  for (const endpoint of endpoints) {
    if (!hasEndpoint(namespace, endpoint)) attachEndpoint(namespace, endpoint, endpoints);
  }
  if (config.ports.length > 0 || config.publishAll === true) await syncPorts(engine, id);
}
