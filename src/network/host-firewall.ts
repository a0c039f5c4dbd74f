/**
 * Living beside a host's own firewall, whose drop no accept in another nft table overrules.
 *
 * A FORWARD policy of DROP (docker, ufw): an ACCEPT for each bridge is appended to FORWARD itself, last, behind all rules
 * that others made, so that what they refuse stays refused and only the policy is overruled. firewalld: a bridge
 * is put in its zone "trusted", at run time only. What may pass to a bridge is decided by bocker's own forward chain.
 */
import { findTool, tryCommand } from "../host/run-command.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord } from "../state/record.ts";

/**
 * The steps that let the networks' traffic pass, and take away what is there for others; looks at the host's firewalls
 * that are there. `table` marks the rules as bocker's.
 */
export function planForwardPolicy(table: string, networks: readonly NetworkRecord[]): HostStep[] {
  const families = [
    { program: "iptables", bridges: networks },
    { program: "ip6tables", bridges: networks.filter(({ ipv6 }) => ipv6 !== undefined) },
  ];
  return families.flatMap(({ program, bridges }) => {
    if (findTool(program) === undefined) return [];
    const { exitCode, stdout } = tryCommand([program, "-w", "-S", "FORWARD"]);
    return exitCode === 0 ? planForwardAccepts(program, stdout, table, bridges) : [];
  });
}

/** Pure part: from the output of `iptables -S FORWARD`; all rules change in one transaction. */
export function planForwardAccepts(
  program: string,
  listing: string,
  table: string,
  networks: readonly NetworkRecord[],
): HostStep[] {
  const lines = listing.split("\n").map((line) => line.trim());
  const mark = `-m comment --comment ${table} -j ACCEPT`;
  const wanted = lines.includes("-P FORWARD DROP")
    ? networks.flatMap(({ bridge }) => [`FORWARD -i ${bridge} ${mark}`, `FORWARD -o ${bridge} ${mark}`])
    : [];
  const present = lines.filter((line) => line.endsWith(mark)).map((line) => line.replace(/^-A /, ""));
  const added = wanted.filter((rule) => !present.includes(rule));
  const removed = present.filter((rule) => !wanted.includes(rule));
  if (added.length + removed.length === 0) return [];
  const command = (appended: readonly string[], deleted: readonly string[]) =>
    ({
      kind: "command",
      argv: [`${program}-restore`, "-w", "--noflush"],
      stdin: [
        "*filter",
        ...deleted.map((rule) => `-D ${rule}`),
        ...appended.map((rule) => `-A ${rule}`),
        "COMMIT",
        "",
      ].join("\n"),
    }) as const;
  return [
    {
      label: `let the networks of "${table}" pass a FORWARD policy of DROP`,
      ...command(added, removed),
      undo: command(removed, added),
    },
  ];
}

/** Puts bridges into firewalld's trusted zone where that runs; `gone` are taken out. A third of a second, once a bridge. */
export function planTrustedZone(
  networks: readonly NetworkRecord[],
  gone: readonly NetworkRecord[] = [],
): HostStep[] {
  if (findTool("firewall-cmd") === undefined) return [];
  const { exitCode, stdout } = tryCommand(["firewall-cmd", "--zone=trusted", "--list-interfaces"]);
  // 252: it does not run.
  if (exitCode !== 0) return [];
  const present = new Set(stdout.trim().split(/\s+/));
  const zone = (verb: "change" | "remove", { bridge }: NetworkRecord) =>
    ({
      kind: "command",
      argv: ["firewall-cmd", "--quiet", "--zone=trusted", `--${verb}-interface=${bridge}`],
    }) as const;
  const added = networks.filter(({ bridge }) => !present.has(bridge));
  const removed = gone.filter(({ bridge }) => present.has(bridge));
  return [
    ...added.map((network) => ({
      label: `put "${network.bridge}" into firewalld's zone "trusted"`,
      ...zone("change", network),
      undo: zone("remove", network),
    })),
    ...removed.map((network) => ({
      label: `take "${network.bridge}" out of firewalld's zone "trusted"`,
      ...zone("remove", network),
    })),
  ];
}
