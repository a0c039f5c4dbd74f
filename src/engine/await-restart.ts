/**
 * The pause between two runs of a container with a restart policy; runs in its monitor.
 *
 * A command that stops the container notes that in the record and sends the monitor SIGUSR1, which only means "look
 * again": a lost or a stray one changes nothing.
 */
import { monotonicMs } from "../host/clock.ts";
import { getContainer } from "../state/container.ts";
import type { Engine } from "./engine.ts";

/** Waits; false when the container is to stay ended. */
export async function awaitRestart(engine: Engine, id: string, delayMs: number): Promise<boolean> {
  const deadline = monotonicMs() + delayMs;
  for (;;) {
    const leftMs = deadline - monotonicMs();
    // Listening comes before looking, so that no signal falls in between.
    const nudge = listenForNudge(Math.max(leftMs, 0));
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
    process.off("SIGUSR1", finish);
    resolve();
  };
  const timer = setTimeout(finish, timeoutMs);
  process.on("SIGUSR1", finish);
  return { received: promise, cancel: finish };
}
