/**
 * A network's part on the host, made and removed under the network lock: a bridge with its rules, or a parent link.
 */
import { applySteps } from "../host/apply-steps.ts";
import { runCommand } from "../host/run-command.ts";
import type { HostStep } from "../host/step.ts";
import { leasesInNetwork } from "../state/lease.ts";
import { removeNetwork } from "../state/network.ts";
import type { NetworkRecord } from "../state/record.ts";
import type { State } from "../state/state.ts";
import { checkSubnetIsFree, isBridgeReady, planBridge } from "./bridge.ts";
import { chooseFirewall, loadFirewall } from "./choose-firewall.ts";
import { forgetNetwork, lockNetwork, planRules } from "./firewall.ts";
import { hasInterface } from "./host-network.ts";
import { planRejoin } from "./link.ts";
import { isLinkOf } from "./link-alias.ts";
import type { NetworkOptions } from "./network-options.ts";
import { planParent } from "./parent-link.ts";
import { declaredRules } from "./release-networking.ts";

/** Makes the network's part on the host, unless it stands. Throws when the host has come to use its subnet. */
export function ensureNetwork(state: State, options: NetworkOptions, network: NetworkRecord): void {
  if (isNetworkReady(network)) return;
  using _lock = lockNetwork(options);
  if (isNetworkReady(network)) return;
  if (network.driver === "bridge") {
    checkSubnetIsFree(network);
    chooseFirewall(options);
  }
  applySteps(planMissing(state, options, network));
  rejoinLinks(state, network);
}

/** Makes everything again that somebody may have taken away: bridge, links of its containers; rules are not looked at. */
export function restoreNetwork(state: State, options: NetworkOptions, network: NetworkRecord): void {
  ensureNetwork(state, options, network);
  using _lock = lockNetwork(options);
  rejoinLinks(state, network);
}

/** What ensureNetwork would do; changes nothing. */
export function planNetworkHost(state: State, options: NetworkOptions, network: NetworkRecord): HostStep[] {
  return isNetworkReady(network) ? [] : planMissing(state, options, network);
}

/**
 * Removes a network from state, host and firewall; throws docker's refusal while containers are in it. Killed on the way,
 * it leaves a network whose bridge is made again, or rules for a bridge that is gone until they are next declared.
 */
export function takeDownNetwork(state: State, options: NetworkOptions, network: NetworkRecord): void {
  using _lock = lockNetwork(options);
  const isRemoved = removeNetwork(state, network.id, () => removeLink(network));
  if (isRemoved && network.driver === "bridge") forgetNetwork(options, network, declaredRules(state));
}

function isNetworkReady(network: NetworkRecord): boolean {
  return network.driver === "bridge" ? isBridgeReady(network) : hasInterface(network.bridge);
}

function planMissing(state: State, options: NetworkOptions, network: NetworkRecord): HostStep[] {
  if (network.driver !== "bridge") return planParent(network);
  const { firewall } = loadFirewall(options);
  return planBridge(
    network,
    hasInterface(network.bridge),
    planRules(options, firewall, declaredRules(state)),
  );
}

/** Containers whose bridge somebody has deleted still have their links; those that end meanwhile do not matter. */
function rejoinLinks(state: State, network: NetworkRecord): void {
  if (network.driver !== "bridge") return;
  for (const lease of leasesInNetwork(state, network.id)) {
    if (!hasInterface(lease.hostInterface)) continue;
    try {
      applySteps(planRejoin([{ lease, network }]));
    } catch (error) {
      if (hasInterface(lease.hostInterface)) throw error;
    }
  }
}

/** A bridge or parent that was there before stays. A name that is made from the network's id is ours, marked or not. */
function removeLink({ id, bridge }: NetworkRecord): void {
  if (!hasInterface(bridge)) return;
  if (bridge.endsWith(`-${id.slice(0, 12)}`) || isLinkOf(bridge, id))
    runCommand(["ip", "link", "del", "dev", bridge]);
}
