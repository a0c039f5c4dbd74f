/**
 * The iptables backend, for hosts without nft: the same rules in three chains of bocker's own, through iptables-restore,
 * which applies a table as one transaction.
 *
 *   nat     PREROUTING, OUTPUT (local addresses, not loopback) ─▶ BOCKER: a DNAT rule a published port
 *   nat     POSTROUTING ─▶ BOCKER-POST: masquerade
 *   filter  FORWARD, first ─▶ BOCKER-FORWARD: answers, published, same bridge; the rest towards a bridge is dropped
 *
 * See iptables-restore(8): with --noflush a chain that is declared is made or emptied, others stay.
 */
import { messageOf } from "../errors.ts";
import { findTool, tryCommand } from "../host/run-command.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord, PortRecord } from "../state/record.ts";
import type { Firewall } from "./firewall-backend.ts";

/** The backend whose chains begin with this name in upper case. */
export function iptablesFirewall(table: string): Firewall {
  const chain = table.toUpperCase();
  return {
    name: "iptables",
    probe,
    planRules: (networks, ports) => [
      restoreStep(`declare the chains of "${chain}"`, renderChains(chain, networks, ports, loadJumps(chain))),
    ],
    planPublish: (ports) => [
      {
        // In front: a rule that a crash left for the same port is never asked again.
        ...restoreStep(`publish ${ports.map(describePort).join(", ")}`, renderNat(chain, "-I", ports)),
        undo: restoreEffect(renderNat(chain, "-D", ports)),
      },
    ],
    planUnpublish: (ports) => [
      restoreStep(`stop publishing ${ports.map(describePort).join(", ")}`, renderNat(chain, "-D", ports)),
    ],
  };
}

/** The jumps into bocker's chains, by table; those that `present` lists (lines of `iptables -S`) are not added again. */
export function renderChains(
  chain: string,
  networks: readonly NetworkRecord[],
  ports: readonly PortRecord[],
  present: readonly string[],
): string {
  const missing = (jumps: readonly string[]) =>
    jumps.filter((jump) => !present.includes(jump.replace("-I", "-A")));
  const { nat, filter } = jumpsInto(chain);
  return [
    "*nat",
    `:${chain} - [0:0]`,
    `:${chain}-POST - [0:0]`,
    ...missing(nat),
    ...ports.map((port) => natRule(chain, "-A", port)),
    ...networks.filter(({ internal }) => !internal).flatMap((network) => masqueradeRules(chain, network)),
    "COMMIT",
    "*filter",
    `:${chain}-FORWARD - [0:0]`,
    ...missing(filter),
    ...forwardRules(`${chain}-FORWARD`, networks),
    "COMMIT",
    "",
  ].join("\n");
}

function jumpsInto(chain: string): { readonly nat: readonly string[]; readonly filter: readonly string[] } {
  return {
    nat: [
      `-A PREROUTING -m addrtype --dst-type LOCAL -j ${chain}`,
      `-A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j ${chain}`,
      `-A POSTROUTING -j ${chain}-POST`,
    ],
    filter: [`-I FORWARD -j ${chain}-FORWARD`],
  };
}

function masqueradeRules(chain: string, { subnet, bridge }: NetworkRecord): string[] {
  return [
    `-A ${chain}-POST -s ${subnet} ! -o ${bridge} -j MASQUERADE`,
    `-A ${chain}-POST -s ${subnet} -d ${subnet} -m conntrack --ctstate DNAT -j MASQUERADE`,
  ];
}

function forwardRules(chain: string, networks: readonly NetworkRecord[]): string[] {
  return [
    ...networks.flatMap(({ bridge }) => [
      `-A ${chain} -o ${bridge} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`,
      `-A ${chain} -o ${bridge} -m conntrack --ctstate DNAT -j ACCEPT`,
      `-A ${chain} -i ${bridge} -o ${bridge} -j ACCEPT`,
    ]),
    ...networks.map(({ bridge }) => `-A ${chain} -o ${bridge} -j DROP`),
    ...networks.map(({ bridge, internal }) => `-A ${chain} -i ${bridge} -j ${internal ? "DROP" : "ACCEPT"}`),
  ];
}

function renderNat(chain: string, verb: "-I" | "-D", ports: readonly PortRecord[]): string {
  return ["*nat", ...ports.map((port) => natRule(chain, verb, port)), "COMMIT", ""].join("\n");
}

function natRule(chain: string, verb: string, port: PortRecord): string {
  const address = port.hostIp === "0.0.0.0" ? "" : `-d ${port.hostIp}/32 `;
  const target = `${port.containerIp}:${port.containerPort}`;
  return `${verb} ${chain} ${address}-p ${port.protocol} -m ${port.protocol} --dport ${port.hostPort} -j DNAT --to-destination ${target}`;
}

function loadJumps(chain: string): string[] {
  return ["nat", "filter"].flatMap((table) =>
    tryCommand(["iptables", "-w", "-t", table, "-S"])
      .stdout.split("\n")
      .filter((line) => line.includes(`-j ${chain}`)),
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

function restoreStep(label: string, script: string): HostStep {
  return { label, ...restoreEffect(script) };
}

function restoreEffect(script: string) {
  return { kind: "command", argv: ["iptables-restore", "-w", "--noflush"], stdin: script } as const;
}

function describePort(port: PortRecord): string {
  return `${port.hostIp}:${port.hostPort}/${port.protocol}`;
}
