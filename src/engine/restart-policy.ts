/**
 * `--restart`: whether a container that ended is started again, and after what pause. Pure.
 *
 * docker's rules: 100 ms at first, doubled each time up to a minute, 100 ms again after a run of ten seconds. A container
 * that somebody stopped stays stopped until it is started by hand.
 */
import type { RestartConfig } from "../config/container-config.ts";
import type { ContainerRecord } from "../state/record.ts";

const firstPauseMs = 100;
const longestPauseMs = 60_000;
/** A run of this length counts as a success. */
const steadyMs = 10_000;

/** The run that ended. */
export interface EndedRun {
  readonly exitCode: number;
  readonly ranMs: number;
}

/** Milliseconds until the next start; undefined: it stays ended. */
export function planRestart(
  record: Pick<ContainerRecord, "restartCount" | "stopIntent" | "restartDelayMs"> & {
    readonly config: { readonly restart?: RestartConfig };
  },
  run: EndedRun,
): number | undefined {
  const { restart } = record.config;
  if (restart === undefined || record.stopIntent !== undefined) return undefined;
  if (restart.policy === "on-failure") {
    const isExhausted = restart.maxRetries > 0 && record.restartCount >= restart.maxRetries;
    if (run.exitCode === 0 || isExhausted) return undefined;
  }
  const last = run.ranMs >= steadyMs ? 0 : (record.restartDelayMs ?? 0);
  return last === 0 ? firstPauseMs : Math.min(last * 2, longestPauseMs);
}
