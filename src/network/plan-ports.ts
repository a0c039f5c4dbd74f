/**
 * From `-p` to port records: which addresses of the host, and which port where the user left it open. Pure.
 */

import type { PortConfig } from "../config/container-config.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { PortRecord } from "../state/record.ts";
import { renderAddress, requireAddress } from "./ip-address.ts";

export interface PortFacts {
  readonly containerId: string;
  /** The container's address in the network that has its default route, of each family. */
  readonly target: { readonly ip4: string; readonly ip6?: string };
  /** Where a port binds that names no address, for its network; absent: everywhere. */
  readonly hostBinding?: string;
  /** The host speaks IPv6: a port of all addresses is one of `::` too. */
  readonly hasIpv6: boolean;
  /** The kernel's range of ports that programs get who ask for any. */
  readonly range: { readonly first: number; readonly last: number };
  /** Whether a host port can be given away: nobody listens on it, no container holds it. */
  readonly isFree: (protocol: PortRecord["protocol"], hostPort: number) => boolean;
  /** What the container holds already: a port that was chosen once is not chosen again. */
  readonly held?: readonly PortRecord[];
}

/** The ports to reserve, an IPv4 and an IPv6 record for each that names no address. */
export function planPorts(ports: readonly PortConfig[], facts: PortFacts): PortRecord[] {
  const chosen = new Set<string>();
  return ports.flatMap((port) => {
    const hostPort = chooseHostPort(port, facts, chosen);
    chosen.add(`${port.protocol}/${hostPort}`);
    return waysIn(port, facts).map((way) => ({
      containerId: facts.containerId,
      ...way,
      hostPort,
      containerPort: port.containerPort,
      protocol: port.protocol,
    }));
  });
}

/** docker's sentence around the reason why a port cannot be had. */
export function portFailure(
  container: { readonly id: string; readonly name: string },
  error: unknown,
): BockerError {
  return new BockerError(
    "failed to set up container networking: driver failed programming external connectivity on endpoint " +
      `${container.name} (${container.id}): ${messageOf(error)}`,
    { kind: "conflict", cause: error },
  );
}

/** Each address of the host, and the container's behind it: of the same family if there is one. */
function waysIn(port: PortConfig, facts: PortFacts): Pick<PortRecord, "hostIp" | "containerIp">[] {
  const { ip4, ip6 } = facts.target;
  const way = (hostIp: string) => ({ hostIp, containerIp: hostIp.includes(":") ? (ip6 ?? ip4) : ip4 });
  const address = port.hostIp || facts.hostBinding;
  if (address) return [way(renderAddress(requireAddress(address)))];
  // SCTP is forwarded by the kernel only, and that within a family.
  const hasSecond = facts.hasIpv6 && (port.protocol !== "sctp" || ip6 !== undefined);
  return [way("0.0.0.0"), ...(hasSecond ? [way("::")] : [])];
}

/** A fixed port is taken as it is: whether it is free is found out by reserving and binding it. */
function chooseHostPort(port: PortConfig, facts: PortFacts, chosen: ReadonlySet<string>): number {
  if (isFixed(port)) return port.hostPort;
  const range =
    port.hostPort === 0 ? facts.range : { first: port.hostPort, last: port.hostPortLast ?? port.hostPort };
  const isMine = (hostPort: number) => !chosen.has(`${port.protocol}/${hostPort}`);
  const held = facts.held?.find(
    ({ hostPort, containerPort, protocol }) =>
      containerPort === port.containerPort &&
      protocol === port.protocol &&
      (port.hostPort === 0 || (hostPort >= range.first && hostPort <= range.last)) &&
      isMine(hostPort),
  );
  if (held !== undefined) return held.hostPort;
  for (let hostPort = range.first; hostPort <= range.last; hostPort++) {
    if (isMine(hostPort) && facts.isFree(port.protocol, hostPort)) return hostPort;
  }
  throw new BockerError(
    `cannot publish port ${port.containerPort}/${port.protocol}: all ports are allocated`,
    { kind: "conflict", details: { range } },
  );
}

/** The user chose the host port, and none other will do. */
export function isFixed({ hostPort, hostPortLast }: PortConfig): boolean {
  return hostPort !== 0 && (hostPortLast ?? hostPort) === hostPort;
}
