/**
 * Which containers are to run after the machine has started, and in which order. Pure.
 *
 * docker's rules at the start of its daemon: `always` in any case; `unless-stopped` unless somebody stopped it;
 * `on-failure` when it failed, a crash of the machine included, and has tries left. Being stopped because the system went
 * down is not being stopped by somebody. Unlike with docker an on-failure container that somebody stopped stays so.
 */
import type { ContainerConfig } from "../config/container-config.ts";
import type { ContainerRecord } from "../state/record.ts";

type Candidate = Pick<
  ContainerRecord,
  "status" | "startedAtMs" | "exitCode" | "restartCount" | "stopIntent"
> & {
  readonly config: Pick<ContainerConfig, "restart">;
};

/** Of a settled record: whether its restart policy wants it to run now. One that never ran, or runs, is left alone. */
export function isWantedAtBoot(record: Candidate): boolean {
  const { restart } = record.config;
  if (restart === undefined || record.status !== "exited" || record.startedAtMs === undefined) return false;
  const isStopped = record.stopIntent === "stop";
  switch (restart.policy) {
    case "always":
      return true;
    case "unless-stopped":
      return !isStopped;
    case "on-failure": {
      const hasTries = restart.maxRetries === 0 || record.restartCount < restart.maxRetries;
      return !isStopped && record.exitCode !== 0 && hasTries;
    }
  }
}

type Startable = Pick<ContainerRecord, "id" | "createdAtMs"> & {
  readonly config: Pick<ContainerConfig, "networks" | "pidMode" | "ipcMode">;
};

/**
 * The containers in waves: those of one can be started at once, after all of the wave before. Oldest first, and whoever
 * joins another's namespaces (`container:ID`) after that one. A circle, which a rename cannot make, comes last.
 */
export function planBootOrder<Container extends Startable>(containers: readonly Container[]): Container[][] {
  let waiting = containers.toSorted((left, right) => left.createdAtMs - right.createdAtMs);
  const waves: Container[][] = [];
  while (waiting.length > 0) {
    const ids = new Set(waiting.map(({ id }) => id));
    const ready = waiting.filter(({ config }) => !joinedContainers(config).some((id) => ids.has(id)));
    const wave = ready.length > 0 ? ready : waiting;
    waves.push(wave);
    waiting = waiting.filter((container) => !wave.includes(container));
  }
  return waves;
}

function joinedContainers({ networks, pidMode, ipcMode }: Startable["config"]): string[] {
  const modes = [...networks.map(({ name }) => name), pidMode ?? "", ipcMode ?? ""];
  return modes.flatMap((mode) => (mode.startsWith("container:") ? [mode.slice("container:".length)] : []));
}
