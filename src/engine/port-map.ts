/**
 * `portmap forward`, `list` and `stop`: mappings of host ports by hand, kept in the state, and the process that serves
 * them (port-map-service.ts), which looks again when it gets SIGUSR1.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { MappingSelector, PortMapping } from "../config/port-map-spec.ts";
import { BockerError } from "../errors.ts";
import { isProcessAlive, type ProcessIdentity } from "../host/process-identity.ts";
import { hasIpv6 } from "../network/host-network.ts";
import { renderHostSide } from "../network/port-text.ts";
import { signalProcess } from "../runtime/signal-process.ts";
import { getContainer } from "../state/container.ts";
import { listPorts } from "../state/port.ts";
import { deleteMapping, insertMapping, listMappings } from "../state/port-map.ts";
import type { Engine } from "./engine.ts";

const SIGUSR1 = 10;
const SIGTERM = 15;

/** Whether somebody serves mappings now, and who. */
export function findPortMapService({ settings }: Engine): ProcessIdentity | undefined {
  try {
    const identity = JSON.parse(
      readFileSync(serviceFile(settings.network.runFolder), "utf8"),
    ) as ProcessIdentity;
    return isProcessAlive(identity) ? identity : undefined;
  } catch {
    return undefined;
  }
}

/** Where the serving process says who it is. */
export function serviceFile(runFolder: string): string {
  return join(runFolder, "portmap.json");
}

export interface MappingChange {
  readonly added: readonly (Omit<PortMapping, "hostIp"> & Partial<Pick<PortMapping, "hostIp">>)[];
  readonly removed: readonly MappingSelector[];
}

/** Changes the mappings, all or nothing; false when nobody serves them yet. Throws for one that is not there. */
export function changeMappings(engine: Engine, { added, removed }: MappingChange): boolean {
  const { state } = engine;
  state.transaction(() => {
    for (const selector of removed) removeSelected(engine, selector);
    for (const mapping of added) {
      const hostIps = mapping.hostIp === undefined ? everyAddress() : [mapping.hostIp];
      for (const hostIp of hostIps) insertMapping(state, { ...mapping, hostIp });
    }
  });
  const service = findPortMapService(engine);
  if (service !== undefined) signalProcess(service, SIGUSR1);
  return service !== undefined;
}

/** Asks the serving process to end, and waits for it. Throws when there is none. */
export async function stopPortMapService(engine: Engine): Promise<void> {
  const service = findPortMapService(engine);
  if (service === undefined) throw new BockerError("portmap is not running", { kind: "not-running" });
  signalProcess(service, SIGTERM);
  while (isProcessAlive(service)) await Bun.sleep(10);
}

export interface MappingRow {
  /** `0.0.0.0:8080` */
  readonly host: string;
  readonly target: string;
  readonly protocol: string;
  /** The container that publishes it; absent: made by hand. */
  readonly container?: string;
}

/** Published ports of all containers, and the mappings made by hand. */
export function listPortMap({ state }: Engine): readonly MappingRow[] {
  const published = listPorts(state).map((port) => ({
    host: renderHostSide(port),
    target: joinPort(port.containerIp, port.containerPort),
    protocol: port.protocol,
    container: getContainer(state, port.containerId)?.name ?? port.containerId.slice(0, 12),
  }));
  const byHand = listMappings(state).map((mapping) => ({
    host: renderHostSide(mapping),
    target: joinPort(mapping.target, mapping.targetPort),
    protocol: mapping.protocol,
  }));
  return [...published, ...byHand];
}

function joinPort(hostIp: string, hostPort: number): string {
  return renderHostSide({ hostIp, hostPort });
}

function everyAddress(): readonly string[] {
  return hasIpv6() ? ["0.0.0.0", "::"] : ["0.0.0.0"];
}

function removeSelected({ state }: Engine, selector: MappingSelector): void {
  const selected = listMappings(state).filter((mapping) =>
    Object.entries(selector).every(([key, value]) => mapping[key as keyof PortMapping] === value),
  );
  if (selected.length === 0) {
    throw new BockerError(`no mapping of port ${selector.hostPort}/${selector.protocol} was made by hand`, {
      kind: "not-found",
    });
  }
  for (const mapping of selected) deleteMapping(state, mapping);
}
