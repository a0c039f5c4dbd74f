/**
 * The PORTS column of `ps`. Pure; the order and the ranges are docker's (docker/cli, formatter.DisplayablePorts): where the
 * host's port is the container's, neighbours become a range, and those come first.
 */
import { parseExposedPorts } from "../config/port-spec.ts";
import type { PortRecord } from "../state/record.ts";

/** `80`, as the container has it, and the host's side if there is one. */
interface ShownPort {
  readonly containerPort: number;
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
}

interface Group {
  readonly host: string;
  readonly protocol: string;
  readonly first: number;
  last: number;
}

/** `0.0.0.0:8000-8001->8000-8001/tcp, 443/tcp`; `exposed` are as --expose has them, and shown where they are not published. */
export function renderPorts(ports: readonly PortRecord[], exposed: readonly string[]): string {
  if (ports.length + exposed.length === 0) return "";
  const taken = new Set(ports.map(({ containerPort, protocol }) => `${containerPort}/${protocol}`));
  const others = exposed
    .flatMap(parseExposedPorts)
    .filter(({ containerPort, protocol }) => !taken.has(`${containerPort}/${protocol}`))
    .map((port) => ({ ...port, hostIp: "", hostPort: 0 }));
  const shown = [...ports, ...others].sort(comparePorts);
  const isTranslated = ({ hostIp, hostPort, containerPort }: ShownPort) =>
    hostIp !== "" && hostPort !== containerPort;
  const groups = groupNeighbours(shown.filter((port) => !isTranslated(port)));
  const translated = shown
    .filter(isTranslated)
    .map((port) => `${bracket(port.hostIp)}:${port.hostPort}->${port.containerPort}/${port.protocol}`);
  return [...groups.map(renderGroup), ...translated].join(", ");
}

/** docker gives a range that has ended before those that may still grow. */
function groupNeighbours(ports: readonly ShownPort[]): Group[] {
  const ended: Group[] = [];
  const open = new Map<string, Group>();
  for (const { hostIp, protocol, containerPort } of ports) {
    const key = `${hostIp}/${protocol}`;
    const group = open.get(key);
    if (group !== undefined && containerPort === group.last + 1) {
      group.last = containerPort;
      continue;
    }
    if (group !== undefined) ended.push(group);
    open.set(key, { host: bracket(hostIp), protocol, first: containerPort, last: containerPort });
  }
  return [...ended, ...open.values()];
}

function renderGroup({ host, protocol, first, last }: Group): string {
  const range = first === last ? `${first}` : `${first}-${last}`;
  return `${host === "" ? range : `${host}:${range}->${range}`}/${protocol}`;
}

function comparePorts(left: ShownPort, right: ShownPort): number {
  return (
    left.containerPort - right.containerPort ||
    compareText(left.hostIp, right.hostIp) ||
    left.hostPort - right.hostPort ||
    compareText(left.protocol, right.protocol)
  );
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

function bracket(hostIp: string): string {
  return hostIp.includes(":") ? `[${hostIp}]` : hostIp;
}
