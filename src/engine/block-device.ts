/**
 * The block devices that limits of I/O name, by the numbers that cgroups know them by.
 */
import { statSync } from "node:fs";
import type { ResourceConfig } from "../config/container-config.ts";
import { BockerError } from "../errors.ts";
import type { DeviceNumbers } from "../spec/block-io.ts";

/** Looked up anew at each start: numbers change with the order of plugging in. Throws for what is no block device. */
export function blockDevicesOf({ blkioWeightDevices = [], deviceRates = {} }: ResourceConfig): DeviceNumbers {
  const paths = [blkioWeightDevices, ...Object.values(deviceRates)].flat().map(({ path }) => path);
  return Object.fromEntries(paths.map((path) => [path, numbersOf(path)]));
}

function numbersOf(path: string): DeviceNumbers[string] {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat?.isBlockDevice()) {
    // makedev(3) undone.
    return { major: (stat.rdev >> 8) & 0xfff, minor: (stat.rdev & 0xff) | ((stat.rdev >> 12) & 0xfff00) };
  }
  const reason = stat === undefined ? "no such file or directory" : "not a block device";
  throw new BockerError(`cannot limit block I/O of "${path}": ${reason}`, {
    kind: stat === undefined ? "not-found" : "invalid-config",
  });
}
