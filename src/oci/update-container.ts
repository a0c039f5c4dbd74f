/**
 * `update`: other limits for a container; the kernel is asked first, and what it refuses is not kept.
 */
import { applyResources } from "../cgroup/apply-cgroup.ts";
import { BockerError } from "../errors.ts";
import { writeFileAtomic } from "../host/atomic-file.ts";
import type { Spec, SpecResources } from "../spec/oci.ts";
import { cgroupOf, statusOf } from "./container-status.ts";
import { loadKeptConfig } from "./load-bundle.ts";
import type { OciContext } from "./oci-context.ts";
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
  const { devices: _devices, ...limits } = asked;
  const kept = spec.linux?.resources ?? {};
  applyResources(cgroup, completeResources(kept, limits));
  const changed: Spec = { ...spec, linux: { ...spec.linux, resources: mergeResources(kept, limits) } };
  writeFileAtomic(path, JSON.stringify(changed), { mode: 0o600 });
}
