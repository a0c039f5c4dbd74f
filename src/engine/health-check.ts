/**
 * Health checks, the pure part: which command, how often, and what its results make of a container.
 *
 * docker's rules (daemon/health.go): healthy after one success; unhealthy after so many failures in a row, of which those
 * in the start period do not count; the last five results are kept.
 */
import type { HealthConfig } from "../config/container-config.ts";
import type { ImageProcessConfig } from "../image/image-config.ts";
import type { HealthRecord, HealthResult } from "../state/record.ts";

const keptResults = 5;
const defaultMs = { interval: 30_000, timeout: 30_000, startInterval: 5000 } as const;
const defaultRetries = 3;
/** The exit code by which a check tells the monitor to look again soon. */
export const stillStartingCode = 3;

export interface HealthCheck {
  readonly args: readonly string[];
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly startPeriodMs: number;
  /** Between two checks in the start period. */
  readonly startIntervalMs: number;
  readonly retries: number;
}

/** What was asked for over what the image says, member by member; absent where neither says anything. */
export function mergeHealth(
  asked: HealthConfig | undefined,
  { Healthcheck: image }: ImageProcessConfig,
): HealthConfig | undefined {
  if (asked === undefined && image === undefined) return undefined;
  const members = {
    test: asked?.test ?? image?.Test,
    intervalNs: asked?.intervalNs ?? image?.Interval,
    timeoutNs: asked?.timeoutNs ?? image?.Timeout,
    startPeriodNs: asked?.startPeriodNs ?? image?.StartPeriod,
    startIntervalNs: asked?.startIntervalNs ?? image?.StartInterval,
    retries: asked?.retries ?? image?.Retries,
    onFailure: asked?.onFailure,
  };
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value)) as HealthConfig;
}

/** Undefined: there is none, or it was switched off. */
export function healthCheckOf(
  asked: HealthConfig | undefined,
  image: ImageProcessConfig,
): HealthCheck | undefined {
  const merged = mergeHealth(asked, image);
  const [kind, ...words] = merged?.test ?? [];
  if (merged === undefined || (kind !== "CMD" && kind !== "CMD-SHELL") || words.length === 0)
    return undefined;
  const shell = image.Shell ?? ["/bin/sh", "-c"];
  return {
    args: kind === "CMD" ? words : [...shell, words[0] ?? ""],
    intervalMs: milliseconds(merged.intervalNs, defaultMs.interval),
    timeoutMs: milliseconds(merged.timeoutNs, defaultMs.timeout),
    startPeriodMs: milliseconds(merged.startPeriodNs, 0),
    startIntervalMs: milliseconds(merged.startIntervalNs, defaultMs.startInterval),
    retries: merged.retries ?? defaultRetries,
  };
}

function milliseconds(ns: number | undefined, fallback: number): number {
  return ns === undefined ? fallback : ns / 1e6;
}

/** Of a container that has just started. */
export const startingHealth: HealthRecord = { status: "starting", failingStreak: 0, log: [] };

/** The health after one more result. */
export function nextHealth(
  health: HealthRecord,
  result: HealthResult,
  check: Pick<HealthCheck, "retries" | "startPeriodMs">,
  startedAtMs: number,
): HealthRecord {
  const log = [...health.log, result].slice(-keptResults);
  if (result.exitCode === 0) return { status: "healthy", failingStreak: 0, log };
  const isExcused = health.status === "starting" && result.startMs - startedAtMs < check.startPeriodMs;
  const failingStreak = health.failingStreak + (isExcused ? 0 : 1);
  const status = failingStreak >= check.retries ? "unhealthy" : health.status;
  return { status, failingStreak, log };
}
