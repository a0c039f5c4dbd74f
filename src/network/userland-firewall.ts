/**
 * Where there is neither nft nor iptables: the monitors forward every published port themselves, nothing is masqueraded,
 * and networks are kept apart by policy routing.
 *
 *   rule 1900: from a bridge ─▶ table T:   prohibit each subnet of ours      (traffic within a bridge is not routed)
 *   rule 1900: from an internal bridge ─▶ table T+1: prohibit everything     (answers of its containers, too)
 *
 * The rules sit behind the kernel's local table, so that the host's own addresses stay reachable. See ip-rule(8).
 */
import { tryCommand } from "../host/run-command.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord } from "../state/record.ts";
import type { Firewall } from "./firewall-backend.ts";

const priority = 1900;

/** The backend whose routing tables have a number made from this name. */
export function userlandFirewall(table: string): Firewall {
  return {
    name: "userland",
    probe: () => undefined,
    planRules: (networks) => planBoth(table, networks),
    planRemoval: () => planBoth(table, []),
    planChange: () => [],
  };
}

function planBoth(table: string, networks: readonly NetworkRecord[]): HostStep[] {
  return [
    ...planIsolation(4, table, networks, (...words) => loadLines("-4", ...words)),
    ...planIsolation(6, table, networks, (...words) => loadLines("-6", ...words)),
  ];
}

/**
 * What is missing, and what is there and no longer wanted, as one `ip -batch`; `load` gives the lines of `ip …`. Nothing
 * where all is right.
 */
export function planIsolation(
  version: 4 | 6,
  table: string,
  networks: readonly NetworkRecord[],
  load: (...words: readonly string[]) => readonly string[],
): HostStep[] {
  const number = tableNumber(table);
  const concerned = networks.filter(({ ipv6 }) => version === 4 || ipv6 !== undefined);
  const subnets = concerned.map(({ subnet, ipv6 }) => (version === 4 ? subnet : (ipv6?.subnet ?? "")));
  // A default route of its own for the internal ones, only where there is one of them.
  const isClosed = concerned.some(({ internal }) => internal);
  const routes = [
    ...subnets.map((subnet) => `prohibit ${subnet} table ${number}`),
    ...(isClosed ? [`prohibit default table ${number + 1}`] : []),
  ];
  const rules = concerned.map(
    ({ bridge, internal }) => `iif ${bridge} lookup ${internal ? number + 1 : number}`,
  );
  const presentRoutes = [number, number + 1].flatMap((each) =>
    load("route", "show", "table", `${each}`)
      .map((line) => /^prohibit \S+/.exec(line)?.[0])
      .filter((route) => route !== undefined)
      .map((route) => `${route} table ${each}`),
  );
  const presentRules = load("rule", "show").flatMap((line) => parseRule(line, number));
  const lines = [
    ...missingFrom(presentRoutes, routes).map((route) => `route add ${route}`),
    ...missingFrom(presentRules, rules).map((rule) => `rule add ${rule} priority ${priority}`),
    ...missingFrom(rules, presentRules).map((rule) => `rule del ${rule} priority ${priority}`),
    ...missingFrom(routes, presentRoutes).map((route) => `route del ${route}`),
  ];
  if (lines.length === 0) return [];
  const argv = ["ip", `-${version}`, "-batch", "-"];
  return [
    { label: `keep the networks of "${table}" apart`, kind: "command", argv, stdin: `${lines.join("\n")}\n` },
  ];
}

/** `1900: from all iif NAME [detached] lookup NUMBER` as `iif NAME lookup NUMBER`; nothing for what is not ours. */
function parseRule(line: string, number: number): string[] {
  const [, device, lookup] = /^\d+:\s+from all iif (\S+) (?:\[detached\] )?lookup (\d+)/.exec(line) ?? [];
  return lookup === `${number}` || lookup === `${number + 1}` ? [`iif ${device} lookup ${lookup}`] : [];
}

function missingFrom(present: readonly string[], wanted: readonly string[]): string[] {
  return wanted.filter((line) => !present.includes(line));
}

/** Even, and far above the numbers people choose; FNV-1a of the name. */
function tableNumber(table: string): number {
  const hash = [...table].reduce(
    (sum, letter) => Math.imul(sum ^ letter.charCodeAt(0), 0x0100_0193),
    0x811c_9dc5,
  );
  return 0x0b0c_0000 + (hash & 0xfffe);
}

/** An empty table is an error for `ip route show`. */
function loadLines(...words: readonly string[]): readonly string[] {
  const { exitCode, stdout } = tryCommand(["ip", ...words]);
  return exitCode === 0 ? stdout.split("\n").map((line) => line.trim()) : [];
}
