/**
 * The names of a container's networks: its resolver from the start on, or from the moment it is connected to the first
 * network that has names.
 */
import { closeQuietly } from "../../ffi/file.ts";
import { type NameOrder, type NameService, nameSocketFds } from "../network/name-order.ts";
import { defaultNetworkName } from "../network/network-options.ts";
import type { ContainerRecord, NetworkRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";

/** Whether a container in these networks has docker's resolver in its resolv.conf. */
export function hasNames(networks: readonly Pick<NetworkRecord, "name">[]): boolean {
  return networks.some(({ name }) => name !== defaultNetworkName);
}

/** Opens the resolver's sockets in the namespace of `pid`, before anything runs there; undefined where there are no names. */
export async function openNames(
  engine: Engine,
  record: ContainerRecord,
  networks: readonly NetworkRecord[],
  pid: number,
): Promise<NameService | undefined> {
  if (!hasNames(networks)) return undefined;
  const { openNameSockets } = await import("../network/name-sockets.ts");
  return { ...nameOrderOf(engine, record), sockets: openNameSockets(pid) };
}

/** Closes the sockets of a resolver that nobody will serve. */
export function closeNames(names: NameService | undefined): void {
  if (names !== undefined) closeQuietly(...nameSocketFds(names.sockets));
}

/** What a monitor has to know to serve. */
export function nameOrderOf({ paths }: Engine, { id, config }: ContainerRecord): NameOrder {
  return { containerId: id, database: paths.database, dns: config.dns };
}
