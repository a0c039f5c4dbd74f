/**
 * The one door to time and to the identity of this boot.
 *
 * Wall-clock milliseconds are for people and records; durations use `monotonicMs`, which no clock change moves.
 */
import { readFileSync } from "node:fs";
import { uptime } from "node:os";

let cachedBootId: string | undefined;

/** Wall clock, milliseconds after the epoch. */
export function nowMs(): number {
  return Date.now();
}

/** Milliseconds after an arbitrary point, with fractions; never goes back. */
export function monotonicMs(): number {
  return performance.now();
}

/** Milliseconds since the machine was started (CLOCK_BOOTTIME): what start times of processes are measured in. */
export function sinceBootMs(): number {
  return uptime() * 1000;
}

/** random(4), `/proc/sys/kernel/random/boot_id`: what was valid under another one died with that boot. */
export function bootId(): string {
  cachedBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return cachedBootId;
}
