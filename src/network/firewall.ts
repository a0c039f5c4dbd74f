/**
 * Publishing ports and hiding addresses (masquerade): what the chosen backend and the host's own firewalls are told.
 *
 * Rules are declared as a whole when a bridge is made; a published port is one element more, in one transaction. Whatever
 * goes wrong with one element (somebody flushed the rules, a crash left a stale one) is healed by declaring the whole
 * again from the state. All of it happens under the network lock.
 */
import { BockerError, messageOf } from "../errors.ts";
import { applySteps } from "../host/apply-steps.ts";
import { lockFile } from "../host/lock-file.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord, PortRecord } from "../state/record.ts";
import { chooseFirewall } from "./choose-firewall.ts";
import type { Firewall } from "./firewall-backend.ts";
import { forgetFlows } from "./forget-flows.ts";
import { planForwardPolicy, planTrustedZone } from "./host-firewall.ts";
import { isLoopback } from "./ip-address.ts";
import type { FirewallName, NetworkOptions } from "./network-options.ts";
import { freshSteps, isStale, markStale } from "./stale-rules.ts";

/** What the firewall should say, by the state. */
export interface DeclaredRules {
  readonly networks: readonly NetworkRecord[];
  readonly ports: readonly PortRecord[];
}

/** The lock that every change of bridges and rules is made under. */
export function lockNetwork(options: NetworkOptions): Disposable {
  return lockFile(`${options.runFolder}/lock`);
}

/**
 * Whether the kernel forwards this port; the rest is the monitor's forwarder's: loopback addresses, an IPv6 address of the
 * host for a container without one, and everything where published ports are to pass the host's own firewall.
 */
export function isKernelForwarded(
  port: PortRecord,
  firewall: FirewallName,
  options: Pick<NetworkOptions, "publishPolicy">,
): boolean {
  if (firewall === "userland" || options.publishPolicy === "respect-host") return false;
  return port.hostIp.includes(":") === port.containerIp.includes(":") && !isLoopback(port.hostIp);
}

/** Everything that has to be said to firewalls for the networks and ports: bocker's own rules, and what others are asked. */
export function planRules(
  options: NetworkOptions,
  firewall: Firewall,
  { networks, ports }: DeclaredRules,
): HostStep[] {
  const bridges = networks.filter(({ driver }) => driver === "bridge");
  const forwarded = ports.filter((port) => isKernelForwarded(port, firewall.name, options));
  const rules = firewall.planRules(bridges, forwarded);
  const others =
    firewall.name === "userland"
      ? []
      : [...planForwardPolicy(options.table, bridges), ...planTrustedZone(bridges)];
  return [...rules, ...others, ...freshSteps(options)];
}

/** Declares all rules anew. To be called under the network lock. */
export function declareRules(options: NetworkOptions, everything: DeclaredRules): void {
  applySteps(planRules(options, chooseFirewall(options).firewall, everything));
}

/** Declares all rules without a network that is gone from the state, and takes its bridge out of other firewalls. */
export function forgetNetwork(options: NetworkOptions, gone: NetworkRecord, everything: DeclaredRules): void {
  declareRules(options, everything);
  if (gone.driver === "bridge") applySteps(planTrustedZone([], [gone]));
}

export interface PortChange {
  readonly added: readonly PortRecord[];
  readonly removed: readonly PortRecord[];
}

/**
 * Publishes ports, and takes others away: one transaction. When it fails, or the rules are known to be stale, all is
 * declared anew from `everything`, which must be as it is to be afterwards.
 */
export function changePorts(
  options: NetworkOptions,
  change: PortChange,
  everything: () => DeclaredRules,
): void {
  if (change.added.length + change.removed.length === 0 && !isStale(options)) return;
  const { firewall } = chooseFirewall(options);
  const forwarded = (port: PortRecord) => isKernelForwarded(port, firewall.name, options);
  const [added, removed] = [change.added.filter(forwarded), change.removed.filter(forwarded)];
  if (added.length + removed.length === 0 && !isStale(options)) return;
  applyChange(options, firewall, { added, removed }, everything);
  forgetFlows([...added, ...removed]);
}

function applyChange(
  options: NetworkOptions,
  firewall: Firewall,
  { added, removed }: PortChange,
  everything: () => DeclaredRules,
): void {
  using _lock = lockNetwork(options);
  try {
    applySteps(
      isStale(options) ? planRules(options, firewall, everything()) : firewall.planChange(added, removed),
    );
  } catch (error) {
    declareAgain(options, firewall, everything(), error);
  }
}

function declareAgain(
  options: NetworkOptions,
  firewall: Firewall,
  everything: DeclaredRules,
  cause: unknown,
): void {
  try {
    applySteps(planRules(options, firewall, everything));
  } catch (error) {
    markStale(options);
    throw new BockerError(messageOf(error), { kind: "host", cause, details: { firewall: firewall.name } });
  }
}
