/**
 * The nftables backend: one table of bocker's own, declared by one script, and a map element a published port.
 *
 *   prerouting, output ─▶ publish: dnat by map (address . protocol . port), then by map (protocol . port) for local addresses
 *   forward:  answers, published and same-bridge traffic pass; anything else towards a bridge is dropped
 *   postrouting: masquerade what leaves the subnets, and hairpins (a container that asks for a published port)
 *
 * The host's own loopback addresses are not translated: the monitor's forwarder serves them. An accept in this table
 * does not overrule another table's drop: see forward-policy.ts. See nft(8); works from kernel 5.10, nft 0.9.8.
 */
import { messageOf } from "../errors.ts";
import { findTool, tryCommand } from "../host/run-command.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord, PortRecord } from "../state/record.ts";
import type { Firewall } from "./firewall-backend.ts";
import { planForwardPolicy } from "./forward-policy.ts";

/** The backend whose table has this name. */
export function nftFirewall(table: string): Firewall {
  return {
    name: "nft",
    probe: () => probe(table),
    planRules: (networks, ports) => [
      nftStep(`declare the rules of table "${table}"`, renderRules(table, networks, ports)),
      ...planForwardPolicy(networks),
    ],
    planPublish: (ports) => [
      {
        ...nftStep(`publish ${ports.map(renderPort).join(", ")}`, renderElements(table, "add", ports)),
        undo: nftEffect(renderElements(table, "delete", ports)),
      },
    ],
    planUnpublish: (ports) => [
      nftStep(`stop publishing ${ports.map(renderPort).join(", ")}`, renderElements(table, "delete", ports)),
    ],
  };
}

/** The whole table as one transaction that may be applied over an older one. */
export function renderRules(
  table: string,
  networks: readonly NetworkRecord[],
  ports: readonly PortRecord[],
): string {
  const bridges = networks.map(({ bridge }) => bridge);
  const outside = networks.filter(({ internal }) => !internal);
  const internal = networks.filter((network) => network.internal);
  return [
    `add table ip ${table}`,
    ...Object.entries(sets).flatMap(([name, type]) => [
      `add ${type.includes(" : ") ? "map" : "set"} ip ${table} ${name} { type ${type}; }`,
      `flush ${type.includes(" : ") ? "map" : "set"} ip ${table} ${name}`,
    ]),
    ...Object.entries(chains).flatMap(([name, { hook, rules }]) => [
      `add chain ip ${table} ${name} ${hook}`.trimEnd(),
      `flush chain ip ${table} ${name}`,
      ...rules.map((rule) => `add rule ip ${table} ${name} ${rule}`),
    ]),
    ...addElements(
      table,
      "subnets",
      outside.map(({ subnet }) => subnet),
    ),
    ...addElements(
      table,
      "bridges",
      bridges.map((bridge) => `"${bridge}"`),
    ),
    ...addElements(
      table,
      "same",
      bridges.map((bridge) => `"${bridge}" . "${bridge}"`),
    ),
    ...addElements(
      table,
      "internal",
      internal.map(({ bridge }) => `"${bridge}"`),
    ),
    renderElements(table, "add", ports),
  ].join("\n");
}

/** One line for the ports of all addresses, one for those of a single address. */
export function renderElements(table: string, verb: "add" | "delete", ports: readonly PortRecord[]): string {
  const everywhere = ports.filter(({ hostIp }) => hostIp === "0.0.0.0");
  const somewhere = ports.filter(({ hostIp }) => hostIp !== "0.0.0.0");
  const data = (port: PortRecord) => (verb === "add" ? ` : ${port.containerIp} . ${port.containerPort}` : "");
  const lines = [
    ...elementLine(
      table,
      verb,
      "published",
      everywhere.map((port) => `${port.protocol} . ${port.hostPort}${data(port)}`),
    ),
    ...elementLine(
      table,
      verb,
      "published_at",
      somewhere.map((port) => `${port.hostIp} . ${port.protocol} . ${port.hostPort}${data(port)}`),
    ),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

const sets: Readonly<Record<string, string>> = {
  subnets: "ipv4_addr; flags interval",
  bridges: "ifname",
  same: "ifname . ifname",
  internal: "ifname",
  published: "inet_proto . inet_service : ipv4_addr . inet_service",
  published_at: "ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
};

/** Priorities as numbers: `dstnat` and `srcnat` are not known in every hook by every nft. */
const chains: Readonly<Record<string, { readonly hook: string; readonly rules: readonly string[] }>> = {
  publish: {
    hook: "",
    rules: [
      "dnat ip to ip daddr . meta l4proto . th dport map @published_at",
      "fib daddr type local dnat ip to meta l4proto . th dport map @published",
    ],
  },
  prerouting: { hook: "{ type nat hook prerouting priority -100; policy accept; }", rules: ["jump publish"] },
  output: {
    hook: "{ type nat hook output priority -100; policy accept; }",
    rules: ["ip daddr != 127.0.0.0/8 jump publish"],
  },
  postrouting: {
    hook: "{ type nat hook postrouting priority 100; policy accept; }",
    rules: [
      "ip saddr @subnets ip daddr != @subnets masquerade",
      "ct status dnat ip saddr @subnets ip daddr @subnets masquerade",
    ],
  },
  forward: {
    hook: "{ type filter hook forward priority 0; policy accept; }",
    rules: [
      "oifname @bridges ct state established,related accept",
      "ct status dnat accept",
      "iifname . oifname @same accept",
      "iifname @internal drop",
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

function addElements(table: string, set: string, elements: readonly string[]): string[] {
  return elementLine(table, "add", set, elements);
}

function elementLine(table: string, verb: string, set: string, elements: readonly string[]): string[] {
  return elements.length === 0 ? [] : [`${verb} element ip ${table} ${set} { ${elements.join(", ")} }`];
}

function renderPort(port: PortRecord): string {
  return `${port.hostIp}:${port.hostPort}/${port.protocol}`;
}
