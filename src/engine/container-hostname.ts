/**
 * What a container is called on its own network: /etc/hostname, the uts namespace, HOSTNAME.
 */
import { hostname as hostHostname } from "node:os";
import { namespaceModes } from "../spec/namespace-mode.ts";
import type { ContainerRecord } from "../state/record.ts";
import { networkOwner } from "./container-namespace.ts";
import type { Engine } from "./engine.ts";

/**
 * The name a container sees for itself: its own, or that of whoever it shares the namespace or the network with, whose
 * /etc/hosts it has too.
 */
export function hostnameOf(engine: Engine, record: Pick<ContainerRecord, "id" | "config">): string {
  const { config } = record;
  const modes = namespaceModes(config);
  if (modes.uts.kind === "host") return hostHostname();
  if (config.hostname !== undefined) return config.hostname;
  if (modes.network.kind === "host") return hostHostname();
  const owner = networkOwner(engine, config);
  return owner === undefined ? record.id.slice(0, 12) : hostnameOf(engine, owner);
}
