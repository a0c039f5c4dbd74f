/**
 * What `--debug` tells: a line for each step, with the time of day and the milliseconds since the command began.
 *
 *     DEBUG 12:34:56.789    +4.1ms  created container 3f2a… "web"
 *
 * Off unless somebody listens; a step costs one comparison then. The values of secrets are never told.
 */
import { monotonicMs, nowMs } from "./clock.ts";

let listener: ((line: string) => void) | undefined;
let beganAtMs = 0;

/** From now on every step is told to `write`, a whole line each; undefined: to nobody. */
export function listenToTrace(write: ((line: string) => void) | undefined): void {
  listener = write;
  beganAtMs = monotonicMs();
}

export function isTracing(): boolean {
  return listener !== undefined;
}

/** Tells a step; a function is asked for its words only when somebody listens. */
export function trace(step: string | (() => string)): void {
  if (listener === undefined) return;
  const clock = new Date(nowMs()).toISOString().slice(11, 23);
  const since = `+${(monotonicMs() - beganAtMs).toFixed(1)}ms`.padStart(10);
  listener(`DEBUG ${clock} ${since}  ${typeof step === "string" ? step : step()}\n`);
}
