/**
 * Host ports that containers have reserved. The key (protocol, port, address) is unique by constraint; that a
 * wildcard address overlaps every other of its family is checked in the same transaction.
 */
import { BockerError } from "../errors.ts";
import { bootId } from "../host/clock.ts";
import { isContainerAlive } from "./lease.ts";
import type { PortRecord } from "./record.ts";
import { numberColumn, textColumn } from "./row.ts";
import type { Row, State } from "./state.ts";

/**
 * Reserves every port or none. Throws docker's "port is already allocated" when one is held by a container that
 * lives; what a dead container or another boot left is dropped. Host ports must be chosen already (no 0).
 * Gives how many ports dead containers of this boot lost, whose firewall rules are then nobody's.
 */
export function reservePorts(state: State, ports: readonly PortRecord[]): number {
  return state.transaction(() => {
    state.run("DELETE FROM ports WHERE boot_id <> ?", bootId());
    let evicted = 0;
    for (const port of ports) {
      for (const other of overlapping(state, port)) evicted += evictOrRefuse(state, port, other);
      insertPort(state, port);
    }
    return evicted;
  });
}

/** The ports of a container, by container port. */
export function portsOfContainer(state: State, containerId: string): PortRecord[] {
  const sql =
    "SELECT * FROM ports WHERE container_id = ? ORDER BY container_port, protocol, host_ip, host_port";
  return state.all(sql, containerId).map(readPort);
}

/** Every reserved port. */
export function listPorts(state: State): PortRecord[] {
  return state.all("SELECT * FROM ports ORDER BY host_port, protocol, host_ip").map(readPort);
}

/** Gives back a container's ports; how many there were. */
export function releasePorts(state: State, containerId: string): number {
  return state.run("DELETE FROM ports WHERE container_id = ?", containerId);
}

/** Gives back one port, if that container has it. */
export function dropPort(state: State, { protocol, hostPort, hostIp, containerId }: PortRecord): void {
  state.run(
    "DELETE FROM ports WHERE protocol = ? AND host_port = ? AND host_ip = ? AND container_id = ?",
    protocol,
    hostPort,
    hostIp,
    containerId,
  );
}

/** docker's error for a host port that is taken. */
function portAllocated(port: Pick<PortRecord, "hostIp" | "hostPort">): BockerError {
  const host = port.hostIp.includes(":") ? `[${port.hostIp}]` : port.hostIp;
  return new BockerError(`Bind for ${host}:${port.hostPort} failed: port is already allocated`, {
    kind: "conflict",
    details: { hostIp: port.hostIp, hostPort: port.hostPort },
  });
}

function overlapping(state: State, port: PortRecord): PortRecord[] {
  return state
    .all("SELECT * FROM ports WHERE protocol = ? AND host_port = ?", port.protocol, port.hostPort)
    .map(readPort)
    .filter((other) => addressesOverlap(port.hostIp, other.hostIp));
}

function addressesOverlap(left: string, right: string): boolean {
  if (left.includes(":") !== right.includes(":")) return false;
  return left === right || [left, right].some((address) => address === "0.0.0.0" || address === "::");
}

function evictOrRefuse(state: State, port: PortRecord, other: PortRecord): number {
  if (other.containerId === port.containerId || isContainerAlive(state, other.containerId))
    throw portAllocated(port);
  return releasePorts(state, other.containerId);
}

function insertPort(state: State, port: PortRecord): void {
  state.run(
    `INSERT INTO ports (protocol, host_port, host_ip, container_id, container_ip, container_port, boot_id)
       VALUES (?, ?, ?, ?, ?, ?, ?)`,
    port.protocol,
    port.hostPort,
    port.hostIp,
    port.containerId,
    port.containerIp,
    port.containerPort,
    bootId(),
  );
}

function readPort(row: Row): PortRecord {
  const protocol = textColumn(row, "protocol");
  return {
    containerId: textColumn(row, "container_id"),
    hostIp: textColumn(row, "host_ip"),
    hostPort: numberColumn(row, "host_port"),
    containerIp: textColumn(row, "container_ip"),
    containerPort: numberColumn(row, "container_port"),
    protocol: protocol === "udp" || protocol === "sctp" ? protocol : "tcp",
  };
}
