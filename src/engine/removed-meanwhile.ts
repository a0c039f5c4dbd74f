/**
 * Telling what fails because another command removes the container meanwhile: its status says so first, then its files
 * go, its row last. The user hears that there is no such container, not which file was missed first.
 */
import { getContainer, noSuchContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";

/** Whether it is gone, or on its way. */
export function isRemoved({ state }: Engine, { id }: Pick<ContainerRecord, "id">): boolean {
  const current = getContainer(state, id);
  return current === undefined || current.status === "removing";
}

/** What `work` gives. Throws `No such container: x` in place of its error once the container is removed. */
export async function unlessRemoved<T>(
  engine: Engine,
  record: ContainerRecord,
  nameOrId: string,
  work: () => T | Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw isRemoved(engine, record) ? noSuchContainer(nameOrId) : error;
  }
}
