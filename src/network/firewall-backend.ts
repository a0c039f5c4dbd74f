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
  /**
   * Declares everything anew: the rules of all bridges and the published ports. Replaces what was declared before. May
   * look at the host to find out what is there.
   */
  planRules(networks: readonly NetworkRecord[], ports: readonly PortRecord[]): HostStep[];
  /** Takes away everything that planRules declares; nothing where nothing is. */
  planRemoval(): HostStep[];
  /** Adds published ports, takes others away, and nothing else: one transaction, with its undo. */
  planChange(added: readonly PortRecord[], removed: readonly PortRecord[]): HostStep[];
}
