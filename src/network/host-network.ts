/**
 * What the host's network looks like now: addresses and routes that a new subnet must avoid, and cheap looks at a bridge.
 *
 * Reads /proc/self/net rather than /sys/class/net: it is always about this process's own namespace.
 */
import { readFileSync } from "node:fs";
import { networkInterfaces } from "node:os";
import { BockerError, messageOf } from "../errors.ts";
import { runCommand } from "../host/run-command.ts";
import { addressAt, parseAddress, parseSubnet, renderAddress, type Subnet } from "./ip-address.ts";

/**
 * Every subnet this host has an address in, a route to (in any table), or a nameserver in: what a container network
 * over it would cut off. The default routes are left out, and what belongs to `ownDevice`. Starts `ip` once.
 */
export function loadOccupiedSubnets(ownDevice?: string): Subnet[] {
  const { stdout } = runCommand(["ip", "-json", "route", "show", "table", "all"]);
  const nameservers = readText("/etc/resolv.conf").matchAll(/^\s*nameserver\s+(\S+)/gm);
  return [
    ...parseRoutes(stdout, ownDevice),
    ...interfaceSubnets(ownDevice),
    ...[...nameservers].flatMap(([, address = ""]) => hostSubnet(address)),
  ];
}

/** Wider routes are defaults in disguise: a VPN's 0.0.0.0/1 takes what nobody more specific has. */
const widestRouteBits = 8;

/** The destinations in the output of `ip -json route`. */
export function parseRoutes(json: string, ownDevice?: string): Subnet[] {
  const routes = json.trim() === "" ? [] : parseOutput(json);
  if (!Array.isArray(routes)) return [];
  return routes.flatMap((route: { dst?: unknown; dev?: unknown; type?: unknown } | null) => {
    const { dst, dev, type } = route ?? {};
    // Nobody is there; the userland firewall keeps networks apart so.
    if (type === "prohibit") return [];
    if (typeof dst !== "string" || dst === "default" || (dev !== undefined && dev === ownDevice)) return [];
    const subnets = dst.includes("/") ? [parseSubnet(dst, true)] : hostSubnet(dst);
    return subnets.filter(({ prefixLength }) => prefixLength >= widestRouteBits);
  });
}

function parseOutput(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch (cause) {
    throw new BockerError(`cannot read the routes that "ip -json route" lists: ${messageOf(cause)}`, {
      kind: "host",
      hint: "bocker doctor tells which ip there is",
      cause,
    });
  }
}

/**
 * Whether the interface is up with an address in the subnet: the kernel then has the connected route. One read of
 * /proc, no program started.
 */
export function hasConnectedRoute(device: string, subnet: string): boolean {
  return routesOfDevice(readText("/proc/self/net/route"), device).includes(subnet);
}

/** Whether the interface has that IPv6 address. */
export function hasInterfaceAddress(device: string, address6: string): boolean {
  const hex = (parseAddress(address6)?.value ?? 0n).toString(16).padStart(32, "0");
  return readText("/proc/self/net/if_inet6")
    .split("\n")
    .some((line) => line.startsWith(hex) && line.endsWith(` ${device}`));
}

/** Whether there is an interface of that name, up or not. */
export function hasInterface(device: string): boolean {
  return readText("/proc/self/net/dev")
    .split("\n")
    .some((line) => line.trimStart().startsWith(`${device}:`));
}

/** Destinations, as CIDR, that /proc/net/route lists for a device. Its hex words are in the machine's byte order. */
export function routesOfDevice(table: string, device: string): string[] {
  return table
    .split("\n")
    .map((line) => line.split("\t"))
    .filter(([name]) => name === device)
    .map(([, destination = "", , , , , , mask = ""]) => `${renderWord(destination)}/${prefixLengthOf(mask)}`);
}

/** The kernel's range for ports that it, or we, may pick. */
export function loadLocalPortRange(): { readonly first: number; readonly last: number } {
  const [first = 32_768, last = 60_999] = readText("/proc/sys/net/ipv4/ip_local_port_range")
    .trim()
    .split(/\s+/)
    .map(Number);
  return { first, last };
}

/** Ports of this host that some socket is bound to, for one protocol, whatever the address. */
export function loadUsedPorts(protocol: "tcp" | "udp" | "sctp"): Set<number> {
  if (protocol === "sctp") return new Set();
  return new Set([
    ...parseSocketPorts(readText(`/proc/self/net/${protocol}`)),
    ...parseSocketPorts(readText(`/proc/self/net/${protocol}6`)),
  ]);
}

/** Local ports in a /proc/net/tcp table; connections that merely wait for their end (TIME_WAIT, 06) are no use. */
export function parseSocketPorts(table: string): number[] {
  return table
    .split("\n")
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, local, , state]) => local !== undefined && state !== "06")
    .map(([, local = ""]) => Number.parseInt(local.slice(local.lastIndexOf(":") + 1), 16));
}

/** Whether this host speaks IPv6 at all. */
export function hasIpv6(): boolean {
  return readText("/proc/self/net/if_inet6") !== "";
}

/** The file's text; empty when it cannot be read. */
export function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}

function interfaceSubnets(ownDevice: string | undefined): Subnet[] {
  return Object.entries(networkInterfaces()).flatMap(([device, addresses = []]) =>
    (device === ownDevice ? [] : addresses).flatMap(({ cidr }) => (cidr ? [parseSubnet(cidr, true)] : [])),
  );
}

function hostSubnet(text: string): Subnet[] {
  const address = parseAddress(text);
  if (address === undefined) return [];
  return [{ family: address.family, base: address.value, prefixLength: address.family === 4 ? 32 : 128 }];
}

/** Both of our architectures are little-endian: the first octet is the lowest byte. */
function renderWord(hex: string): string {
  const bytes = hex.match(/../g)?.toReversed() ?? [];
  const base = bytes.reduce((value, byte) => (value << 8n) | BigInt(Number.parseInt(byte, 16)), 0n);
  return renderAddress(addressAt({ family: 4, base, prefixLength: 32 }, 0n));
}

function prefixLengthOf(hexMask: string): number {
  return [...Number.parseInt(hexMask, 16).toString(2)].filter((bit) => bit === "1").length;
}
