/**
 * `rm`: containers by name, killed first when forced; and what crashed processes left in the store.
 */
import { BockerError } from "../errors.ts";
import { getContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import { sweepStorage } from "../storage/sweep-storage.ts";
import { awaitStart } from "./await-start.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";
import { type RemovalOptions, removeIdleContainer } from "./remove-container.ts";
import { forceStop } from "./stop-container.ts";

/** How often a container is killed again that somebody starts anew just then. */
const forcedTries = 3;

export interface RemoveRequest extends RemovalOptions {
  /** SIGKILL for one that runs. */
  readonly force: boolean;
}

/**
 * Removes one container, or the image that an id with `img_` before it means. Throws docker's refusal for a container
 * that runs and is not forced; an image's name gets a hint.
 */
export async function removeNamed(engine: Engine, name: string, request: RemoveRequest): Promise<void> {
  let record: ContainerRecord;
  try {
    record = await loadContainer(engine, name);
  } catch (error) {
    if (!(error instanceof BockerError) || error.kind !== "not-found") throw error;
    return removeImageNamed(engine, name, request, error);
  }
  await removeRecord(engine, record, request);
}

async function removeRecord(engine: Engine, record: ContainerRecord, request: RemoveRequest): Promise<void> {
  for (let triesLeft = forcedTries; ; triesLeft--) {
    const ready = await awaitStart(engine, record);
    if (ready === undefined) return;
    if (request.force) await forceStop(engine, ready);
    // A --rm container that was killed removes itself, and may have done so by now.
    const current = getContainer(engine.state, record.id);
    if (current === undefined) return;
    try {
      return await removeIdleContainer(engine, current, request);
    } catch (error) {
      // Somebody started it after it was killed.
      const isAgain = request.force && error instanceof BockerError && error.kind === "conflict";
      if (!isAgain || triesLeft === 0) throw error;
    }
  }
}

async function removeImageNamed(
  engine: Engine,
  name: string,
  { force }: RemoveRequest,
  missing: BockerError,
): Promise<void> {
  const { findLocalImage } = await import("../storage/local-image.ts");
  if (findLocalImage(engine.state, name) === undefined) throw missing;
  if (!/^img_[0-9a-f]+$/.test(name)) {
    throw new BockerError(missing.message, { kind: "not-found", hint: `it is an image: bocker rmi ${name}` });
  }
  const { removeImage } = await import("./remove-image.ts");
  await removeImage(engine, name, { force });
}

/** Deletes unfinished files that no living process works on; cheap when there are none. */
export function sweepLeftovers(engine: Engine): void {
  sweepStorage(engine.paths);
}
