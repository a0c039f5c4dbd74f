/**
 * `pause` and `resume`, by the freezer of the container's cgroup.
 */
import type { Cgroup } from "../cgroup/hierarchy.ts";
import { freezeCgroup, thawCgroup } from "../cgroup/kill-cgroup.ts";
import { BockerError } from "../errors.ts";
import type { ContainerRecord } from "./container-record.ts";
import { cgroupOf, statusOf } from "./container-status.ts";
import type { OciContext } from "./oci-context.ts";

/** Throws runc's words for one that does not run, or is paused already. */
export async function pauseContainer({ store }: OciContext, id: string): Promise<void> {
  using _lock = store.lock(id);
  const record = store.load(id);
  const status = statusOf(store, record);
  if (status !== "running" && status !== "created") {
    throw new BockerError("container not running", { kind: "not-running" });
  }
  const cgroup = requireCgroup(record);
  try {
    await freezeCgroup(cgroup);
  } catch (error) {
    await thawCgroup(cgroup);
    throw error;
  }
}

/** Throws runc's "container not paused". */
export async function resumeContainer({ store }: OciContext, id: string): Promise<void> {
  using _lock = store.lock(id);
  const record = store.load(id);
  if (statusOf(store, record) !== "paused") {
    throw new BockerError("container not paused", { kind: "conflict" });
  }
  await thawCgroup(requireCgroup(record));
}

function requireCgroup(record: ContainerRecord): Cgroup {
  const cgroup = cgroupOf(record);
  if (cgroup !== undefined) return cgroup;
  throw new BockerError("cannot pause the container: it has no cgroup", { kind: "unsupported" });
}
