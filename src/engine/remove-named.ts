/**
 * `rm`: containers by name, killed first when forced; and what crashed processes left in the store.
 */
import { getContainer } from "../state/container.ts";
import { sweepStorage } from "../storage/sweep-storage.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { type RemovalOptions, removeIdleContainer } from "./remove-container.ts";
import { forceStop } from "./stop-container.ts";

export interface RemoveRequest extends RemovalOptions {
  /** SIGKILL for one that runs. */
  readonly force: boolean;
}

/** Removes one container. Throws docker's refusal for one that runs and is not forced. */
export async function removeNamed(engine: Engine, name: string, request: RemoveRequest): Promise<void> {
  const record = await loadContainer(engine, name);
  if (request.force) await forceStop(engine, record);
  // A --rm container that was killed removes itself, and may have done so by now.
  const current = getContainer(engine.state, record.id);
  if (current !== undefined) await removeIdleContainer(engine, current, request);
}

/** Deletes unfinished files that no living process works on; cheap when there are none. */
export function sweepLeftovers(engine: Engine): void {
  sweepStorage(engine.paths);
}
