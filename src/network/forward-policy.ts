/**
 * Living beside a FORWARD policy of DROP, as docker and ufw set it in iptables' filter table.
 *
 * An accept in another nft table does not overrule it, so that an ACCEPT for each bridge is appended to FORWARD itself:
 * last, behind all rules that others made, so that what they refuse stays refused and only the policy is overruled.
 * What may pass to a bridge is decided by bocker's own forward chain.
 */
import { findTool, tryCommand } from "../host/run-command.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord } from "../state/record.ts";

/** The steps for the networks whose traffic the policy would drop; looks at iptables if it is there. */
export function planForwardPolicy(networks: readonly NetworkRecord[]): HostStep[] {
  if (findTool("iptables") === undefined) return [];
  const { exitCode, stdout } = tryCommand(["iptables", "-w", "-S", "FORWARD"]);
  return exitCode === 0 ? planForwardAccepts(stdout, networks) : [];
}

/** Pure part: from the output of `iptables -S FORWARD`. */
export function planForwardAccepts(listing: string, networks: readonly NetworkRecord[]): HostStep[] {
  const lines = listing.split("\n").map((line) => line.trim());
  if (!lines.includes("-P FORWARD DROP")) return [];
  return networks.flatMap(({ bridge }) =>
    [
      ["-i", bridge],
      ["-o", bridge],
    ]
      .map((match) => ["FORWARD", ...match, "-j", "ACCEPT"])
      .filter((rule) => !lines.includes(`-A ${rule.join(" ")}`))
      .map((rule) => ({
        label: `let "${bridge}" pass a FORWARD policy of DROP`,
        kind: "command" as const,
        argv: ["iptables", "-w", "-A", ...rule],
        undo: { kind: "command" as const, argv: ["iptables", "-w", "-D", ...rule] },
      })),
  );
}
