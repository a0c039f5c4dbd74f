/**
 * `update --publish` and `--publish-rm`: what docker cannot do. At once for a container that runs, and for every start.
 */
import type { ContainerConfig, PortConfig } from "../config/container-config.ts";
import { parseExposedPorts, parsePorts, renderPort } from "../config/port-spec.ts";
import { BockerError } from "../errors.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { syncPorts } from "./sync-ports.ts";

export interface PortsUpdate {
  readonly publish: readonly PortConfig[];
  /** First of all; each must name a port that is published. */
  readonly remove: readonly PortSelector[];
}

/** Published ports, by the container's side, and by the host's where that was given. */
export type PortSelector = Pick<PortConfig, "containerPort" | "protocol"> & {
  readonly hostPort?: number;
  readonly hostIp?: string;
};

/** `80`, `53/udp`, `8000-8010`: by the container's ports; with colons, as `-p` has it. Throws Error(reason). */
export function parsePortSelectors(text: string): readonly PortSelector[] {
  if (!text.includes(":") && !text.includes("=")) return parseExposedPorts(text);
  return parsePorts(text).map(({ hostIp, hostPort, containerPort, protocol }) => ({
    containerPort,
    protocol,
    ...(hostPort === 0 ? {} : { hostPort }),
    ...(hostIp === undefined ? {} : { hostIp }),
  }));
}

/** Throws docker's words for a port that is taken or not published; nothing has changed then. */
export async function updatePorts(engine: Engine, nameOrId: string, update: PortsUpdate): Promise<void> {
  const { id } = await loadContainer(engine, nameOrId);
  await syncPorts(engine, id, (config) => ({ ...config, ports: updatedPorts(config, update, nameOrId) }));
}

/** The ports of the config afterwards. Pure. */
function updatedPorts(
  { networks, ports }: Pick<ContainerConfig, "networks" | "ports">,
  { publish, remove }: PortsUpdate,
  name: string,
): readonly PortConfig[] {
  if (networks[0]?.name.startsWith("container:")) {
    throw new BockerError("conflicting options: port publishing and the container type network mode", {
      kind: "invalid-config",
    });
  }
  const kept = remove.reduce((left, selector) => without(left, selector, name), ports);
  const known = new Set(kept.map(renderPort));
  return [...kept, ...publish.filter((port) => !known.has(renderPort(port)))];
}

function without(ports: readonly PortConfig[], selector: PortSelector, name: string): readonly PortConfig[] {
  const kept = ports.filter((port) => !isSelected(port, selector));
  if (kept.length < ports.length) return kept;
  const key = `${selector.containerPort}/${selector.protocol}`;
  throw new BockerError(`No public port '${key}' published for ${name}`, { kind: "not-found" });
}

function isSelected(port: PortConfig, selector: PortSelector): boolean {
  const { hostPort, hostIp } = selector;
  return (
    port.containerPort === selector.containerPort &&
    port.protocol === selector.protocol &&
    (hostPort === undefined || port.hostPort === hostPort) &&
    (hostIp === undefined || port.hostIp === hostIp)
  );
}
