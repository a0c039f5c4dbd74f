/**
 * docker's links on the default network, which knows no names: lines in /etc/hosts of who has links, right again when the
 * other one gets another address. On networks with names a link is an alias of the resolver's (src/network/name-table.ts),
 * and the other one need not be there.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import { readLink } from "../config/network-spec.ts";
import { BockerError, messageOf } from "../errors.ts";
import { lockFolder } from "../host/lock-file.ts";
import { trace } from "../host/trace.ts";
import type { LinkedHost } from "../network/hosts-file.ts";
import { defaultNetworkName } from "../network/network-options.ts";
import { findContainer } from "../state/container.ts";
import { leasesOfContainer } from "../state/lease.ts";
import { listLinked } from "../state/neighbour.ts";
import { findNetworkByName } from "../state/network.ts";
import type { ContainerRecord } from "../state/record.ts";
import { hostnameOf } from "./container-hostname.ts";
import { containerFolder } from "./container-paths.ts";
import type { Engine } from "./engine.ts";

/** How long a start waits for somebody who is changing another container's networks. */
const patienceMs = 2000;

/** `CONTAINER:ALIAS` of the default network. */
export function hostLinksOf({ networks }: Pick<ContainerConfig, "networks">): readonly string[] {
  return networks.find(({ name }) => name === defaultNetworkName)?.links ?? [];
}

/** Throws docker's error for a link to nobody. */
export function checkLinks({ state }: Engine, config: ContainerConfig): void {
  for (const { container } of hostLinksOf(config).map(readLink)) {
    try {
      findContainer(state, container);
    } catch (error) {
      throw new BockerError(`could not get container for ${container}: ${messageOf(error)}`, {
        kind: "not-found",
      });
    }
  }
}

/** Who the container is linked to, for its hosts file. Throws docker's error for one that does not run. */
export function loadLinkedHosts(engine: Engine, record: ContainerRecord): readonly LinkedHost[] {
  return hostLinksOf(record.config).map((link) => {
    const host = findLinkedHost(engine, link);
    if (host !== undefined) return host;
    const { container, alias } = readLink(link);
    throw new BockerError(
      `Cannot link to a non running container: /${container} AS /${record.name}/${alias}`,
      { kind: "conflict" },
    );
  });
}

/** Those that run now. */
export function linkedHostsNow(engine: Engine, record: ContainerRecord): readonly LinkedHost[] {
  return hostLinksOf(record.config).flatMap((link) => findLinkedHost(engine, link) ?? []);
}

/**
 * After a start on the default network: the files of those that may be linked to it, and its own, for what it is linked to may
 * have moved while it started. What fails is only told.
 */
export async function refreshLinked(engine: Engine): Promise<void> {
  for (const id of listLinked(engine.state, defaultNetworkName)) {
    try {
      const { refreshLinks } = await import("./refresh-names.ts");
      using _lock = lockFolder(containerFolder(engine.paths, id), patienceMs);
      refreshLinks(engine, id);
    } catch (error) {
      trace(() => `cannot tell ${id} of the new address of what it is linked to: ${messageOf(error)}`);
    }
  }
}

function findLinkedHost(engine: Engine, link: string): LinkedHost | undefined {
  const { container, alias } = readLink(link);
  const target = findTarget(engine, container);
  const network = findNetworkByName(engine.state, defaultNetworkName);
  if (target?.init === undefined || network === undefined) return undefined;
  const lease = leasesOfContainer(engine.state, target.id).find(({ networkId }) => networkId === network.id);
  if (lease === undefined) return undefined;
  const names = [...new Set([alias, hostnameOf(engine, target), target.name])];
  return { address: lease.address, names };
}

function findTarget({ state }: Engine, nameOrId: string): ContainerRecord | undefined {
  try {
    return findContainer(state, nameOrId);
  } catch {
    return undefined;
  }
}
