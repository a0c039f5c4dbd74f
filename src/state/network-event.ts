/**
 * Events of networks, with docker's attributes: the network's name and driver, and the container that comes or goes.
 */
import { appendEvent } from "./event.ts";
import { textColumn } from "./row.ts";
import type { State } from "./state.ts";

/** Adds an event about a network; nothing when it is gone. Call it in the transaction of the change that it tells of. */
export function appendNetworkEvent(
  state: State,
  networkId: string,
  action: "create" | "connect" | "disconnect" | "destroy",
  containerId?: string,
): void {
  // A build's containers are nobody's to be told of.
  const sql = `SELECT name, driver FROM networks WHERE id = ?1
    AND NOT EXISTS (SELECT 1 FROM containers WHERE id = ?2 AND purpose = 'build')`;
  const row = state.first(sql, networkId, containerId ?? "");
  if (row === undefined) return;
  appendEvent(state, {
    type: "network",
    action,
    id: networkId,
    attributes: {
      ...(containerId === undefined ? {} : { container: containerId }),
      name: textColumn(row, "name"),
      type: textColumn(row, "driver"),
    },
  });
}
