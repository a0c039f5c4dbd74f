/**
 * Telling a running container's monitor which ports to serve from now on.
 */
import { askMonitor } from "./ask-monitor.ts";
import type { PortsOrder } from "./held-ports.ts";
import { encodeJson, FrameType } from "./protocol.ts";

/** Kept when the monitor serves them. Rejects with docker's error for a port that is taken; nothing has changed then. */
export function requestPorts(socketPath: string, order: PortsOrder): Promise<void> {
  return askMonitor(socketPath, FrameType.ports, encodeJson(order), FrameType.portsTaken);
}
