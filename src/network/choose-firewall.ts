/**
 * Which firewall backend this host gets: ordered strategies that say why they do or do not apply; `info` and `doctor` show
 * it. The answer holds for a boot, until something else is configured, or `network reload`.
 */
import { mkdirSync } from "node:fs";
import { BockerError } from "../errors.ts";
import { applySteps } from "../host/apply-steps.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import { bootId } from "../host/clock.ts";
import type { Firewall } from "./firewall-backend.ts";
import { readText } from "./host-network.ts";
import { iptablesFirewall } from "./iptables-firewall.ts";
import type { FirewallName, NetworkOptions } from "./network-options.ts";
import { nftFirewall } from "./nft-firewall.ts";
import { markStale } from "./stale-rules.ts";
import { userlandFirewall } from "./userland-firewall.ts";

export interface FirewallChoice {
  readonly firewall: Firewall;
  /** One line a backend that was looked at: `nft: no such program`. */
  readonly reasons: readonly string[];
}

/** The backend of this host: the configured one, or the first whose probe succeeds. Probed once a boot. */
export function chooseFirewall(options: NetworkOptions): FirewallChoice {
  const known = loadProbe(options);
  if (known?.isAnswer === true) return known.choice;
  const choice = findFirewall(options);
  if (known !== undefined) leaveFirewall(options, known.choice.firewall, choice.firewall);
  saveProbe(options, choice);
  return choice;
}

/** As chooseFirewall, for a plan that is only shown: an answer that is not known yet is not remembered. */
export function loadFirewall(options: NetworkOptions): FirewallChoice {
  const known = loadProbe(options);
  return known?.isAnswer === true ? known.choice : findFirewall(options);
}

function findFirewall(options: NetworkOptions): FirewallChoice {
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
  const known = loadProbe(options);
  if (known !== undefined) saveProbe(options, known.choice, "");
}

/** Takes the rules of the backend before away; the new one's are declared by the next change. */
function leaveFirewall(options: NetworkOptions, before: Firewall, now: Firewall): void {
  if (before.name !== now.name) applySteps(before.planRemoval());
  markStale(options);
}

function backendsOf(options: NetworkOptions): readonly Firewall[] {
  return [nftFirewall(options.table), iptablesFirewall(options.table), userlandFirewall(options.table)];
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

interface KnownChoice {
  readonly choice: FirewallChoice;
  /** To the question that is asked now; otherwise to one that was asked before. */
  readonly isAnswer: boolean;
}

/** What was found out in this boot. */
function loadProbe(options: NetworkOptions): KnownChoice | undefined {
  const text = readText(probeFile(options));
  if (text === "") return undefined;
  try {
    const probe: Readonly<Record<string, unknown>> = JSON.parse(text);
    const firewall = backendsOf(options).find(({ name }) => name === probe.name);
    if (probe.bootId !== bootId() || firewall === undefined) return undefined;
    const reasons = Array.isArray(probe.reasons) ? probe.reasons.map(String) : [];
    return { choice: { firewall, reasons }, isAnswer: probe.asked === questionOf(options) };
  } catch {
    return undefined;
  }
}

function saveProbe(
  options: NetworkOptions,
  { firewall, reasons }: FirewallChoice,
  asked: string = questionOf(options),
): void {
  mkdirSync(options.runFolder, { recursive: true, mode: 0o700 });
  writeFileAtomic(
    probeFile(options),
    JSON.stringify({ bootId: bootId(), asked, name: firewall.name, reasons }),
  );
}

/** Where one of these changes, what is declared is another thing, too. */
function questionOf({ firewall, publishPolicy }: NetworkOptions): string {
  return `${firewall} ${publishPolicy}`;
}

function probeFile(options: NetworkOptions): string {
  return `${options.runFolder}/firewall.json`;
}
