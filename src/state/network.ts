/**
 * Network rows: a name, a bridge and a subnet, each unique among bocker's networks. Whether the host's own routes
 * leave room for a subnet is src/network's to find out.
 */
import { BockerError } from "../errors.ts";
import { getContainer } from "./container.ts";
import { dropDeadLeases, leasesInNetwork } from "./lease.ts";
import { appendNetworkEvent } from "./network-event.ts";
import type { AddressPool, NetworkDriver, NetworkRecord } from "./record.ts";
import { numberColumn, objectColumn, optionalColumn, stringMapColumn, textColumn } from "./row.ts";
import { isUniqueViolation, type Row, type State } from "./state.ts";

/** Adds a network; throws docker's conflict error when name, bridge or subnet is taken. */
export function insertNetwork(state: State, network: NetworkRecord): void {
  try {
    state.run(
      `INSERT INTO networks (id, name, driver, bridge, subnet, gateway, ip_range, aux_addresses, ipv6,
         has_own_subnet, internal, attachable, mtu, labels, options, created_at_ms)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      network.id,
      network.name,
      network.driver,
      network.bridge,
      network.subnet,
      network.gateway,
      network.ipRange ?? null,
      JSON.stringify(network.auxAddresses),
      network.ipv6 === undefined ? null : JSON.stringify(network.ipv6),
      network.hasOwnSubnet ? 1 : 0,
      network.internal ? 1 : 0,
      network.attachable ? 1 : 0,
      network.mtu,
      JSON.stringify(network.labels),
      JSON.stringify(network.options),
      network.createdAtMs,
    );
  } catch (error) {
    throw isUniqueViolation(error) ? networkConflict(state, network) : error;
  }
}

/** Gives a network other IPv4 addresses; nobody may have one of the old ones. */
export function setNetworkPool(state: State, id: string, { subnet, gateway }: AddressPool): void {
  state.run("UPDATE networks SET subnet = ?, gateway = ? WHERE id = ?", subnet, gateway, id);
}

/** The network of that name. */
export function findNetworkByName(state: State, name: string): NetworkRecord | undefined {
  const row = state.first("SELECT * FROM networks WHERE name = ?", name);
  return row === undefined ? undefined : readNetwork(row);
}

/** The network of that full id, that name, or whose id alone begins so. Throws docker's error when there is none. */
export function findNetwork(state: State, nameOrId: string): NetworkRecord {
  const exact = state.first(
    "SELECT * FROM networks WHERE id = ?1 OR name = ?1 ORDER BY id = ?1 DESC",
    nameOrId,
  );
  if (exact !== undefined) return readNetwork(exact);
  const rows = /^[0-9a-f]{1,64}$/.test(nameOrId)
    ? state.all("SELECT * FROM networks WHERE id >= ? AND id < ? LIMIT 2", nameOrId, `${nameOrId}g`)
    : [];
  const [row] = rows;
  if (row !== undefined && rows.length === 1) return readNetwork(row);
  throw new BockerError(
    rows.length === 0
      ? `network ${nameOrId} not found`
      : `network ${nameOrId} is ambiguous (${rows.length} matches found)`,
    { kind: rows.length === 0 ? "not-found" : "conflict" },
  );
}

/** The network of that full id. */
export function getNetwork(state: State, id: string): NetworkRecord | undefined {
  const row = state.first("SELECT * FROM networks WHERE id = ?", id);
  return row === undefined ? undefined : readNetwork(row);
}

/** Every network, by name. */
export function listNetworks(state: State): NetworkRecord[] {
  return state.all("SELECT * FROM networks ORDER BY name").map(readNetwork);
}

/**
 * Removes a network; throws docker's "in-use" while a container that lives has an address in it. `takeDown` takes the network
 * off the host; it runs inside the transaction, so that the row outlives whatever is left when that is killed. False when
 * it was gone already.
 */
export function removeNetwork(state: State, id: string, takeDown: () => void): boolean {
  return state.transaction(() => {
    const network = getNetwork(state, id);
    if (network === undefined) return false;
    dropDeadLeases(state, id);
    const users = leasesInNetwork(state, id).map((lease) => lease.containerId);
    if (users.length > 0) throw networkInUse(state, network, users);
    takeDown();
    appendNetworkEvent(state, id, "destroy");
    return state.run("DELETE FROM networks WHERE id = ?", id) > 0;
  });
}

function networkInUse(state: State, { id, name }: NetworkRecord, users: readonly string[]): BockerError {
  const endpoints = users.map(
    (user) => `name:"${getContainer(state, user)?.name ?? ""}" id:"${user.slice(0, 12)}"`,
  );
  return new BockerError(
    `error while removing network: network ${name} has active endpoints (${endpoints.join(", ")})`,
    {
      kind: "in-use",
      details: { networkId: id, containers: users },
      hint: "stop them, or take them out with: bocker network disconnect",
    },
  );
}

function networkConflict(state: State, network: NetworkRecord): BockerError {
  if (findNetworkByName(state, network.name) !== undefined) {
    return new BockerError(`network with name ${network.name} already exists`, { kind: "conflict" });
  }
  return new BockerError(
    `cannot create network "${network.name}": its bridge "${network.bridge}" or subnet ${network.subnet} belongs to another`,
    { kind: "conflict" },
  );
}

function readNetwork(row: Row): NetworkRecord {
  return {
    id: textColumn(row, "id"),
    name: textColumn(row, "name"),
    driver: readDriver(row),
    bridge: textColumn(row, "bridge"),
    subnet: textColumn(row, "subnet"),
    gateway: textColumn(row, "gateway"),
    ...optionalColumn(row, "ip_range", "ipRange", textColumn),
    auxAddresses: stringMapColumn(row, "aux_addresses"),
    ...optionalColumn(row, "ipv6", "ipv6", readPool),
    hasOwnSubnet: numberColumn(row, "has_own_subnet") !== 0,
    internal: numberColumn(row, "internal") !== 0,
    attachable: numberColumn(row, "attachable") !== 0,
    mtu: numberColumn(row, "mtu"),
    labels: stringMapColumn(row, "labels"),
    options: stringMapColumn(row, "options"),
    createdAtMs: numberColumn(row, "created_at_ms"),
  };
}

function readDriver(row: Row): NetworkDriver {
  const driver = textColumn(row, "driver");
  return driver === "macvlan" || driver === "ipvlan" ? driver : "bridge";
}

function readPool(row: Row, column: string): AddressPool {
  const { subnet, gateway, ipRange, auxAddresses } = objectColumn(row, column);
  return {
    subnet: String(subnet),
    gateway: String(gateway),
    ...(typeof ipRange === "string" ? { ipRange } : {}),
    auxAddresses: Object.fromEntries(
      Object.entries(auxAddresses ?? {}).map(([name, address]) => [name, String(address)]),
    ),
  };
}
