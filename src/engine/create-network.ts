/**
 * `network create`: a record with a subnet that is nobody's, and its bridge or parent link at once, so that what the host
 * refuses is said now. A crash in between leaves a record whose bridge the next container makes.
 */
import { BockerError, messageOf } from "../errors.ts";
import { ensureDefaultNetwork } from "../network/default-network.ts";
import { hasInterface, loadOccupiedSubnets } from "../network/host-network.ts";
import { type IpamWords, joinIpamWords } from "../network/ipam-config.ts";
import { ensureNetwork, takeDownNetwork } from "../network/network-host.ts";
import { mtuOfInterface } from "../network/parent-link.ts";
import { type NetworkRequest, planNetwork } from "../network/plan-network.ts";
import { findNetworkByName, insertNetwork, listNetworks } from "../state/network.ts";
import { appendNetworkEvent } from "../state/network-event.ts";
import type { NetworkRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";

export interface NewNetwork extends Omit<NetworkRequest, "pools"> {
  readonly ipam: IpamWords;
  /** One of that name is as good, whatever it is like. */
  readonly ignoreExisting?: boolean;
}

/** Makes a network; gives its id. Throws docker's errors for names, drivers, options and subnets that cannot be. */
export function createNetwork(engine: Engine, request: NewNetwork): string {
  const existing = request.ignoreExisting ? findNetworkByName(engine.state, request.name) : undefined;
  if (existing !== undefined) return existing.id;
  const planned = { ...request, pools: joinIpamWords(request.ipam) };
  for (let attempt = 1; ; attempt++) {
    const network = insertPlanned(engine, planned);
    try {
      ensureNetwork(engine.state, engine.settings.network, network);
      return network.id;
    } catch (error) {
      removeFailed(engine, network, error);
      const isRaced = error instanceof BockerError && error.kind === "conflict" && !network.hasOwnSubnet;
      if (!isRaced || attempt === attempts) throw error;
    }
  }
}

/** Another engine may have taken the subnet that was free a moment ago. */
const attempts = 3;

function insertPlanned(engine: Engine, request: NetworkRequest): NetworkRecord {
  const { state, settings } = engine;
  ensureDefaultNetwork(state, settings.network);
  const occupied = loadOccupiedSubnets();
  return state.transaction(() => {
    const facts = { settings: settings.network, occupied, networks: listNetworks(state) };
    const network = withOwnMtu(planNetwork(request, facts));
    insertNetwork(state, network);
    appendNetworkEvent(state, network.id, "create");
    return network;
  });
}

/** A macvlan link cannot carry larger packets than what it hangs on. */
function withOwnMtu(network: NetworkRecord): NetworkRecord {
  const { driver, bridge, mtu } = network;
  const most = driver === "bridge" || !hasInterface(bridge) ? undefined : mtuOfInterface(bridge);
  return most === undefined || most >= mtu ? network : { ...network, mtu: most };
}

/** Takes back what was made; throws when that fails too. */
function removeFailed(engine: Engine, network: NetworkRecord, cause: unknown): void {
  try {
    takeDownNetwork(engine.state, engine.settings.network, network);
  } catch (error) {
    throw new AggregateError(
      [cause, error],
      `${messageOf(cause)}; removing it failed too: ${messageOf(error)}`,
    );
  }
}
