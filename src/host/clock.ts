/**
 * The one door to time and to the identity of this boot.
 *
 * Wall-clock milliseconds are for people and records; durations use `monotonicMs`, which no clock change moves.
 */
import { readFileSync } from "node:fs";

let cachedBootId: string | undefined;

/** Wall clock, milliseconds after the epoch. */
export function nowMs(): number {
  return Date.now();
}

/** Milliseconds after an arbitrary point, with fractions; never goes back. */
export function monotonicMs(): number {
  return performance.now();
}

/** random(4), `/proc/sys/kernel/random/boot_id`: what was valid under another one died with that boot. */
export function bootId(): string {
  cachedBootId ??= readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return cachedBootId;
}
