/**
 * What a firewall backend can do. Types only; the backends are beside it, and firewall.ts chooses one.
 */
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord, PortRecord } from "../state/record.ts";
import type { FirewallName } from "./network-options.ts";

export interface Firewall {
  readonly name: FirewallName;
  /** Why this backend cannot be used here; undefined when it can. */
  probe(): string | undefined;
  /** Declares everything anew: the rules of all networks and the published ports. Replaces what was declared before. */
  planRules(networks: readonly NetworkRecord[], ports: readonly PortRecord[]): HostStep[];
  /** Adds published ports, and nothing else; undone by planUnpublish. */
  planPublish(ports: readonly PortRecord[]): HostStep[];
  /** Takes published ports away. */
  planUnpublish(ports: readonly PortRecord[]): HostStep[];
}
