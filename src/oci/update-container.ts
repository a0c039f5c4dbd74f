/**
 * `update`: other limits for a container; the kernel is asked first, and what it refuses is not kept.
 */
import { existsSync } from "node:fs";
import { applyResources } from "../cgroup/apply-cgroup.ts";
import { readStats } from "../cgroup/cgroup-stats.ts";
import type { Cgroup } from "../cgroup/hierarchy.ts";
import { BockerError } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import type { Spec, SpecResources } from "../spec/oci.ts";
import { cgroupOf, statusOf } from "./container-status.ts";
import { loadKeptConfig } from "./load-bundle.ts";
import type { OciContext } from "./oci-context.ts";
import { withoutUnsetLimits } from "./set-limits.ts";
import { completeResources, mergeResources } from "./update-limits.ts";

/** Devices are not limits; they stay as they were made. */
export function updateContainer({ store }: OciContext, id: string, asked: SpecResources): void {
  using _lock = store.lock(id);
  const record = store.load(id);
  if (statusOf(store, record) === "stopped") {
    throw new BockerError("container not running", { kind: "not-running" });
  }
  const cgroup = cgroupOf(record);
  if (cgroup === undefined) {
    throw new BockerError("cannot update limits: the container has no cgroup", { kind: "unsupported" });
  }
  const path = store.configFile(id);
  const spec: Spec = loadKeptConfig(path);
  const { devices: _devices, ...given } = withoutUnsetLimits(asked);
  const limits = withUnlimitedSwap(given, cgroup);
  const kept = withoutUnsetLimits(spec.linux?.resources ?? {});
  checkUsage(cgroup, mergeResources(kept, limits));
  applyResources(cgroup, completeResources(kept, limits));
  const changed: Spec = { ...spec, linux: { ...spec.linux, resources: mergeResources(kept, limits) } };
  writeFileAtomic(path, JSON.stringify(changed), { mode: 0o600 });
}

/** Memory without a limit cannot have one together with swap: both go, as with runc, where swap can be limited. */
function withUnlimitedSwap(limits: SpecResources, cgroup: Cgroup): SpecResources {
  const { memory } = limits;
  if (memory?.limit !== -1 || memory.swap !== undefined) return limits;
  const hasSwap = cgroup.directories.some(({ directory }) =>
    ["memory.memsw.limit_in_bytes", "memory.swap.max"].some((file) => existsSync(`${directory}/${file}`)),
  );
  return hasSwap ? { ...limits, memory: { ...memory, swap: -1 } } : limits;
}

/** `memory.checkBeforeUpdate`: the kernel would reclaim and kill until the limit fits (config-linux.md#memory). */
function checkUsage(cgroup: Cgroup, { memory }: SpecResources): void {
  const { limit, checkBeforeUpdate } = memory ?? {};
  if (checkBeforeUpdate !== true || limit === undefined || limit < 0) return;
  const { memoryUsedBytes } = readStats(cgroup);
  if (memoryUsedBytes <= limit) return;
  throw new BockerError(
    `unable to set memory limit to ${limit}: the container uses ${memoryUsedBytes} bytes (checkBeforeUpdate)`,
    { kind: "conflict" },
  );
}
