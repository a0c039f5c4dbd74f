/**
 * Choosing: a subnet that is nobody's, the lowest free address in it, and what follows from an address. Pure.
 */
import { BockerError } from "../errors.ts";
import {
  addressAt,
  type IpAddress,
  isHostAddress,
  parseAddress,
  parseSubnet,
  renderAddress,
  renderSubnet,
  type Subnet,
  subnetContains,
  subnetSize,
  subnetsOverlap,
} from "./ip-address.ts";

/** The first subnet of `prefixLength` in the pools that overlaps nothing occupied; undefined: all are taken. */
export function chooseSubnet(
  pools: readonly Subnet[],
  prefixLength: number,
  occupied: readonly Subnet[],
): Subnet | undefined {
  for (const pool of pools) {
    const step = subnetSize({ ...pool, prefixLength });
    for (let offset = 0n; offset < subnetSize(pool); offset += step) {
      const candidate = { family: pool.family, base: pool.base + offset, prefixLength };
      if (!occupied.some((other) => subnetsOverlap(candidate, other))) return candidate;
    }
  }
  return undefined;
}

/**
 * The address for a container: the requested one, or the lowest that is free. Undefined when the subnet is full;
 * throws docker's errors for a request that is outside or taken.
 */
export function chooseAddress(
  subnetText: string,
  gateway: string,
  taken: ReadonlySet<string>,
  requested?: string,
): string | undefined {
  const subnet = parseSubnet(subnetText);
  if (requested !== undefined) return checkRequested(subnet, gateway, taken, requested);
  for (let index = 1n; index < subnetSize(subnet); index++) {
    const address = addressAt(subnet, index);
    const text = renderAddress(address);
    if (text !== gateway && !taken.has(text) && isHostAddress(subnet, address)) return text;
  }
  return undefined;
}

/** The first address of a subnet: the bridge's. Throws when a subnet has no room for a gateway and a container. */
export function gatewayOf(subnet: Subnet): string {
  if (subnetSize(subnet) < 4n) {
    throw new BockerError(
      `invalid subnet "${renderSubnet(subnet)}": too small for a gateway and a container`,
      {
        kind: "invalid-config",
        hint: "use /30 or larger",
      },
    );
  }
  return renderAddress(addressAt(subnet, 1n));
}

/** docker's scheme, `02:42:` and the address: stable for an address, so that a neighbour's ARP cache stays right. */
export function macAddressOf(address: string): string {
  const value = parseAddress(address)?.value ?? 0n;
  const octets = [24n, 16n, 8n, 0n].map((shift) => ((value >> shift) & 0xffn).toString(16).padStart(2, "0"));
  return ["02", "42", ...octets].join(":");
}

/**
 * Host side of a veth pair: 14 bytes of at most 15. Made from the container's id, so that after a crash a link can
 * be told whose it is.
 */
export function hostInterfaceName(containerId: string, index: number): string {
  return `bk${containerId.slice(0, 11)}${index.toString(36)}`;
}

function checkRequested(
  subnet: Subnet,
  gateway: string,
  taken: ReadonlySet<string>,
  requested: string,
): string {
  const address: IpAddress | undefined = parseAddress(requested);
  if (address === undefined || !subnetContains(subnet, address)) {
    throw new BockerError(
      `invalid config for network: no configured subnet contains IP address ${requested}: the subnet is ${renderSubnet(subnet)}`,
      { kind: "invalid-config" },
    );
  }
  const text = renderAddress(address);
  if (text === gateway || taken.has(text) || !isHostAddress(subnet, address)) {
    throw new BockerError("Address already in use", { kind: "conflict", details: { address: text } });
  }
  return text;
}
