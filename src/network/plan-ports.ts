/**
 * From `-p` to port records: which addresses of the host, and which port where the user left it open. Pure.
 */

import type { PortConfig } from "../config/container-config.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { PortRecord } from "../state/record.ts";
import { renderAddress, requireAddress } from "./ip-address.ts";

export interface PortFacts {
  readonly containerId: string;
  readonly containerIp: string;
  /** The host speaks IPv6: a port of all addresses is one of `::` too. */
  readonly hasIpv6: boolean;
  /** The kernel's range of ports that programs get who ask for any. */
  readonly range: { readonly first: number; readonly last: number };
  /** Whether a host port can be given away: nobody listens on it, no container holds it. */
  readonly isFree: (protocol: PortRecord["protocol"], hostPort: number) => boolean;
}

/** The ports to reserve, an IPv4 and an IPv6 record for each that names no address. */
export function planPorts(ports: readonly PortConfig[], facts: PortFacts): PortRecord[] {
  const chosen = new Set<string>();
  return ports.flatMap((port) => {
    const hostPort = chooseHostPort(port, facts, chosen);
    chosen.add(`${port.protocol}/${hostPort}`);
    return hostAddresses(port, facts).map((hostIp) => ({
      containerId: facts.containerId,
      hostIp,
      hostPort,
      containerIp: facts.containerIp,
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

function hostAddresses(port: PortConfig, facts: PortFacts): readonly string[] {
  if (port.hostIp !== undefined && port.hostIp !== "") return [renderAddress(requireAddress(port.hostIp))];
  // SCTP is forwarded by the kernel only, and that from IPv4 to IPv4.
  return facts.hasIpv6 && port.protocol !== "sctp" ? ["0.0.0.0", "::"] : ["0.0.0.0"];
}

/** A fixed port is taken as it is: whether it is free is found out by reserving and binding it. */
function chooseHostPort(port: PortConfig, facts: PortFacts, chosen: ReadonlySet<string>): number {
  const last = port.hostPortLast ?? port.hostPort;
  if (port.hostPort !== 0 && last === port.hostPort) return port.hostPort;
  const range = port.hostPort === 0 ? facts.range : { first: port.hostPort, last };
  for (let hostPort = range.first; hostPort <= range.last; hostPort++) {
    if (!chosen.has(`${port.protocol}/${hostPort}`) && facts.isFree(port.protocol, hostPort)) return hostPort;
  }
  throw new BockerError(
    `cannot publish port ${port.containerPort}/${port.protocol}: all ports are allocated`,
    {
      kind: "conflict",
      details: { range },
    },
  );
}
