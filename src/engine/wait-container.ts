/**
 * `wait`: until a container is not running, has ended once more, or is gone; and its exit code. As in docker, an end that a
 * restart policy follows is an end as well: who waits is told of it.
 *
 * A live container's monitor tells the end over its socket. Where there is no monitor to ask (not started yet, between
 * two runs, being removed) the record is looked at from time to time.
 */
import { BockerError } from "../errors.ts";
import { connectAttach } from "../monitor/connect-attach.ts";
import { lastEvent } from "../state/event.ts";
import type { ContainerRecord } from "../state/record.ts";
import { attachSocketOf } from "./container-paths.ts";
import { isLive } from "./container-state.ts";
import type { Engine } from "./engine.ts";
import { loadContainer } from "./find-container.ts";

export const waitConditions = ["not-running", "next-exit", "removed"] as const;
export type WaitCondition = (typeof waitConditions)[number];

const betweenLooksMs = 25;
/** A monitor that does not answer by then is no longer there: the record says more. */
const monitorPatienceMs = 200;

/** The exit code, once the condition holds. Throws docker's `No such container: x`. */
export async function waitForContainer(
  engine: Engine,
  nameOrId: string,
  condition: WaitCondition,
): Promise<number> {
  const first = await loadContainer(engine, nameOrId);
  let exitCode = first.exitCode;
  for (let record: ContainerRecord | undefined = first; record !== undefined; ) {
    if (condition === "not-running" && !isLive(record)) return record.exitCode;
    const hasEnded = record.finishedAtMs !== first.finishedAtMs && record.init === undefined;
    if (condition !== "removed" && hasEnded) return record.exitCode;
    const ended = record.init === undefined ? undefined : await nextExit(engine, record);
    if (ended === undefined) await Bun.sleep(betweenLooksMs);
    else exitCode = ended;
    if (ended !== undefined && condition !== "removed") return exitCode;
    record = await reload(engine, first.id);
    if (record !== undefined && record.init === undefined) exitCode = record.exitCode;
  }
  // A --rm container may come, end and go between two looks; its death is noted.
  const death = lastEvent(engine.state, first.id, "die");
  return death === undefined ? exitCode : Number(death.attributes.exitCode);
}

/** Undefined: its monitor is not there, or went away without a word. */
async function nextExit(engine: Engine, { id }: ContainerRecord): Promise<number | undefined> {
  const nothing = { stdin: false, stdout: false, stderr: false };
  try {
    const session = await connectAttach(attachSocketOf(engine.paths, id), nothing, monitorPatienceMs);
    return await session.run(() => undefined);
  } catch (error) {
    if (error instanceof BockerError && error.kind === "not-running") return undefined;
    throw error;
  }
}

async function reload(engine: Engine, id: string): Promise<ContainerRecord | undefined> {
  try {
    return await loadContainer(engine, id);
  } catch (error) {
    if (error instanceof BockerError && error.kind === "not-found") return undefined;
    throw error;
  }
}
