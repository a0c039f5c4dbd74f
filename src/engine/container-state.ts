/**
 * What a container's status allows: docker's refusals for commands that need one that runs.
 */
import { BockerError } from "../errors.ts";
import type { ContainerRecord, ProcessIdentity } from "../state/record.ts";

/** Running, paused, or waiting for its restart policy: docker's `State.Running`. */
export function isLive({ status }: ContainerRecord): boolean {
  return status === "running" || status === "paused" || status === "restarting";
}

/** The first process of a container that has one. Throws docker's phrases for one that is stopped or restarting. */
export function requireInit(record: ContainerRecord): ProcessIdentity {
  if (record.status === "restarting") throw isRestarting(record);
  if (record.init === undefined) throw isNotRunning(record);
  return record.init;
}

/** docker's words for a stopped container. */
export function isNotRunning(record: ContainerRecord): BockerError {
  return new BockerError(`container ${record.id} is not running`, {
    kind: "not-running",
    hint: `bocker start ${record.name}`,
  });
}

function isRestarting(record: ContainerRecord): BockerError {
  return new BockerError(`Container ${record.id} is restarting, wait until the container is running`, {
    kind: "conflict",
  });
}
