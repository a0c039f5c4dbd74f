/**
 * Waiting for a start that is under way in another process, as docker does by a container's lock: who removes a container
 * meanwhile would take its files away under it, and who starts it too would be told that it cannot be started.
 */
import { monotonicMs } from "../host/clock.ts";
import { isProcessAlive } from "../host/process-identity.ts";
import { getContainer } from "../state/container.ts";
import type { ContainerRecord } from "../state/record.ts";
import type { Engine } from "./engine.ts";

/** A start that takes longer waits for something itself; the caller then goes on as if there were none. */
const patienceMs = 10_000;
const betweenLooksMs = 5;

/** The record once nobody is making or starting the container any more; undefined: it is gone. */
export async function awaitStart(
  engine: Engine,
  { id }: ContainerRecord,
): Promise<ContainerRecord | undefined> {
  for (const deadline = monotonicMs() + patienceMs; ; await Bun.sleep(betweenLooksMs)) {
    const current = getContainer(engine.state, id);
    if (current === undefined || !isStarting(current) || monotonicMs() >= deadline) return current;
  }
}

/** Whether a living process has claimed it and has not started it yet. One that its policy restarts is live all the while. */
function isStarting({ status, init, monitor }: ContainerRecord): boolean {
  const isIdle = status === "created" || status === "exited";
  return isIdle && init === undefined && monitor !== undefined && isProcessAlive(monitor);
}
