/**
 * Containers by name or id, and all of them, as they are now: settled first, so that no caller sees a dead one as
 * running. What settles is loaded when there is something to settle: it knows networks, cgroups and firewalls.
 */
import { listDeadBuilds } from "../state/build.ts";
import { findContainer, listContainers, noSuchContainer } from "../state/container.ts";
import { needsSettling } from "../state/container-life.ts";
import { listPorts } from "../state/port.ts";
import type { ContainerRecord, PortRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";

/** The container of that name, id or unique prefix of an id. Throws docker's `No such container: x`. */
export async function loadContainer(engine: Engine, nameOrId: string): Promise<ContainerRecord> {
  const record = findContainer(engine.state, nameOrId);
  const settled = needsWork(record) ? await settleWhole(engine, record) : record;
  if (settled === undefined) throw noSuchContainer(nameOrId);
  return settled;
}

/** Every container, newest first. What a build left that was killed is removed on the way. */
export async function loadContainers(engine: Engine): Promise<readonly ContainerRecord[]> {
  if (listDeadBuilds(engine.state).length > 0) {
    const { sweepBuilds } = await import("./build/sweep-builds.ts");
    await sweepBuilds(engine);
  }
  const records: ContainerRecord[] = [];
  for (const record of listContainers(engine.state)) {
    const settled = needsWork(record) ? await settleWhole(engine, record) : record;
    if (settled !== undefined) records.push(settled);
  }
  return records;
}

/** The published ports of every container that runs, by its id. */
export function loadPorts(engine: Engine): ReadonlyMap<string, readonly PortRecord[]> {
  return Map.groupBy(listPorts(engine.state), (port) => port.containerId);
}

async function settleWhole(engine: Engine, record: ContainerRecord): Promise<ContainerRecord | undefined> {
  const settling = await import("./settle-container.ts");
  return settling.settleWhole(engine, record);
}

function needsWork(record: ContainerRecord): boolean {
  return record.status === "removing" || needsSettling(record);
}
