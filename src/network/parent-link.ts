/**
 * What macvlan and ipvlan links hang on: an interface of the host, a VLAN of one (`eth0.10`, made when it is missing, as
 * docker does), or where none was named one end of a veth pair: docker's dummy link, on every kernel that can make bridges
 * useful. What was made here goes with the network.
 */
import { BockerError } from "../errors.ts";
import { applySteps } from "../host/apply-steps.ts";
import type { HostStep } from "../host/step.ts";
import type { NetworkRecord } from "../state/record.ts";
import { hasInterface, readText } from "./host-network.ts";
import { linkAlias } from "./link-alias.ts";
import { isParentless } from "./plan-network.ts";

/** The steps that make the parent, none when it is there. Throws docker's errors for one that cannot be. */
export function planParent(network: NetworkRecord): HostStep[] {
  const { bridge, id } = network;
  if (hasInterface(bridge)) return [];
  const lines = [
    ...(isParentless(network.driver, network.options) ? pairLines(bridge) : [vlanLine(bridge)]),
    `link set dev ${bridge} alias ${linkAlias(id)}`,
    `link set dev ${bridge} up`,
  ];
  return [
    {
      label: `make "${bridge}", the parent of network "${network.name}"`,
      kind: "command",
      argv: ["ip", "-batch", "-"],
      stdin: `${lines.join("\n")}\n`,
    },
  ];
}

/** Makes the parent of a network unless it is there. */
export function ensureParent(network: NetworkRecord): void {
  applySteps(planParent(network));
}

/** The largest packets of an interface, in bytes; undefined when that is not known. A child's cannot be larger. */
export function mtuOfInterface(device: string): number | undefined {
  const mtu = Number(readText(`/sys/class/net/${device}/mtu`));
  return mtu > 0 ? mtu : undefined;
}

/** Both ends must be up for either to carry anything; the other one is called `dm-…` with its letters turned. */
function pairLines(name: string): string[] {
  const peer = `${name[1]}${name[0]}${name.slice(2)}`;
  return [`link add name ${name} type veth peer name ${peer}`, `link set dev ${peer} up`];
}

function vlanLine(name: string): string {
  const [, parent = "", id = ""] = /^(.*)\.(\d+)$/.exec(name) ?? [];
  const tag = Number(id);
  if (parent === "") {
    throw new BockerError(`invalid subinterface vlan name ${name}, example formatting is eth0.10`, {
      kind: "not-found",
      hint: `the host has no interface "${name}"`,
    });
  }
  if (tag < 1 || tag > 4094) {
    throw new BockerError(`vlan id must be between 1-4094, received: ${tag}`, { kind: "invalid-config" });
  }
  if (!hasInterface(parent)) {
    throw new BockerError(`failed to find master interface ${parent} on the host: Link not found`, {
      kind: "not-found",
    });
  }
  return `link add link ${parent} name ${name} type vlan id ${tag}`;
}
