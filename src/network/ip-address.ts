/**
 * IP addresses and subnets as numbers: parsing, printing, containing, overlapping. Pure; IPv4 and IPv6 alike.
 *
 * Text forms: RFC 4632 (CIDR), RFC 4291 section 2.2 for reading IPv6, RFC 5952 for writing it.
 */
import { ipVersion } from "../config/ip-version.ts";
import { BockerError } from "../errors.ts";

export interface IpAddress {
  readonly family: 4 | 6;
  readonly value: bigint;
}

export interface Subnet {
  readonly family: 4 | 6;
  /** The first address; bits under the prefix are zero. */
  readonly base: bigint;
  readonly prefixLength: number;
}

/** `10.0.0.1` or `fd00::1`; undefined for anything else, zones (`%eth0`) included. */
export function parseAddress(text: string): IpAddress | undefined {
  const family = ipVersion(text);
  if (family === 4) return { family, value: parseParts(text.split("."), 10, 8n) };
  if (family === 6) return { family, value: parseParts(expandGroups(text), 16, 16n) };
  return undefined;
}

/** As parseAddress; throws a BockerError for what is no address. */
export function requireAddress(text: string): IpAddress {
  const address = parseAddress(text);
  if (address !== undefined) return address;
  throw new BockerError(`"${text}" is not an IP address`, { kind: "invalid-config" });
}

/** The canonical text of an address. */
export function renderAddress({ family, value }: IpAddress): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    ((value >> BigInt(112 - index * 16)) & 0xffffn).toString(16),
  );
  return compressGroups(groups);
}

/**
 * `10.0.0.0/24`. Throws a BockerError; host bits must be zero unless `allowHostBits`, which cuts them off
 * (an interface's `10.0.0.1/24`).
 */
export function parseSubnet(text: string, allowHostBits = false): Subnet {
  const [addressText = "", prefixText = "", ...rest] = text.split("/");
  const address = parseAddress(addressText);
  const prefixLength = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : -1;
  if (address === undefined || rest.length > 0 || prefixLength < 0 || prefixLength > bitsOf(address.family)) {
    throw invalidSubnet(text, "not of the form ADDRESS/BITS");
  }
  const base =
    (address.value >> hostBits(address.family, prefixLength)) << hostBits(address.family, prefixLength);
  const subnet = { family: address.family, base, prefixLength };
  if (!allowHostBits && base !== address.value) {
    throw invalidSubnet(text, `bits after the prefix are set; the subnet is ${renderSubnet(subnet)}`);
  }
  return subnet;
}

/** The canonical text of a subnet. */
export function renderSubnet({ family, base, prefixLength }: Subnet): string {
  return `${renderAddress({ family, value: base })}/${prefixLength}`;
}

/** Number of addresses, all of them. */
export function subnetSize({ family, prefixLength }: Subnet): bigint {
  return 1n << hostBits(family, prefixLength);
}

/** Whether the address is in the subnet. */
export function subnetContains(subnet: Subnet, address: IpAddress): boolean {
  return (
    subnet.family === address.family &&
    address.value >= subnet.base &&
    address.value < subnet.base + subnetSize(subnet)
  );
}

/** Whether two subnets share an address. */
export function subnetsOverlap(left: Subnet, right: Subnet): boolean {
  if (left.family !== right.family) return false;
  return left.base < right.base + subnetSize(right) && right.base < left.base + subnetSize(left);
}

/** The `index`-th address of a subnet, from 0. */
export function addressAt(subnet: Subnet, index: bigint): IpAddress {
  return { family: subnet.family, value: subnet.base + index };
}

/** What a host may have: not the network's own address and not IPv4's broadcast. */
export function isHostAddress(subnet: Subnet, address: IpAddress): boolean {
  if (!subnetContains(subnet, address)) return false;
  if (subnetSize(subnet) <= 2n) return true;
  const last = subnet.base + subnetSize(subnet) - 1n;
  return address.value !== subnet.base && (subnet.family === 6 || address.value !== last);
}

/** 127.0.0.0/8 and ::1. */
export function isLoopback(text: string): boolean {
  return text === "::1" || (ipVersion(text) === 4 && text.startsWith("127."));
}

function bitsOf(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}

function hostBits(family: 4 | 6, prefixLength: number): bigint {
  return BigInt(bitsOf(family) - prefixLength);
}

function parseParts(parts: readonly string[], radix: number, bits: bigint): bigint {
  return parts.reduce((value, part) => (value << bits) | BigInt(Number.parseInt(part, radix)), 0n);
}

/** The eight groups of a valid IPv6 text, `::` and a dotted tail written out. */
function expandGroups(text: string): string[] {
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) {
    const tail = parseParts((dotted[2] ?? "").split("."), 10, 8n);
    return expandGroups(`${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}`);
  }
  const [head = "", rest] = text.split("::");
  const before = head === "" ? [] : head.split(":");
  if (rest === undefined) return before;
  const after = rest === "" ? [] : rest.split(":");
  return [...before, ...new Array<string>(8 - before.length - after.length).fill("0"), ...after];
}

/** RFC 5952 4.2: the first longest run of at least two zero groups becomes `::`. */
function compressGroups(groups: readonly string[]): string {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === "0") length++;
    if (length > best.length) best = { start, length };
  }
  if (best.length < 2) return groups.join(":");
  return `${groups.slice(0, best.start).join(":")}::${groups.slice(best.start + best.length).join(":")}`;
}

function invalidSubnet(text: string, reason: string): BockerError {
  return new BockerError(`invalid subnet "${text}": ${reason}`, { kind: "invalid-config" });
}
