/**
 * `--blkio-weight-device PATH:WEIGHT`, `--device-read-bps PATH:RATE` and their kin, and back. Pure. Phrases: docker/cli's
 * opts/weightdevice.go and opts/throttledevice.go.
 */
import type { DeviceRate, DeviceWeight } from "./container-config.ts";
import { EngineRefusal } from "./engine-refusal.ts";
import { parseBytes, renderBytes } from "./option-value.ts";

const weightRange = { first: 10, last: 1000 };

/** `--blkio-weight`: 0, no weight at all, or 10 to 1000. Throws Error(reason), the daemon's. */
export function checkBlkioWeight(weight: number): void {
  if (weight !== 0 && !isWeight(weight)) throw new EngineRefusal("Range of blkio weight is from 10 to 1000");
}

/** Throws Error(reason). */
export function parseDeviceWeight(text: string): DeviceWeight {
  const [path, value] = splitDevice(text);
  const weight = /^\d{1,4}$/.test(value) ? Number(value) : -1;
  if (weight !== 0 && !isWeight(weight)) throw new Error(`invalid weight for device: ${text}`);
  return { path, weight };
}

export function renderDeviceWeight({ path, weight }: DeviceWeight): string {
  return `${path}:${weight}`;
}

/** Bytes a second, in any unit that sizes have. Throws Error(reason). */
export function parseDeviceBps(text: string): DeviceRate {
  const [path, value] = splitDevice(text);
  const rate = tryParseBytes(value);
  if (rate !== undefined && rate >= 0) return { path, rate };
  throw new Error(
    `invalid rate for device: ${text}. The correct format is <device-path>:<number>[<unit>]. Number must be a positive integer. Unit is optional and can be kb, mb, or gb`,
  );
}

export function renderDeviceBps({ path, rate }: DeviceRate): string {
  return `${path}:${renderBytes(rate)}`;
}

/** Operations a second. Throws Error(reason). */
export function parseDeviceIops(text: string): DeviceRate {
  const [path, value] = splitDevice(text);
  if (/^\d{1,15}$/.test(value)) return { path, rate: Number(value) };
  throw new Error(
    `invalid rate for device: ${text}. The correct format is <device-path>:<number>. Number must be a positive integer`,
  );
}

export function renderDeviceIops({ path, rate }: DeviceRate): string {
  return `${path}:${rate}`;
}

function splitDevice(text: string): readonly [path: string, value: string] {
  const colon = text.indexOf(":");
  if (colon <= 0) throw new Error(`bad format: ${text}`);
  const path = text.slice(0, colon);
  if (!path.startsWith("/dev/")) throw new Error(`bad format for device path: ${text}`);
  return [path, text.slice(colon + 1)];
}

function isWeight(weight: number): boolean {
  return weight >= weightRange.first && weight <= weightRange.last;
}

function tryParseBytes(text: string): number | undefined {
  try {
    return parseBytes(text);
  } catch {
    return undefined;
  }
}
