/**
 * Network rows: a name, a bridge and a subnet, each unique among bocker's networks. Whether the host's own routes
 * leave room for a subnet is src/network's to find out.
 */
import { BockerError } from "../errors.ts";
import type { NetworkRecord } from "./record.ts";
import { numberColumn, stringMapColumn, textColumn } from "./row.ts";
import { isUniqueViolation, type Row, type State } from "./state.ts";

/** Adds a network; throws docker's conflict error when name, bridge or subnet is taken. */
export function insertNetwork(state: State, network: NetworkRecord): void {
  try {
    state.run(
      `INSERT INTO networks (id, name, driver, bridge, subnet, gateway, internal, mtu, labels, created_at_ms)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      network.id,
      network.name,
      network.driver,
      network.bridge,
      network.subnet,
      network.gateway,
      network.internal ? 1 : 0,
      network.mtu,
      JSON.stringify(network.labels),
      network.createdAtMs,
    );
  } catch (error) {
    throw isUniqueViolation(error) ? networkConflict(state, network) : error;
  }
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

/** Removes a network; throws "in-use" while a container has an address in it. False when it was gone already. */
export function removeNetwork(state: State, id: string): boolean {
  return state.transaction(() => {
    const user = state.first("SELECT container_id FROM leases WHERE network_id = ?", id)?.container_id;
    if (user !== undefined) {
      throw new BockerError(`network ${id.slice(0, 12)} has active endpoints`, {
        kind: "in-use",
        details: { networkId: id, containerId: user },
      });
    }
    return state.run("DELETE FROM networks WHERE id = ?", id) > 0;
  });
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
    driver: "bridge",
    bridge: textColumn(row, "bridge"),
    subnet: textColumn(row, "subnet"),
    gateway: textColumn(row, "gateway"),
    internal: numberColumn(row, "internal") !== 0,
    mtu: numberColumn(row, "mtu"),
    labels: stringMapColumn(row, "labels"),
    createdAtMs: numberColumn(row, "created_at_ms"),
  };
}
