/**
 * The iptables backend, for hosts without nft: the same rules in four chains of bocker's own, through iptables-restore and
 * ip6tables-restore, each of which applies a table as one transaction. ip6tables is used once a network has IPv6.
 *
 *   nat     PREROUTING (local addresses) ─▶ BOCKER-PRE, which sends on what does not come from a network without icc
 *           and OUTPUT (local addresses, not loopback) ─▶ BOCKER: a DNAT rule a published port
 *   nat     POSTROUTING ─▶ BOCKER-POST: masquerade
 *   filter  FORWARD, first ─▶ BOCKER-FORWARD: same bridge, answers, published; the rest towards a bridge is dropped
 *
 * See iptables-restore(8): with --noflush a chain that is declared is made or emptied, others stay.
 */
import { messageOf } from "../errors.ts";
import { findTool, tryCommand } from "../host/run-command.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord, PortRecord } from "../state/record.ts";
import type { Firewall } from "./firewall-backend.ts";
import { bridgeSettingsOf } from "./network-setting.ts";
import { changeLabel } from "./port-text.ts";

interface Family {
  readonly version: 4 | 6;
  readonly program: "iptables" | "ip6tables";
  readonly loopback: string;
}

const families: readonly [Family, Family] = [
  { version: 4, program: "iptables", loopback: "127.0.0.0/8" },
  { version: 6, program: "ip6tables", loopback: "::1/128" },
];

/** The backend whose chains begin with this name in upper case. */
export function iptablesFirewall(table: string): Firewall {
  const chain = table.toUpperCase();
  return {
    name: "iptables",
    probe,
    planRules: (networks, ports) => planChains(chain, networks, ports),
    planRemoval: () => planNoChains(chain),
    planChange: (added, removed) => planNat(chain, added, removed),
  };
}

/** ip6tables has to be there only for those that have IPv6, or to take away what they had. */
function planChains(
  chain: string,
  networks: readonly NetworkRecord[],
  ports: readonly PortRecord[],
): HostStep[] {
  return families.flatMap((family) => {
    const isWanted = family.version === 4 || networks.some(({ ipv6 }) => ipv6 !== undefined);
    if (!isWanted && findTool(family.program) === undefined) return [];
    const jumps = loadJumps(family, chain);
    if (!isWanted && jumps.length === 0) return [];
    const script = renderChains(family.version, chain, networks, ports.filter(isOf(family)), jumps);
    return [
      { label: `declare the chains of "${chain}" (${family.program})`, ...restoreEffect(family, script) },
    ];
  });
}

/** Emptied first: a chain that is jumped to from another cannot be deleted. */
function planNoChains(chain: string): HostStep[] {
  return families.flatMap((family) => {
    if (findTool(family.program) === undefined) return [];
    const tables = [
      { table: "nat", chains: [`${chain}-PRE`, chain, `${chain}-POST`] },
      { table: "filter", chains: [`${chain}-FORWARD`] },
    ];
    const present = loadJumps(family, chain);
    if (present.length === 0) return [];
    const script = tables.flatMap(({ table, chains }) => {
      const { nat, filter } = jumpsInto(family, chain);
      const jumps = (table === "nat" ? nat : filter).map((jump) => jump.replace(/^-[AI] /, ""));
      return [
        `*${table}`,
        ...chains.map((name) => `:${name} - [0:0]`),
        ...jumps.filter((jump) => present.includes(`-A ${jump}`)).map((jump) => `-D ${jump}`),
        ...chains.map((name) => `-X ${name}`),
        "COMMIT",
      ];
    });
    const label = `remove the chains of "${chain}" (${family.program})`;
    return [{ label, ...restoreEffect(family, `${script.join("\n")}\n`) }];
  });
}

/** The jumps into bocker's chains, by table; those that `present` lists (lines of `iptables -S`) are not added again. */
export function renderChains(
  version: 4 | 6,
  chain: string,
  networks: readonly NetworkRecord[],
  ports: readonly PortRecord[],
  present: readonly string[],
): string {
  const missing = (jumps: readonly string[]) =>
    jumps.filter((jump) => !present.includes(jump.replace("-I", "-A")));
  const { nat, filter } = jumpsInto(families[version === 4 ? 0 : 1], chain);
  const concerned = networks.filter(({ ipv6 }) => version === 4 || ipv6 !== undefined);
  return [
    "*nat",
    `:${chain} - [0:0]`,
    `:${chain}-PRE - [0:0]`,
    `:${chain}-POST - [0:0]`,
    ...missing(nat),
    // Where containers are kept apart, br_netfilter would bridge what is translated, and the bridge drop it: the
    // monitors' sockets serve them.
    ...concerned
      .filter((network) => !bridgeSettingsOf(network).icc)
      .map(({ bridge }) => `-A ${chain}-PRE -i ${bridge} -j RETURN`),
    `-A ${chain}-PRE -j ${chain}`,
    ...ports.map((port) => natRule(chain, "-A", port)),
    ...concerned.flatMap((network) => masqueradeRules(version, chain, network)),
    "COMMIT",
    "*filter",
    `:${chain}-FORWARD - [0:0]`,
    ...missing(filter),
    ...forwardRules(`${chain}-FORWARD`, concerned),
    "COMMIT",
    "",
  ].join("\n");
}

function jumpsInto(
  { version, loopback }: Family,
  chain: string,
): { readonly nat: readonly string[]; readonly filter: readonly string[] } {
  // A container could not answer a link-local client.
  const client = version === 6 ? "! -s fe80::/10 " : "";
  return {
    nat: [
      `-A PREROUTING ${client}-m addrtype --dst-type LOCAL -j ${chain}-PRE`,
      `-A OUTPUT ! -d ${loopback} -m addrtype --dst-type LOCAL -j ${chain}`,
      `-A POSTROUTING -j ${chain}-POST`,
    ],
    filter: [`-I FORWARD -j ${chain}-FORWARD`],
  };
}

function masqueradeRules(version: 4 | 6, chain: string, network: NetworkRecord): string[] {
  const subnet = version === 4 ? network.subnet : (network.ipv6?.subnet ?? "");
  const isHidden = !network.internal && bridgeSettingsOf(network).masquerade;
  return [
    ...(isHidden ? [`-A ${chain}-POST -s ${subnet} ! -o ${network.bridge} -j MASQUERADE`] : []),
    `-A ${chain}-POST -s ${subnet} -d ${subnet} -m conntrack --ctstate DNAT -j MASQUERADE`,
  ];
}

function forwardRules(chain: string, networks: readonly NetworkRecord[]): string[] {
  const internal = networks.filter((network) => network.internal);
  return [
    ...networks
      .filter((network) => bridgeSettingsOf(network).icc)
      .map(({ bridge }) => `-A ${chain} -i ${bridge} -o ${bridge} -j ACCEPT`),
    ...internal.flatMap(({ bridge }) => [
      `-A ${chain} -i ${bridge} -j DROP`,
      `-A ${chain} -o ${bridge} -j DROP`,
    ]),
    ...networks.flatMap(({ bridge }) => [
      `-A ${chain} -o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      `-A ${chain} -o ${bridge} -m conntrack --ctstate DNAT -j ACCEPT`,
      `-A ${chain} -o ${bridge} -j DROP`,
    ]),
    ...networks.map(({ bridge }) => `-A ${chain} -i ${bridge} -j ACCEPT`),
  ];
}

/** One transaction a family. New rules go in front: one that a crash left for the same port is never asked again. */
function planNat(chain: string, added: readonly PortRecord[], removed: readonly PortRecord[]): HostStep[] {
  return families.flatMap((family) => {
    const [more, less] = [added.filter(isOf(family)), removed.filter(isOf(family))];
    if (more.length + less.length === 0) return [];
    return [
      {
        label: `${changeLabel(more, less)} (${family.program})`,
        ...restoreEffect(family, renderNat(chain, more, less)),
        undo: restoreEffect(family, renderNat(chain, less, more)),
      },
    ];
  });
}

function renderNat(chain: string, added: readonly PortRecord[], removed: readonly PortRecord[]): string {
  return [
    "*nat",
    ...removed.map((port) => natRule(chain, "-D", port)),
    ...added.map((port) => natRule(chain, "-I", port)),
    "COMMIT",
    "",
  ].join("\n");
}

function natRule(chain: string, verb: string, port: PortRecord): string {
  const isIpv6 = port.hostIp.includes(":");
  const isWildcard = port.hostIp === "0.0.0.0" || port.hostIp === "::";
  const address = isWildcard ? "" : `-d ${port.hostIp}/${isIpv6 ? 128 : 32} `;
  const target = `${isIpv6 ? `[${port.containerIp}]` : port.containerIp}:${port.containerPort}`;
  return `${verb} ${chain} ${address}-p ${port.protocol} -m ${port.protocol} --dport ${port.hostPort} -j DNAT --to-destination ${target}`;
}

function isOf({ version }: Family): (port: PortRecord) => boolean {
  return ({ hostIp }) => hostIp.includes(":") === (version === 6);
}

function loadJumps({ program }: Family, chain: string): string[] {
  return ["nat", "filter"].flatMap((table) =>
    tryCommand([program, "-w", "-t", table, "-S"])
      .stdout.split("\n")
      .filter((line) => line.includes(`-j ${chain}`) && !line.startsWith(`-A ${chain}`)),
  );
}

function probe(): string | undefined {
  if (findTool("iptables") === undefined || findTool("iptables-restore") === undefined) {
    return "no such program; install the package iptables";
  }
  try {
    const result = tryCommand(["iptables", "-w", "-t", "nat", "-S", "POSTROUTING"]);
    if (result.exitCode === 0) return undefined;
    return `the kernel has no nat table: ${result.stderr.trim().split("\n")[0] ?? ""}`;
  } catch (error) {
    return messageOf(error);
  }
}

function restoreEffect({ program }: Family, script: string) {
  return { kind: "command", argv: [`${program}-restore`, "-w", "--noflush"], stdin: script } as const;
}
