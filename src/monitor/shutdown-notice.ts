/**
 * Whether the system is going down, as a monitor knows it: init sends SIGTERM to every process then, and SIGKILL soon
 * after. A container that ends in between has not failed, and is not to be started again before the next boot.
 */
import { sinceBootMs } from "../host/clock.ts";

/** systemd waits 90 seconds between the two; a SIGTERM that nothing followed was something else. */
const shutdownMs = 120_000;

let notedMs: number | undefined;

/** From now on this process listens. */
export function listenForShutdown(): void {
  process.on("SIGTERM", () => {
    notedMs = sinceBootMs();
  });
}

export function isGoingDown(): boolean {
  return notedMs !== undefined && sinceBootMs() - notedMs < shutdownMs;
}
