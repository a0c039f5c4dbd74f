/**
 * What the engine's settings say about networks. Names of interfaces and tables are settings, never constants, so that
 * two engines (and tests) can live beside each other.
 */

/** docker's name of the network a container gets when it asks for none; it has no names in it and no fixed addresses. */
export const defaultNetworkName = "bridge";

/** How published ports get to containers. */
export type FirewallName = "nft" | "iptables" | "userland";

export interface NetworkOptions {
  /** Interface of the default network, at most 15 bytes. */
  readonly bridge: string;
  /** Subnet of the default network; absent: the first free one of the pools. */
  readonly subnet?: string;
  /** Where subnets of /24 are taken from. */
  readonly pools: readonly string[];
  readonly mtu: number;
  /** `auto` probes: nft, else iptables, else userland. */
  readonly firewall: "auto" | FirewallName;
  /**
   * `direct`: published ports are open, past whatever firewall the host has, as with docker. `respect-host`: they are
   * the monitor's to forward, so that the host's rules for its own services (INPUT) decide.
   */
  readonly publishPolicy: "direct" | "respect-host";
  /** bocker's own nft table; upper case, the beginning of its iptables chains' names. */
  readonly table: string;
  /** Folder for what is valid for this boot only: the answer of the firewall probe, locks. */
  readonly runFolder: string;
}

/** The defaults, with runtime files under `run`. */
export function defaultNetworkOptions(run: string): NetworkOptions {
  return {
    bridge: "bocker0",
    pools: ["172.30.0.0/16", "172.29.0.0/16", "10.201.0.0/16", "192.168.192.0/18"],
    mtu: 1500,
    firewall: "auto",
    publishPolicy: "direct",
    table: "bocker",
    runFolder: `${run}/network`,
  };
}
