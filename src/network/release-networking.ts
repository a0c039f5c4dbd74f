/**
 * Giving back what a container holds of the network: any number of times, by anybody, from its id alone.
 *
 * Firewall elements go first and the rows last: a crash in between leaves the rows, from which the next release finds
 * what is left. The veth pair is the kernel's to remove, with the namespace.
 */
import { releaseLeases } from "../state/lease.ts";
import { listNetworks } from "../state/network.ts";
import { listPorts, portsOfContainer, releasePorts } from "../state/port.ts";
import type { State } from "../state/state.ts";
import { changePorts, type DeclaredRules, declareRules, lockNetwork } from "./firewall.ts";
import type { NetworkOptions } from "./network-options.ts";

/**
 * Gives back what a container holds: firewall elements, then ports and addresses. Its rows may be gone already, or
 * never have been there. Must come before the exit is told to anybody who could start a container on the same port.
 */
export function releaseNetworking(state: State, options: NetworkOptions, containerId: string): void {
  const ports = portsOfContainer(state, containerId);
  try {
    const others = () => {
      const everything = declaredRules(state);
      return { ...everything, ports: everything.ports.filter((port) => port.containerId !== containerId) };
    };
    changePorts(options, { added: [], removed: ports }, others);
  } finally {
    state.transaction(() => {
      releasePorts(state, containerId);
      releaseLeases(state, containerId);
    });
  }
}

/** Declares all rules anew from the state: what a crash left in the firewall goes, what somebody flushed comes back. */
export function redeclareRules(state: State, options: NetworkOptions): void {
  using _lock = lockNetwork(options);
  declareRules(options, declaredRules(state));
}

/** What the firewall should say, by the state. */
export function declaredRules(state: State): DeclaredRules {
  return { networks: listNetworks(state), ports: listPorts(state) };
}
