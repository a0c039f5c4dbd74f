/**
 * `portmap forward`: `[ADDRESS:]PORT:TARGET[:PORT][/PROTOCOL]`, and back to text. Pure.
 *
 * TARGET is an address or a container's name; its port is the host's where none is given.
 */
import { ipVersion } from "./ip-version.ts";

export interface PortMapping {
  /** `0.0.0.0` and `::` where none was given: one mapping each. */
  readonly hostIp: string;
  readonly hostPort: number;
  readonly protocol: "tcp" | "udp";
  /** An address, or a container's name or id. */
  readonly target: string;
  readonly targetPort: number;
}

/** Which mappings are to go: by the host's side, and by the target where it is named. */
export type MappingSelector = Pick<PortMapping, "hostPort" | "protocol"> &
  Partial<Pick<PortMapping, "hostIp" | "target" | "targetPort">>;

/** Throws Error(reason). Without a host's address: every address, which `hostIp` says by being absent. */
export function parsePortMapping(
  text: string,
): Omit<PortMapping, "hostIp"> & Partial<Pick<PortMapping, "hostIp">> {
  const { target, targetPort, ...host } = parseSelector(text);
  if (target === undefined) throw new Error(`invalid mapping "${text}": no target; use PORT:ADDRESS[:PORT]`);
  return { ...host, target, targetPort: targetPort ?? host.hostPort };
}

/** As parsePortMapping, with PORT alone for all of its targets. */
export function parseSelector(text: string): MappingSelector {
  const [, whole = "", word = "tcp"] = /^([^/]*)(?:\/(.*))?$/.exec(text) ?? [];
  const protocol = word.toLowerCase();
  if (protocol !== "tcp" && protocol !== "udp") throw new Error(`invalid proto: ${word}`);
  const match = /^(?:(\[[^\]]*\]|\d+\.[\d.]+):)?(\d+)(?::(\[[^\]]*\]|[^:[\]]+)(?::(\d+))?)?$/.exec(whole);
  if (match === null)
    throw new Error(`invalid mapping "${text}": use [ADDRESS:]PORT:TARGET[:PORT][/PROTOCOL]`);
  const [, hostIp, hostPort = "", target, targetPort] = match;
  return {
    hostPort: parsePort(hostPort, text),
    protocol,
    ...(hostIp === undefined ? {} : { hostIp: parseIp(hostIp) }),
    ...(target === undefined ? {} : { target: target.startsWith("[") ? parseIp(target) : target }),
    ...(targetPort === undefined ? {} : { targetPort: parsePort(targetPort, text) }),
  };
}

function parsePort(digits: string, text: string): number {
  const port = Number(digits);
  if (port >= 1 && port <= 65_535) return port;
  throw new Error(`invalid mapping "${text}": ${digits} is no port`);
}

function parseIp(text: string): string {
  const ip = text.replace(/^\[|\]$/g, "");
  if (ipVersion(ip) === 0) throw new Error(`invalid IP address: ${text}`);
  return ip;
}
