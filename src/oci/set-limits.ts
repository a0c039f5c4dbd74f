/**
 * Limits of 0 in a configuration are limits that nobody set: Go programs write them that way, and runc reads them so. Pure.
 */
import type { SpecResources } from "../spec/oci.ts";

/** By section; a number that is not listed here means what it says (swappiness, idle, burst). */
const unsetAsZero: Readonly<Record<string, readonly string[]>> = {
  memory: ["limit", "reservation", "swap", "kernel", "kernelTCP"],
  cpu: ["shares", "quota", "period", "realtimeRuntime", "realtimePeriod"],
  pids: ["limit"],
  blockIO: ["weight", "leafWeight"],
};

/** The resources without those; sections that become empty go as well. */
export function withoutUnsetLimits(resources: SpecResources): SpecResources {
  const entries = Object.entries(resources).flatMap(([section, value]) => {
    const names = unsetAsZero[section];
    if (names === undefined) return [[section, value] as const];
    const fields = Object.entries(value as object).filter(
      ([name, limit]) => limit !== 0 || !names.includes(name),
    );
    return fields.length === 0 ? [] : [[section, Object.fromEntries(fields)] as const];
  });
  return Object.fromEntries(entries) as SpecResources;
}
