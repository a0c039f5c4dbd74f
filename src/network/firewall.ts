/**
 * Publishing ports and hiding addresses (masquerade): what a firewall backend can do, and which one this host gets.
 *
 * Backends are ordered strategies that say why they do or do not apply; `info` and `doctor` show it. Rules are
 * declared as a whole when a bridge is made; a published port is one element more, in one transaction. Whatever
 * goes wrong with one element (somebody flushed the rules, a crash left a stale one) is healed by declaring the whole
 * again from the state. All of it happens under the network lock.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { BockerError, messageOf } from "../errors.ts";
import { applySteps } from "../host/apply-steps.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { bootId } from "../host/clock.ts";
import { lockFile } from "../host/lock-file.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord, PortRecord } from "../state/record.ts";
import type { Firewall } from "./firewall-backend.ts";
import { planForwardPolicy, planTrustedZone } from "./host-firewall.ts";
import { readText } from "./host-network.ts";
import { isLoopback } from "./ip-address.ts";
import { iptablesFirewall } from "./iptables-firewall.ts";
import type { FirewallName, NetworkOptions } from "./network-options.ts";
import { nftFirewall } from "./nft-firewall.ts";
import { userlandFirewall } from "./userland-firewall.ts";

export interface FirewallChoice {
  readonly firewall: Firewall;
  /** One line a backend that was looked at: `nft: no such program`. */
  readonly reasons: readonly string[];
}

/** What the firewall should say, by the state. */
export interface DeclaredRules {
  readonly networks: readonly NetworkRecord[];
  readonly ports: readonly PortRecord[];
}

/** The backend of this host: the configured one, or the first whose probe succeeds. Probed once a boot. */
export function chooseFirewall(options: NetworkOptions): FirewallChoice {
  const remembered = rememberedFirewall(options);
  if (remembered !== undefined) return remembered;
  const choice = loadFirewall(options);
  saveProbe(options, choice);
  return choice;
}

/** As chooseFirewall, for a plan that is only shown: an answer that is not known yet is not remembered. */
export function loadFirewall(options: NetworkOptions): FirewallChoice {
  const remembered = rememberedFirewall(options);
  if (remembered !== undefined) return remembered;
  const backends = backendsOf(options);
  return options.firewall === "auto" ? probeFirewalls(backends) : forcedFirewall(backends, options.firewall);
}

/** The first backend that works, and why those before it do not. */
export function probeFirewalls(backends: readonly Firewall[]): FirewallChoice {
  const reasons: string[] = [];
  for (const firewall of backends) {
    const problem = firewall.probe();
    reasons.push(`${firewall.name}: ${problem ?? "works"}`);
    if (problem === undefined) return { firewall, reasons };
  }
  throw new BockerError(`there is no way to publish ports: ${reasons.join("; ")}`, { kind: "unsupported" });
}

/** Lets the next look find out what the host has now. */
export function forgetProbe(options: NetworkOptions): void {
  rmSync(probeFile(options), { force: true });
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

/**
 * Notes that the firewall may say something that the state knows nothing of any more: the next change declares all
 * anew, so that what is left of a container never leads to the next one at its address.
 */
export function markStale({ runFolder }: NetworkOptions): void {
  mkdirSync(runFolder, { recursive: true, mode: 0o700 });
  writeFileSync(staleFile(runFolder), "");
}

function freshSteps({ runFolder }: NetworkOptions): HostStep[] {
  const path = staleFile(runFolder);
  return existsSync(path) ? [{ label: "note that the rules are right", kind: "remove", path }] : [];
}

function staleFile(runFolder: string): string {
  return `${runFolder}/stale-rules`;
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

/**
 * Publishes ports, and takes others away: one transaction. When it fails, or the rules are known to be stale, all is
 * declared anew from `everything`, which must be as it is to be afterwards.
 */
export function changePorts(
  options: NetworkOptions,
  change: { readonly added: readonly PortRecord[]; readonly removed: readonly PortRecord[] },
  everything: () => DeclaredRules,
): void {
  const isStale = existsSync(staleFile(options.runFolder));
  if (change.added.length + change.removed.length === 0 && !isStale) return;
  const { firewall } = chooseFirewall(options);
  const forwarded = (port: PortRecord) => isKernelForwarded(port, firewall.name, options);
  const [added, removed] = [change.added.filter(forwarded), change.removed.filter(forwarded)];
  if (added.length + removed.length === 0 && !isStale) return;
  using _lock = lockNetwork(options);
  try {
    applySteps(isStale ? planRules(options, firewall, everything()) : firewall.planChange(added, removed));
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

function backendsOf(options: NetworkOptions): readonly Firewall[] {
  return [nftFirewall(options.table), iptablesFirewall(options.table), userlandFirewall(options.table)];
}

function rememberedFirewall(options: NetworkOptions): FirewallChoice | undefined {
  const probe = loadProbe(options);
  const firewall = backendsOf(options).find(({ name }) => name === probe?.name);
  return firewall === undefined ? undefined : { firewall, reasons: probe?.reasons ?? [] };
}

function forcedFirewall(backends: readonly Firewall[], name: FirewallName): FirewallChoice {
  const firewall = backends.find((backend) => backend.name === name);
  const problem = firewall === undefined ? "unknown" : firewall.probe();
  if (firewall !== undefined && problem === undefined) return { firewall, reasons: [`${name}: configured`] };
  throw new BockerError(`cannot use the configured firewall "${name}": ${problem}`, {
    kind: "unsupported",
    hint: 'configure "auto" to use what there is',
  });
}

function probeFile(options: NetworkOptions): string {
  return `${options.runFolder}/firewall.json`;
}

/** The answer of this boot to this question: another configured backend is another question. */
function loadProbe(options: NetworkOptions): { name: unknown; reasons: string[] } | undefined {
  const text = readText(probeFile(options));
  if (text === "") return undefined;
  try {
    const probe: unknown = JSON.parse(text);
    if (typeof probe !== "object" || probe === null || !("bootId" in probe) || !("asked" in probe))
      return undefined;
    if (probe.bootId !== bootId() || probe.asked !== options.firewall) return undefined;
    const reasons = "reasons" in probe && Array.isArray(probe.reasons) ? probe.reasons.map(String) : [];
    return { name: "name" in probe ? probe.name : undefined, reasons };
  } catch {
    return undefined;
  }
}

function saveProbe(options: NetworkOptions, { firewall, reasons }: FirewallChoice): void {
  mkdirSync(options.runFolder, { recursive: true, mode: 0o700 });
  writeFileAtomic(
    probeFile(options),
    JSON.stringify({ bootId: bootId(), asked: options.firewall, name: firewall.name, reasons }),
  );
}
