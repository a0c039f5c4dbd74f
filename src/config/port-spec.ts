/**
 * `-p`: `[ip:][host]:container[/proto]`, ranges, `published=8080,target=80`; and back to text.
 *
 * Pure. Grammar and phrases are docker's (go-connections nat.ParsePortSpec); `80=8080` reads like `80:8080`.
 */

import type { PortConfig } from "./container-config.ts";
import { ipVersion } from "./ip-version.ts";

interface Range {
  readonly first: number;
  readonly last: number;
}

/** One PortConfig a container port. Throws Error(reason). */
export function parsePorts(text: string): readonly PortConfig[] {
  const { ip, host, container, protocol } = splitPort(standardNotation(text), text);
  const containerRange = parseRange(container, 1, `invalid containerPort: ${container}`);
  const hostRange = host === "" ? undefined : parseRange(host, 0, `invalid hostPort: ${host}`);
  const length = containerRange.last - containerRange.first;
  if (hostRange && length > 0 && hostRange.last - hostRange.first !== length) {
    throw new Error(`invalid ranges specified for container and host Ports: ${container} and ${host}`);
  }
  return Array.from({ length: length + 1 }, (_, offset) => ({
    ...(ip === "" ? {} : { hostIp: ip }),
    hostPort: hostRange ? hostRange.first + offset : 0,
    ...(length === 0 && hostRange && hostRange.last > hostRange.first
      ? { hostPortLast: hostRange.last }
      : {}),
    containerPort: containerRange.first + offset,
    protocol,
  }));
}

/** `--expose`, and the keys of an image's ExposedPorts: `80`, `53/udp`, `8000-8010/tcp`. Throws Error(reason). */
export function parseExposedPorts(text: string): readonly Pick<PortConfig, "containerPort" | "protocol">[] {
  if (text.includes(":")) throw new Error(`invalid port format for --expose: ${text}`);
  const slash = text.indexOf("/");
  const range = slash < 0 ? text : text.slice(0, slash);
  const problem = `invalid range format for --expose: ${text}`;
  const { first, last } = parseRange(range, 1, problem);
  const protocol = parseProtocol(slash < 0 ? "" : text.slice(slash + 1));
  return Array.from({ length: last - first + 1 }, (_, offset) => ({
    containerPort: first + offset,
    protocol,
  }));
}

/** The short form that parsePorts reads back as this one port. */
export function renderPort(port: PortConfig): string {
  const ip =
    port.hostIp === undefined ? "" : `${port.hostIp.includes(":") ? `[${port.hostIp}]` : port.hostIp}:`;
  const last = port.hostPortLast === undefined ? "" : `-${port.hostPortLast}`;
  const host = port.hostPort === 0 && last === "" ? "" : `${port.hostPort}${last}`;
  const hostSide = ip === "" && host === "" ? "" : `${ip}${host}:`;
  return `${hostSide}${port.containerPort}/${port.protocol}`;
}

/** docker's long form to the short one. */
function standardNotation(text: string): string {
  if (!text.includes("=")) return text;
  if (/^[0-9-]+=[0-9-]+(\/[a-z]+)?$/.test(text)) return text.replace("=", ":");
  const fields = new Map([["protocol", "tcp"]]);
  for (const param of text.split(",")) {
    const equals = param.indexOf("=");
    if (equals < 1) throw new Error(`invalid publish opts format (should be name=value but got '${param}')`);
    const key = param.slice(0, equals);
    if (!["published", "target", "protocol"].includes(key))
      throw new Error(`invalid publish opts key: ${key}`);
    fields.set(key, param.slice(equals + 1));
  }
  return `${fields.get("published") ?? ""}:${fields.get("target") ?? ""}/${fields.get("protocol") ?? ""}`;
}

function splitPort(text: string, original: string) {
  const parts = text.split(":");
  const last = parts.pop() ?? "";
  const host = parts.pop() ?? "";
  const [container = "", ...protocols] = last.split("/");
  const ip = stripBrackets(parts.join(":"));
  if (container === "") throw new Error(`no port specified: ${original}<empty>`);
  return { ip, host, container, protocol: parseProtocol(protocols.join("/")) } as const;
}

function parseProtocol(named: string): PortConfig["protocol"] {
  const protocol = (named === "" ? "tcp" : named).toLowerCase();
  if (protocol === "tcp" || protocol === "udp" || protocol === "sctp") return protocol;
  throw new Error(`invalid proto: ${named}`);
}

function stripBrackets(text: string): string {
  const ip = /^\[(.*)\]$/.exec(text)?.[1] ?? text;
  if (text !== "" && ipVersion(ip) === 0) throw new Error(`invalid IP address: ${text}`);
  return ip;
}

function parseRange(text: string, lowest: number, problem: string): Range {
  const match = /^([0-9]{1,5})(?:-([0-9]{1,5}))?$/.exec(text);
  const first = Number(match?.[1]);
  const last = match?.[2] === undefined ? first : Number(match[2]);
  if (!match || first < lowest || last > 65_535 || last < first) throw new Error(problem);
  return { first, last };
}
