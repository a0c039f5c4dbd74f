/**
 * The pause between two runs of a container with a restart policy; runs in its monitor.
 *
 * A command that stops the container notes that in the record and sends the monitor SIGUSR1, which only means "look
 * again": a lost or a stray one changes nothing. SIGTERM means that the system goes down: the next boot starts it.
 */
import { monotonicMs } from "../host/clock.ts";
import { isGoingDown } from "../monitor/shutdown-notice.ts";
import { getContainer } from "../state/container.ts";
import { markStopIntent } from "../state/container-life.ts";
import type { Engine } from "./engine.ts";

const nudges = ["SIGUSR1", "SIGTERM"] as const;

/** Waits; false when the container is to stay ended. */
export async function awaitRestart(engine: Engine, id: string, delayMs: number): Promise<boolean> {
  const deadline = monotonicMs() + delayMs;
  for (;;) {
    const leftMs = deadline - monotonicMs();
    // Listening comes before looking, so that no signal falls in between.
    const nudge = listenForNudge(Math.max(leftMs, 0));
    if (isGoingDown()) markStopIntent(engine.state, id, "shutdown");
    const record = getContainer(engine.state, id);
    if (record?.status !== "restarting" || record.stopIntent !== undefined || leftMs <= 0) {
      nudge.cancel();
      return record?.status === "restarting" && record.stopIntent === undefined;
    }
    await nudge.received;
  }
}

function listenForNudge(timeoutMs: number): { readonly received: Promise<void>; cancel(): void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const finish = (): void => {
    clearTimeout(timer);
    for (const signal of nudges) process.off(signal, finish);
    resolve();
  };
  const timer = setTimeout(finish, timeoutMs);
  for (const signal of nudges) process.on(signal, finish);
  return { received: promise, cancel: finish };
}
