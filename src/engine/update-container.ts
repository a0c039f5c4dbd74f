/**
 * `update`: other limits and another restart policy for a container; at once for one that runs, and for every later start.
 *
 * The kernel is asked first and the record written after: what the kernel refuses is not kept. Phrases are docker's
 * (container_unix.go, UpdateContainer).
 */
import { applyResources } from "../cgroup/apply-cgroup.ts";
import { detectCgroups, hasSwapLimit } from "../cgroup/detect-cgroups.ts";
import type { ContainerConfig, ResourceConfig, RestartConfig } from "../config/container-config.ts";
import { mergeResources } from "../config/merge-resources.ts";
import { BockerError, messageOf } from "../errors.ts";
import { cpuCount } from "../host/host-facts.ts";
import { specResources, validateResources } from "../spec/resources.ts";
import { getContainer, noSuchContainer, setContainerConfig } from "../state/container.ts";
import { appendContainerEvent } from "../state/event.ts";
import type { ContainerRecord } from "../state/record.ts";
import { blockDevicesOf } from "./block-device.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { readCpusets } from "./host-cpuset.ts";
import { cgroupOf } from "./thaw-container.ts";

export interface UpdateRequest {
  /** What is not named stays. */
  readonly resources: ResourceConfig;
  /** Absent: stays; "no": none any more. */
  readonly restart?: RestartConfig | "no";
}

/** Throws docker's words for limits that make no sense, and `Cannot update container ID: …` for those that do not fit. */
export async function updateContainer(
  engine: Engine,
  nameOrId: string,
  request: UpdateRequest,
): Promise<void> {
  const record = await loadContainer(engine, nameOrId);
  const old = record.config.resources;
  // A swap limit alone is one for the memory limit that is there.
  const memory = old.memoryBytes === undefined ? {} : { memoryBytes: old.memoryBytes };
  const beside = request.resources.memorySwapBytes === undefined ? {} : memory;
  validateResources({ ...beside, ...request.resources }, { cpus: cpuCount(), ...readCpusets() });
  try {
    checkUpdatable(record, request);
    const resources = updatedResources(old, request.resources);
    if (Object.keys(request.resources).length > 0) applyLive(engine, record, resources);
    keep(engine, record.id, { resources, ...(request.restart ? { restart: request.restart } : {}) });
  } catch (error) {
    const kind = error instanceof BockerError ? error.kind : "host";
    throw new BockerError(`Cannot update container ${record.id}: ${messageOf(error)}`, { kind });
  }
}

function checkUpdatable({ status, config }: ContainerRecord, { restart }: UpdateRequest): void {
  if (status === "removing" || status === "dead") {
    throw refusal('Container is marked for removal and cannot be "update".');
  }
  if (config.autoRemove && restart !== undefined && restart !== "no") {
    throw refusal("Restart policy cannot be updated because AutoRemove is enabled for the container");
  }
}

/** The new limits over the old ones. A swap limit that was implied by the memory limit stays what it was. */
function updatedResources(old: ResourceConfig, asked: ResourceConfig): ResourceConfig {
  const problem = conflictBetween(old, asked);
  if (problem !== undefined) throw refusal(problem);
  const swap = asked.memorySwapBytes ?? swapBehind(old);
  const { memoryBytes } = asked;
  if (asked.memorySwapBytes === undefined && memoryBytes !== undefined && swap !== undefined) {
    if (swap > 0 && memoryBytes > swap) {
      throw refusal(
        "Memory limit should be smaller than already set memoryswap limit, update the memoryswap at the same time",
      );
    }
  }
  return { ...mergeResources(old, asked), ...(swap === undefined ? {} : { memorySwapBytes: swap }) };
}

/** As specResources implies it at every start. */
function swapBehind({ memoryBytes, memorySwapBytes }: ResourceConfig): number | undefined {
  if (memorySwapBytes !== undefined || memoryBytes === undefined) return memorySwapBytes;
  return hasSwapLimit(detectCgroups()) ? memoryBytes * 2 : undefined;
}

function conflictBetween(old: ResourceConfig, asked: ResourceConfig): string | undefined {
  const isSet = (value: number | undefined): boolean => value !== undefined && value !== 0;
  const names = [
    ["CPU Period", old.cpuPeriodUs, asked.cpuPeriodUs],
    ["CPU Quota", old.cpuQuotaUs, asked.cpuQuotaUs],
  ] as const;
  for (const [name, before, now] of names) {
    if (isSet(asked.nanoCpus) && isSet(before)) {
      return `Conflicting options: Nano CPUs cannot be updated as ${name} has already been set`;
    }
    if (isSet(now) && isSet(old.nanoCpus)) {
      return `Conflicting options: ${name} cannot be updated as NanoCPUs has already been set`;
    }
  }
  return undefined;
}

/** One that ended meanwhile has nothing to change any more. */
function applyLive(engine: Engine, record: ContainerRecord, resources: ResourceConfig): void {
  if (record.init === undefined) return;
  const swapLimit = hasSwapLimit(detectCgroups());
  try {
    applyResources(
      cgroupOf(engine, record),
      specResources(resources, { devices: [], swapLimit, blockDevices: blockDevicesOf(resources) }),
    );
  } catch (error) {
    if (getContainer(engine.state, record.id)?.init !== undefined) throw error;
  }
}

/** Read again in the same transaction: another command may have changed the rest. */
function keep(
  engine: Engine,
  id: string,
  changes: { readonly resources: ResourceConfig; readonly restart?: RestartConfig | "no" },
): void {
  engine.state.transaction(() => {
    const record = getContainer(engine.state, id);
    if (record === undefined) throw noSuchContainer(id);
    const { restart: before, ...others } = record.config;
    const restart = changes.restart ?? before;
    const config: ContainerConfig = {
      ...others,
      resources: changes.resources,
      ...(restart === undefined || restart === "no" ? {} : { restart }),
    };
    setContainerConfig(engine.state, id, config);
    appendContainerEvent(engine.state, id, "update");
  });
}

function refusal(message: string): BockerError {
  return new BockerError(message, { kind: "invalid-config" });
}
