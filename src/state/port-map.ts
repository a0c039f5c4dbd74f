/**
 * Mappings that `portmap forward` has added: a host port, and the targets that take turns behind it, in the order in
 * which they came.
 */
import type { PortMapping } from "../config/port-map-spec.ts";
import { numberColumn, textColumn } from "./row.ts";
import type { Row, State } from "./state.ts";

/** Every mapping. */
export function listMappings(state: State): PortMapping[] {
  return state.all("SELECT * FROM port_maps ORDER BY rowid").map(readMapping);
}

/** Adds one; false when it is there. */
export function insertMapping(state: State, mapping: PortMapping): boolean {
  const { protocol, hostIp, hostPort, target, targetPort } = mapping;
  const sql =
    "INSERT OR IGNORE INTO port_maps (protocol, host_ip, host_port, target, target_port) VALUES (?, ?, ?, ?, ?)";
  return state.run(sql, protocol, hostIp, hostPort, target, targetPort) > 0;
}

/** Takes one away. */
export function deleteMapping(state: State, mapping: PortMapping): void {
  const { protocol, hostIp, hostPort, target, targetPort } = mapping;
  const sql =
    "DELETE FROM port_maps WHERE protocol = ? AND host_ip = ? AND host_port = ? AND target = ? AND target_port = ?";
  state.run(sql, protocol, hostIp, hostPort, target, targetPort);
}

function readMapping(row: Row): PortMapping {
  return {
    protocol: textColumn(row, "protocol") === "udp" ? "udp" : "tcp",
    hostIp: textColumn(row, "host_ip"),
    hostPort: numberColumn(row, "host_port"),
    target: textColumn(row, "target"),
    targetPort: numberColumn(row, "target_port"),
  };
}
