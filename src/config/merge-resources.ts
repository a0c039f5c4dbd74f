/**
 * Limits over limits that a container has: what is not named stays, in lists and tables too. Pure.
 */
import type { DeviceRates, ResourceConfig } from "./container-config.ts";

/** `asked` wins, device by device and file by file. */
export function mergeResources(old: ResourceConfig, asked: ResourceConfig): ResourceConfig {
  return {
    ...old,
    ...asked,
    ...(asked.blkioWeightDevices && {
      blkioWeightDevices: byPath(old.blkioWeightDevices, asked.blkioWeightDevices),
    }),
    ...(asked.deviceRates && { deviceRates: mergeRates(old.deviceRates ?? {}, asked.deviceRates) }),
    ...(asked.cgroupConf && { cgroupConf: { ...old.cgroupConf, ...asked.cgroupConf } }),
  };
}

function mergeRates(old: DeviceRates, asked: DeviceRates): DeviceRates {
  const keys = ["readBps", "writeBps", "readIops", "writeIops"] as const;
  const merged = keys.map((key) => [key, byPath(old[key], asked[key] ?? [])] as const);
  return Object.fromEntries(merged.filter(([, list]) => list.length > 0));
}

function byPath<Entry extends { readonly path: string }>(
  old: readonly Entry[] = [],
  asked: readonly Entry[],
): readonly Entry[] {
  return [...new Map([...old, ...asked].map((entry) => [entry.path, entry])).values()];
}
