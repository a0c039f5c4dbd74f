/**
 * Who is in the networks of a container: what its resolver answers from. Read for a query, so it is one statement.
 */
import { numberColumn, objectColumn, optionalColumn, stringsColumn, textColumn } from "./row.ts";
import type { Row, State } from "./state.ts";

/** A container's place in a network that it shares with the one asked about, which is among them. */
export interface NeighbourRecord {
  readonly network: string;
  readonly networkId: string;
  readonly internal: boolean;
  readonly gateway: string;
  readonly gateway6?: string;
  readonly containerId: string;
  readonly name: string;
  readonly aliases: readonly string[];
  readonly address: string;
  readonly address6?: string;
}

/**
 * All places in the networks of a container, in the order of its own interfaces. Of the network called `lonely` only its
 * own: the default network's containers know no names of each other.
 */
export function listNeighbours(state: State, containerId: string, lonely: string): NeighbourRecord[] {
  return state
    .all(
      `SELECT n.name AS network, n.id AS network_id, n.internal, n.gateway, n.ipv6, c.id AS container_id, c.name, l.aliases, l.address,
         l.address6
       FROM leases own
       JOIN networks n ON n.id = own.network_id
       JOIN leases l ON l.network_id = own.network_id AND (n.name <> ?2 OR l.container_id = own.container_id)
       JOIN containers c ON c.id = l.container_id
       WHERE own.container_id = ?1
       ORDER BY length(own.container_interface), own.container_interface, l.rowid`,
      containerId,
      lonely,
    )
    .map(readNeighbour);
}

/** Containers in the network of that name that have links to others of it, or of another network. */
export function listLinked(state: State, network: string): readonly string[] {
  return state
    .all(
      `SELECT c.id FROM leases l JOIN networks n ON n.id = l.network_id JOIN containers c ON c.id = l.container_id
       WHERE n.name = ? AND c.config LIKE '%"links":[%'`,
      network,
    )
    .map((row) => textColumn(row, "id"));
}

function readNeighbour(row: Row): NeighbourRecord {
  return {
    network: textColumn(row, "network"),
    networkId: textColumn(row, "network_id"),
    internal: numberColumn(row, "internal") !== 0,
    gateway: textColumn(row, "gateway"),
    ...optionalColumn(row, "ipv6", "gateway6", readGateway),
    containerId: textColumn(row, "container_id"),
    name: textColumn(row, "name"),
    aliases: stringsColumn(row, "aliases"),
    address: textColumn(row, "address"),
    ...optionalColumn(row, "address6", "address6", textColumn),
  };
}

function readGateway(row: Row, column: string): string {
  return String(objectColumn(row, column).gateway);
}
