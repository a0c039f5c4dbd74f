/**
 * What state a container is in: nothing of it is stored, all is asked of the kernel and the state directory.
 *
 *   no init, its creator runs     creating          its cgroup is frozen        paused
 *   no init, its creator died     stopped           init waits at the fifo      created
 *   init is gone                  stopped           otherwise                   running
 */
import { existsSync } from "node:fs";
import { detectCgroups } from "../cgroup/detect-cgroups.ts";
import { type Cgroup, resolveCgroup } from "../cgroup/hierarchy.ts";
import { isFrozen } from "../cgroup/kill-cgroup.ts";
import { isProcessAlive } from "../host/process-identity.ts";
import type { ContainerRecord } from "./container-record.ts";
import type { ContainerStore } from "./container-store.ts";

/** The specification's words (runtime.md#state), and runc's "paused". */
export type ContainerStatus = "creating" | "created" | "running" | "paused" | "stopped";

/** The specification's state, with what runc adds to it. */
export interface ContainerState {
  readonly ociVersion: string;
  readonly id: string;
  /** 0 when there is no process. */
  readonly pid: number;
  readonly status: ContainerStatus;
  readonly bundle: string;
  readonly rootfs: string;
  readonly created: string;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly owner: string;
}

export function statusOf(store: ContainerStore, record: ContainerRecord): ContainerStatus {
  const { init, creator } = record;
  if (init === undefined) return isProcessAlive(creator) ? "creating" : "stopped";
  if (!isProcessAlive(init)) return "stopped";
  const cgroup = cgroupOf(record);
  if (cgroup !== undefined && isFrozen(cgroup)) return "paused";
  return existsSync(store.fifo(record.id)) ? "created" : "running";
}

/** As `state` prints it and hooks read it. `status`: known already, as a hook's is. */
export function stateOf(record: ContainerRecord, status: ContainerStatus): ContainerState {
  const { ociVersion, id, init, bundle, rootfs, created, annotations } = record;
  return {
    ociVersion,
    id,
    pid: status === "stopped" ? 0 : (init?.pid ?? 0),
    status,
    bundle,
    rootfs,
    created,
    ...(annotations === undefined ? {} : { annotations }),
    owner: "",
  };
}

/** Its directories in every hierarchy; undefined: it was made without. */
export function cgroupOf({ cgroupsPath }: ContainerRecord): Cgroup | undefined {
  if (cgroupsPath === undefined) return undefined;
  const hierarchy = detectCgroups();
  return hierarchy.mode === "none" ? undefined : resolveCgroup(hierarchy, cgroupsPath);
}
