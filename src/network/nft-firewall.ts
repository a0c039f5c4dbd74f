/**
 * The nftables backend: one table of bocker's own, declared by one script, and a map element a published port.
 *
 *   prerouting, output ─▶ publish: dnat by map (address . protocol . port), then by map (protocol . port) for local addresses
 *   forward:  traffic within a bridge passes, nothing passes an internal one; answers and what is published pass to the
 *             others, and anything else towards a bridge is dropped
 *   postrouting: masquerade what leaves the subnets, and hairpins (a container that asks for a published port)
 *
 * The host's own loopback addresses are not translated: the monitor's forwarder serves them, and link-local clients. An
 * accept in this table does not overrule another table's drop: see host-firewall.ts. See nft(8); works from kernel
 * 5.10, nft 0.9.8.
 */
import { messageOf } from "../errors.ts";
import { findTool, tryCommand } from "../host/run-command.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord, PortRecord } from "../state/record.ts";
import type { Firewall } from "./firewall-backend.ts";
import { bridgeSettingsOf } from "./network-setting.ts";
import { changeLabel } from "./port-text.ts";

/** The backend whose table has this name. */
export function nftFirewall(table: string): Firewall {
  return {
    name: "nft",
    probe: () => probe(table),
    planRules: (networks, ports) => [
      nftStep(`declare the rules of table "${table}"`, renderRules(table, networks, ports)),
    ],
    planRemoval: () => [
      nftStep(`remove table "${table}"`, `add table inet ${table}\ndelete table inet ${table}\n`),
    ],
    planChange: (added, removed) => [
      {
        ...nftStep(changeLabel(added, removed), renderChange(table, added, removed)),
        undo: nftEffect(renderChange(table, removed, added)),
      },
    ],
  };
}

/** The whole table as one transaction, in place of an older one of whatever shape. */
export function renderRules(
  table: string,
  networks: readonly NetworkRecord[],
  ports: readonly PortRecord[],
): string {
  return [
    `add table inet ${table}`,
    `delete table inet ${table}`,
    `add table inet ${table}`,
    ...Object.entries(sets).map(
      ([name, type]) => `add ${type.includes(" : ") ? "map" : "set"} inet ${table} ${name} { type ${type}; }`,
    ),
    ...Object.entries(chains).flatMap(([name, { hook, rules }]) => [
      `add chain inet ${table} ${name} ${hook}`.trimEnd(),
      ...rules.map((rule) => `add rule inet ${table} ${name} ${rule}`),
    ]),
    ...Object.entries(elementsOf(networks)).flatMap(([set, elements]) =>
      elementLine(table, "add", set, elements),
    ),
    renderElements(table, "add", ports),
  ].join("\n");
}

/** What the sets hold, by their names. */
function elementsOf(networks: readonly NetworkRecord[]): Readonly<Record<string, readonly string[]>> {
  const quoted = (some: readonly NetworkRecord[]) => some.map(({ bridge }) => `"${bridge}"`);
  const subnets = (some: readonly NetworkRecord[]) => some.map(({ subnet }) => subnet);
  const subnets6 = (some: readonly NetworkRecord[]) =>
    some.flatMap(({ ipv6 }) => (ipv6 === undefined ? [] : [ipv6.subnet]));
  const hidden = networks.filter((network) => !network.internal && bridgeSettingsOf(network).masquerade);
  const open = networks.filter((network) => bridgeSettingsOf(network).icc);
  return {
    subnets: subnets(networks),
    subnets6: subnets6(networks),
    hidden: subnets(hidden),
    hidden6: subnets6(hidden),
    bridges: quoted(networks),
    same: open.map(({ bridge }) => `"${bridge}" . "${bridge}"`),
    internal: quoted(networks.filter(({ internal }) => internal)),
    apart: quoted(networks.filter((network) => !open.includes(network))),
  };
}

function renderChange(table: string, added: readonly PortRecord[], removed: readonly PortRecord[]): string {
  return renderElements(table, "delete", removed) + renderElements(table, "add", added);
}

/** A line for each map: ports of all addresses, and those of a single one, for each family. */
export function renderElements(table: string, verb: "add" | "delete", ports: readonly PortRecord[]): string {
  const elements = new Map<string, string[]>();
  for (const port of ports) {
    const data = verb === "add" ? ` : ${port.containerIp} . ${port.containerPort}` : "";
    const isWildcard = port.hostIp === "0.0.0.0" || port.hostIp === "::";
    const name = `published${port.hostIp.includes(":") ? "6" : ""}${isWildcard ? "" : "_at"}`;
    const key = `${isWildcard ? "" : `${port.hostIp} . `}${port.protocol} . ${port.hostPort}`;
    elements.getOrInsertComputed(name, () => []).push(`${key}${data}`);
  }
  return [...elements]
    .flatMap(([name, each]) => elementLine(table, verb, name, each))
    .map((line) => `${line}\n`)
    .join("");
}

const sets: Readonly<Record<string, string>> = {
  subnets: "ipv4_addr; flags interval",
  subnets6: "ipv6_addr; flags interval",
  hidden: "ipv4_addr; flags interval",
  hidden6: "ipv6_addr; flags interval",
  bridges: "ifname",
  same: "ifname . ifname",
  internal: "ifname",
  apart: "ifname",
  published: "inet_proto . inet_service : ipv4_addr . inet_service",
  published_at: "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
  published6: "inet_proto . inet_service : ipv6_addr . inet_service",
  published6_at: "ipv6_addr . inet_proto . inet_service : ipv6_addr . inet_service",
};

/** Priorities as numbers: `dstnat` and `srcnat` are not known in every hook by every nft. */
const chains: Readonly<Record<string, { readonly hook: string; readonly rules: readonly string[] }>> = {
  publish: {
    hook: "",
    rules: [
      "dnat ip to ip daddr . meta l4proto . th dport map @published_at",
      "meta nfproto ipv4 fib daddr type local dnat ip to meta l4proto . th dport map @published",
      // The container could not answer an address that means something on one link only.
      "ip6 saddr fe80::/10 return",
      "dnat ip6 to ip6 daddr . meta l4proto . th dport map @published6_at",
      "meta nfproto ipv6 fib daddr type local dnat ip6 to meta l4proto . th dport map @published6",
    ],
  },
  prerouting: {
    hook: "{ type nat hook prerouting priority -100; policy accept; }",
    rules: [
      // Where containers are kept apart, br_netfilter would bridge what is translated, and the bridge drop it: the
      // monitors' sockets serve them.
      "iifname @apart return",
      "jump publish",
    ],
  },
  output: {
    hook: "{ type nat hook output priority -100; policy accept; }",
    rules: ["ip daddr 127.0.0.0/8 return", "ip6 daddr ::1 return", "jump publish"],
  },
  postrouting: {
    hook: "{ type nat hook postrouting priority 100; policy accept; }",
    rules: [
      "ip saddr @hidden oifname != @bridges masquerade",
      "ip6 saddr @hidden6 oifname != @bridges masquerade",
      "ct status dnat ip saddr @subnets ip daddr @subnets masquerade",
      "ct status dnat ip6 saddr @subnets6 ip6 daddr @subnets6 masquerade",
    ],
  },
  forward: {
    hook: "{ type filter hook forward priority 0; policy accept; }",
    rules: [
      "iifname . oifname @same accept",
      "iifname @internal drop",
      "oifname @internal drop",
      "oifname @bridges ct state established,related accept",
      "oifname @bridges ct status dnat accept",
      "oifname @bridges drop",
    ],
  },
};

function probe(table: string): string | undefined {
  if (findTool("nft") === undefined) return "no such program; install the package nftables";
  try {
    // --check goes all the way to the kernel and leaves nothing.
    const result = tryCommand(["nft", "--check", "-f", "-"], {
      stdin: renderRules(`${table}_probe`, [], []),
    });
    if (result.exitCode === 0) return undefined;
    return `the kernel refuses its rules: ${result.stderr.trim().split("\n")[0] ?? ""}`;
  } catch (error) {
    return messageOf(error);
  }
}

function nftStep(label: string, script: string): HostStep {
  return { label, ...nftEffect(script) };
}

function nftEffect(script: string) {
  return { kind: "command", argv: ["nft", "-f", "-"], stdin: script } as const;
}

function elementLine(table: string, verb: string, set: string, elements: readonly string[]): string[] {
  return elements.length === 0 ? [] : [`${verb} element inet ${table} ${set} { ${elements.join(", ")} }`];
}
