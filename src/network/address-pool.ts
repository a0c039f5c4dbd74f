/**
 * Choosing: a subnet that is nobody's, the lowest free address in it, and what follows from an address. Pure.
 */
import { BockerError } from "../errors.ts";
import type { AddressPool } from "../state/record.ts";
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
 * The address for a container: the requested one, or the lowest that is free. Undefined when that is taken, or there is
 * none; throws docker's errors for a request that is outside, or that no container may have.
 */
export function chooseAddress(
  pool: AddressPool,
  taken: ReadonlySet<string>,
  requested?: string,
): string | undefined {
  const subnet = parseSubnet(pool.subnet);
  const reserved = new Set([pool.gateway, ...Object.values(pool.auxAddresses)]);
  if (requested !== undefined) {
    const text = checkRequested(subnet, reserved, requested);
    return taken.has(text) ? undefined : text;
  }
  const range = pool.ipRange === undefined ? subnet : parseSubnet(pool.ipRange);
  for (let index = 0n; index < subnetSize(range); index++) {
    const address = addressAt(range, index);
    const text = renderAddress(address);
    if (!reserved.has(text) && !taken.has(text) && isHostAddress(subnet, address)) return text;
  }
  return undefined;
}

/**
 * A unique local IPv6 subnet for the network of that id (RFC 4193: fd and 40 bits, which are random since the id is), in
 * docker's length.
 */
export function uniqueLocalSubnet(networkId: string): string {
  const groups = networkId.slice(0, 14).match(/.{1,4}/g) ?? [];
  const text = `fd${networkId.slice(14, 16)}:${groups.slice(0, 3).join(":")}::/64`;
  return renderSubnet(parseSubnet(text));
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

/** docker's scheme, `02:42:` and the IPv4 address: stable for it, so that a neighbour's ARP cache stays right. */
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

function checkRequested(subnet: Subnet, reserved: ReadonlySet<string>, requested: string): string {
  const address: IpAddress | undefined = parseAddress(requested);
  if (address === undefined || !subnetContains(subnet, address)) {
    throw new BockerError(`no configured subnet contains IP address ${requested}`, {
      kind: "invalid-config",
      hint: `the subnet is ${renderSubnet(subnet)}`,
    });
  }
  const text = renderAddress(address);
  if (reserved.has(text) || !isHostAddress(subnet, address)) throw addressInUse(text);
  return text;
}

/** docker's error for an address that somebody has. */
export function addressInUse(address: string): BockerError {
  return new BockerError("Address already in use", { kind: "conflict", details: { address } });
}
