/**
 * Making the kernel forget where UDP flows to published ports went. It translates only the first packet of a flow by the
 * rules: a client that keeps its own port would be sent to a container that is gone, or to the host itself, for as long as
 * it goes on asking. TCP needs nothing: a connection ends with its container.
 */
import { networkInterfaces } from "node:os";
import { removeUdpFlows, type UdpFlow } from "../../ffi/conntrack.ts";
import { parseInet, parseInet6 } from "../../ffi/inet-address.ts";
import { messageOf } from "../errors.ts";
import { trace } from "../host/trace.ts";
import type { PortRecord } from "../state/record.ts";

/** To be called once the firewall says what is to be; ports other than UDP's cost nothing. What fails is only told. */
export function forgetFlows(ports: readonly PortRecord[]): void {
  const published = ports.filter(({ protocol }) => protocol === "udp");
  if (published.length === 0) return;
  try {
    const count = removeUdpFlows(flowsTo(published, hostAddresses()));
    trace(() => `forgot ${count} flows to published UDP ports`);
  } catch (error) {
    trace(() => `cannot forget flows to published UDP ports: ${messageOf(error)}`);
  }
}

/** Which flows go to one of the ports at an address of this host; what only passes through the host is not touched. */
export function flowsTo(
  ports: readonly Pick<PortRecord, "hostIp" | "hostPort">[],
  local: readonly string[],
): (flow: UdpFlow) => boolean {
  const hostPorts = new Set(ports.map(({ hostPort }) => hostPort));
  const keys = new Set<string>();
  for (const { hostIp, hostPort } of ports) {
    const isWildcard = hostIp === "0.0.0.0" || hostIp === "::";
    const family = hostIp.includes(":");
    const addresses = isWildcard ? local.filter((each) => each.includes(":") === family) : [hostIp];
    for (const address of addresses) keys.add(`${bytesOf(address)} ${hostPort}`);
  }
  return ({ destination, port }) => hostPorts.has(port) && keys.has(`${destination} ${port}`);
}

function hostAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap((each) => (each ?? []).map(({ address }) => address));
}

function bytesOf(address: string): Uint8Array {
  return address.includes(":") ? parseInet6(address) : parseInet(address);
}
