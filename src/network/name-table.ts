/**
 * Who is who for one container: the names and addresses of all that share a user network with it. Pure.
 *
 * As docker has it: in a network a container goes by its name and its aliases, and by each of them followed by
 * the network's name; a name that several have stands for all of them; of two networks that know a name the container's
 * first counts. The default network knows no names.
 */
import { parseInet, parseInet6 } from "../../ffi/inet-address.ts";
import { ipVersion } from "../config/ip-version.ts";
import { encodeName } from "./dns-message.ts";
import { hostNames } from "./name-order.ts";

/** A place in one of the container's networks: its own or a neighbour's. */
export interface NamedPlace {
  readonly network: string;
  /** The default network: no names, but a way out. */
  readonly isDefault: boolean;
  readonly internal: boolean;
  readonly gateway: string;
  readonly gateway6?: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly address: string;
  readonly address6?: string;
}

/** The addresses of a name, as DNS has them. */
export interface NamedAddresses {
  readonly ipv4: readonly Uint8Array[];
  readonly ipv6: readonly Uint8Array[];
}

export interface NameTable {
  /** By name in lower case. */
  readonly addresses: ReadonlyMap<string, NamedAddresses>;
  /** `2.0.30.172.in-addr.arpa` to `web.front` in wire form. */
  readonly pointers: ReadonlyMap<string, Uint8Array>;
  /** Whether any network of the container leads out: others' names may be asked for. */
  readonly hasWayOut: boolean;
}

/** A name that only this container has for what `target` stands for in the network. */
export interface NamedLink {
  readonly network: string;
  readonly target: string;
  readonly alias: string;
}

/**
 * Builds the table; `places` in the order of the container's interfaces. A link's alias goes before the names that others
 * have, as in docker.
 */
export function buildNameTable(places: readonly NamedPlace[], links: readonly NamedLink[] = []): NameTable {
  const addresses = new Map<string, NamedAddresses>(linkedNames(places, links));
  const pointers = new Map<string, Uint8Array>();
  for (const members of byNetwork(places).values()) {
    for (const [name, found] of namesInNetwork(members)) addresses.getOrInsert(name, found);
    for (const { name, network, address, address6 } of members) {
      const full = encodeName(`${name}.${network}`);
      if (full === undefined) continue;
      pointers.getOrInsert(reverseName(address), full);
      if (address6 !== undefined) pointers.getOrInsert(reverseName(address6), full);
    }
  }
  const gateway = hostGateway(places);
  if (gateway !== undefined) for (const name of hostNames) addresses.getOrInsert(name, gateway);
  return { addresses, pointers, hasWayOut: places.some(({ internal }) => !internal) };
}

/** The name that a PTR question asks for (RFC 1035 3.5, RFC 3596 2.5). */
export function reverseName(address: string): string {
  const bytes = [...addressBytes(address)];
  if (ipVersion(address) === 4) return `${bytes.toReversed().join(".")}.in-addr.arpa`;
  const nibbles = bytes.flatMap((byte) => [byte >> 4, byte & 0xf]);
  return `${nibbles
    .toReversed()
    .map((nibble) => nibble.toString(16))
    .join(".")}.ip6.arpa`;
}

function byNetwork(places: readonly NamedPlace[]): Map<string, NamedPlace[]> {
  return Map.groupBy(
    places.filter(({ isDefault }) => !isDefault),
    ({ network }) => network,
  );
}

function namesInNetwork(members: readonly NamedPlace[]): Map<string, NamedAddresses> {
  const names = new Map<string, { ipv4: Uint8Array[]; ipv6: Uint8Array[] }>();
  for (const { network, name, aliases, address, address6 } of members) {
    for (const own of new Set([name, ...aliases].map((word) => word.toLowerCase()))) {
      for (const spelled of [own, `${own}.${network.toLowerCase()}`]) {
        const found = names.getOrInsertComputed(spelled, () => ({ ipv4: [], ipv6: [] }));
        found.ipv4.push(addressBytes(address));
        if (address6 !== undefined) found.ipv6.push(addressBytes(address6));
      }
    }
  }
  return names;
}

function linkedNames(
  places: readonly NamedPlace[],
  links: readonly NamedLink[],
): (readonly [string, NamedAddresses])[] {
  if (links.length === 0) return [];
  const networks = byNetwork(places);
  return links.flatMap(({ network, target, alias }) => {
    const found = namesInNetwork(networks.get(network) ?? []).get(target.toLowerCase());
    return found === undefined ? [] : [[alias.toLowerCase(), found] as const];
  });
}

/** The bridge's own address: of the first network that leads out, else of the first. */
function hostGateway(places: readonly NamedPlace[]): NamedAddresses | undefined {
  const place = places.find(({ internal }) => !internal) ?? places[0];
  if (place === undefined) return undefined;
  const { gateway, gateway6 } = place;
  return {
    ipv4: [addressBytes(gateway)],
    ipv6: gateway6 === undefined ? [] : [addressBytes(gateway6)],
  };
}

function addressBytes(address: string): Uint8Array {
  return ipVersion(address) === 4 ? parseInet(address) : parseInet6(address);
}
