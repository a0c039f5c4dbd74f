/**
 * From `network create` to a network's record: checks, defaults, and subnets that are nobody's. Pure; what the host and
 * the state say is handed in.
 */
import { BockerError } from "../errors.ts";
import { nowMs } from "../host/clock.ts";
import { randomId } from "../host/random-id.ts";
import type { AddressPool, NetworkDriver, NetworkRecord } from "../state/record.ts";
import { chooseSubnet, gatewayOf, uniqueLocalSubnet } from "./address-pool.ts";
import { parseSubnet, renderSubnet, type Subnet, subnetsOverlap } from "./ip-address.ts";
import { type PoolRequest, planPool } from "./ipam-config.ts";
import { defaultNetworkName, type NetworkOptions } from "./network-options.ts";
import { mtuOf, optionName, resolveOptions } from "./network-setting.ts";

export interface NetworkRequest {
  readonly name: string;
  readonly driver: string;
  readonly pools: readonly PoolRequest[];
  readonly ipv6: boolean;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Names as the user wrote them. */
  readonly options: Readonly<Record<string, string>>;
}

export interface NetworkFacts {
  readonly settings: NetworkOptions;
  /** Subnets that the host has an address in or a route to. */
  readonly occupied: readonly Subnet[];
  readonly networks: readonly NetworkRecord[];
}

const defaultPrefixLength = 24;

/** The record of a new network. Throws docker's errors. */
export function planNetwork(request: NetworkRequest, facts: NetworkFacts): NetworkRecord {
  checkName(request.name);
  const driver = checkedDriver(request.driver);
  const options = resolveOptions(driver, request.options);
  const id = randomId();
  const asked = request.pools.map(planPool);
  const [pool, ...second] = asked.filter(({ subnet }) => !subnet.includes(":"));
  const [pool6, ...second6] = asked.filter(({ subnet }) => subnet.includes(":"));
  if (second.length + second6.length > 0) throw invalid(`${driver} driver doesn't support multiple subnets`);
  const own = facts.networks.flatMap(subnetsOf);
  // The subnet of macvlan and ipvlan is the one of the link below: the host has it by nature.
  const occupied = driver === "bridge" ? [...own, ...facts.occupied] : own;
  for (const { subnet } of asked) checkOverlap(subnet, own, occupied);
  const wantsIpv6 = request.ipv6 || pool6 !== undefined;
  const ipv6 = wantsIpv6 ? (pool6 ?? plainPool(parseSubnet(uniqueLocalSubnet(id)))) : undefined;
  const { labels, attachable, name } = request;
  return {
    id,
    name,
    driver,
    bridge: interfaceOf(id, driver, options),
    ...(pool ?? chooseFreePool(facts.settings, occupied)),
    ...(ipv6 === undefined ? {} : { ipv6 }),
    hasOwnSubnet: asked.length > 0,
    internal: request.internal || isParentless(driver, options),
    attachable,
    mtu: mtuOf(options) ?? facts.settings.mtu,
    labels,
    options,
    createdAtMs: nowMs(),
  };
}

/** The default network, which has docker's name and the bridge of the settings. */
export function planDefaultNetwork(facts: NetworkFacts): NetworkRecord {
  const { settings, networks, occupied } = facts;
  const taken = [...occupied, ...networks.flatMap(subnetsOf)];
  const { subnet } = settings;
  return {
    id: randomId(),
    name: defaultNetworkName,
    driver: "bridge",
    bridge: settings.bridge,
    ...(subnet === undefined ? chooseFreePool(settings, taken) : plainPool(parseSubnet(subnet))),
    hasOwnSubnet: false,
    internal: false,
    attachable: false,
    mtu: settings.mtu,
    labels: {},
    options: {},
    createdAtMs: nowMs(),
  };
}

/** Both families. */
export function subnetsOf({ subnet, ipv6 }: NetworkRecord): Subnet[] {
  return [subnet, ...(ipv6 === undefined ? [] : [ipv6.subnet])].map((text) => parseSubnet(text));
}

/** Of macvlan and ipvlan without one: a link of their own leads nowhere. */
export function isParentless(driver: NetworkDriver, options: Readonly<Record<string, string>>): boolean {
  return driver !== "bridge" && options[optionName.parent] === undefined;
}

/** docker's names: predefined networks are nobody's to make or remove. */
export function isPredefined(name: string): boolean {
  return [defaultNetworkName, "host", "none", "default"].includes(name);
}

function checkName(name: string): void {
  if (isPredefined(name)) {
    throw new BockerError(`operation is not permitted on predefined ${name} network`, { kind: "conflict" });
  }
  if (/^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$/.test(name)) return;
  throw new BockerError(
    `invalid network name "${name}": only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed, 255 at most`,
    { kind: "invalid-config" },
  );
}

function checkedDriver(driver: string): NetworkDriver {
  if (driver === "bridge" || driver === "macvlan" || driver === "ipvlan") return driver;
  if (driver === "host" || driver === "null" || driver === "none") {
    const shown = driver === "none" ? "null" : driver;
    throw new BockerError(`only one instance of "${shown}" network is allowed`, { kind: "conflict" });
  }
  throw new BockerError(`could not find plugin ${driver}: plugin "${driver}" not found`, {
    kind: "not-found",
    hint: "drivers are bridge, macvlan and ipvlan",
  });
}

/** docker's scheme for bridges and for the dummy links of parentless networks. */
function interfaceOf(id: string, driver: NetworkDriver, options: Readonly<Record<string, string>>): string {
  if (driver === "bridge") return options[optionName.bridge] ?? `br-${id.slice(0, 12)}`;
  if (options[optionName.parent] === "lo")
    throw invalid(`loopback interface is not a valid ${driver} parent link`);
  return options[optionName.parent] ?? `${driver === "macvlan" ? "dm" : "di"}-${id.slice(0, 12)}`;
}

function checkOverlap(text: string, own: readonly Subnet[], occupied: readonly Subnet[]): void {
  const subnet = parseSubnet(text);
  const isOwn = own.some((other) => subnetsOverlap(subnet, other));
  const other = occupied.find((candidate) => subnetsOverlap(subnet, candidate));
  if (other === undefined) return;
  const whose = isOwn ? "another network" : "the host";
  throw new BockerError("invalid pool request: Pool overlaps with other one on this address space", {
    kind: "conflict",
    hint: `${text} overlaps ${renderSubnet(other)} of ${whose}`,
  });
}

/** A subnet of the settings' pools that overlaps nothing. Throws docker's error when there is none. */
export function chooseFreePool(settings: NetworkOptions, occupied: readonly Subnet[]): AddressPool {
  const pools = settings.pools.map((pool) => parseSubnet(pool));
  const subnet = chooseSubnet(pools, defaultPrefixLength, occupied);
  if (subnet !== undefined) return plainPool(subnet);
  throw new BockerError(
    "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network",
    { kind: "conflict", hint: `choose one with --subnet; tried ${settings.pools.join(", ")}` },
  );
}

function plainPool(subnet: Subnet): AddressPool {
  return { subnet: renderSubnet(subnet), gateway: gatewayOf(subnet), auxAddresses: {} };
}

function invalid(message: string): BockerError {
  return new BockerError(message, { kind: "invalid-config" });
}
