/**
 * Ports in words, for labels and messages. Pure.
 */
import type { PortRecord } from "../state/record.ts";

/** `0.0.0.0:8080`, `[::]:8080`. */
export function renderHostSide({ hostIp, hostPort }: Pick<PortRecord, "hostIp" | "hostPort">): string {
  return `${hostIp.includes(":") ? `[${hostIp}]` : hostIp}:${hostPort}`;
}

/** What a step does that publishes ports and takes others away. */
export function changeLabel(added: readonly PortRecord[], removed: readonly PortRecord[]): string {
  const parts = [
    ...(added.length > 0 ? [`publish ${added.map(renderPort).join(", ")}`] : []),
    ...(removed.length > 0 ? [`stop publishing ${removed.map(renderPort).join(", ")}`] : []),
  ];
  return parts.join(", ");
}

function renderPort(port: PortRecord): string {
  return `${renderHostSide(port)}/${port.protocol}`;
}
