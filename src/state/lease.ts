/**
 * Addresses that containers hold. A lease belongs to a container that lives: what another boot left is dropped by
 * the next allocation, what a dead monitor left is taken away where it is in somebody's way.
 *
 * Which address is next is decided by a pure function of the taken ones (src/network), inside the transaction that
 * writes it: two processes can never choose from the same list.
 */
import { bootId } from "../host/clock.ts";
import { isProcessAlive } from "../host/process-identity.ts";
import { getContainer } from "./container.ts";
import { appendNetworkEvent } from "./network-event.ts";
import type { LeaseRecord } from "./record.ts";
import { numberColumn, optionalColumn, stringsColumn, textColumn } from "./row.ts";
import type { Row, State } from "./state.ts";

/** What is chosen for a lease, given the addresses of both families that are taken; undefined when there is none. */
export type LeaseChoice = (taken: ReadonlySet<string>) => LeaseRecord | undefined;

/**
 * Gives an address of a network to a container, atomically. `choose` is asked again, after the leases of dead
 * containers have been dropped, when it finds none or picks one that is taken. Undefined: the network is full.
 */
export function leaseAddress(state: State, networkId: string, choose: LeaseChoice): LeaseRecord | undefined {
  return state.transaction(() => {
    state.run("DELETE FROM leases WHERE boot_id <> ?", bootId());
    const lease = tryLease(state, networkId, choose);
    if (lease !== undefined || dropDeadLeases(state, networkId) === 0) return lease;
    return tryLease(state, networkId, choose);
  });
}

/** The leases of a container, eth0 first. */
export function leasesOfContainer(state: State, containerId: string): LeaseRecord[] {
  const sql = "SELECT * FROM leases WHERE container_id = ? ORDER BY container_interface";
  return state.all(sql, containerId).map(readLease);
}

/** The leases in a network. */
export function leasesInNetwork(state: State, networkId: string): LeaseRecord[] {
  return state.all("SELECT * FROM leases WHERE network_id = ? ORDER BY rowid", networkId).map(readLease);
}

/** Every lease. */
export function listLeases(state: State): LeaseRecord[] {
  return state.all("SELECT * FROM leases ORDER BY rowid").map(readLease);
}

/** Gives back the address that a container has in one network; false when it had none. */
export function releaseLease(state: State, containerId: string, networkId: string): boolean {
  return state.transaction(() => {
    const sql = "DELETE FROM leases WHERE container_id = ? AND network_id = ? RETURNING network_id";
    return tellReleased(state, containerId, state.all(sql, containerId, networkId)) > 0;
  });
}

/** Gives back a container's addresses; how many there were. */
export function releaseLeases(state: State, containerId: string): number {
  return state.transaction(() => {
    const sql = "DELETE FROM leases WHERE container_id = ? RETURNING network_id";
    return tellReleased(state, containerId, state.all(sql, containerId));
  });
}

/** Gives back what containers hold in a network whose processes are gone; how much there was. */
export function dropDeadLeases(state: State, networkId: string): number {
  const owners = new Set(leasesInNetwork(state, networkId).map((lease) => lease.containerId));
  const dead = [...owners].filter((owner) => !isContainerAlive(state, owner));
  return dead.reduce((count, owner) => count + releaseLeases(state, owner), 0);
}

function tellReleased(state: State, containerId: string, rows: readonly Row[]): number {
  for (const row of rows) appendNetworkEvent(state, textColumn(row, "network_id"), "disconnect", containerId);
  return rows.length;
}

/** Whether a process of the container, or the monitor that is starting it, lives. */
export function isContainerAlive(state: State, containerId: string): boolean {
  const record = getContainer(state, containerId);
  if (record === undefined) return false;
  return [record.monitor, record.init].some((owner) => owner !== undefined && isProcessAlive(owner));
}

function tryLease(state: State, networkId: string, choose: LeaseChoice): LeaseRecord | undefined {
  const taken = new Set(leasesInNetwork(state, networkId).flatMap(addressesOf));
  const lease = choose(taken);
  if (lease === undefined || addressesOf(lease).some((address) => taken.has(address))) return undefined;
  state.run(
    `INSERT INTO leases (network_id, container_id, endpoint_id, address, address6, mac_address, host_interface,
       container_interface, aliases, gateway_priority, boot_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    networkId,
    lease.containerId,
    lease.endpointId,
    lease.address,
    lease.address6 ?? null,
    lease.macAddress,
    lease.hostInterface,
    lease.containerInterface,
    JSON.stringify(lease.aliases),
    lease.gatewayPriority,
    bootId(),
  );
  appendNetworkEvent(state, networkId, "connect", lease.containerId);
  return lease;
}

/** An IPv4 and an IPv6 address are never the same text: one set holds both. */
function addressesOf({ address, address6 }: LeaseRecord): string[] {
  return address6 === undefined ? [address] : [address, address6];
}

function readLease(row: Row): LeaseRecord {
  return {
    networkId: textColumn(row, "network_id"),
    containerId: textColumn(row, "container_id"),
    endpointId: textColumn(row, "endpoint_id"),
    address: textColumn(row, "address"),
    ...optionalColumn(row, "address6", "address6", textColumn),
    macAddress: textColumn(row, "mac_address"),
    hostInterface: textColumn(row, "host_interface"),
    containerInterface: textColumn(row, "container_interface"),
    aliases: stringsColumn(row, "aliases"),
    gatewayPriority: numberColumn(row, "gateway_priority"),
  };
}
