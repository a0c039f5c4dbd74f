/**
 * `--device HOST[:CONTAINER][:rwm]` and `--device-cgroup-rule`, and back. Pure. Phrases: docker/cli's validateLinuxPath and parseDevice.
 */
import type { DeviceConfig } from "./container-config.ts";
import { cleanPath } from "./mount-target.ts";

/** `vendor.com/class=name` of a CDI file, and no path (container-device-interface SPEC.md, "Fully qualified name"). */
export function isCdiName(text: string): boolean {
  const letters = "[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?";
  return new RegExp(`^${letters}/${letters}=[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?$`).test(text);
}

/** Throws Error(reason). */
export function parseDevice(text: string): DeviceConfig {
  const parts = text.split(":");
  if (parts.length > 3 || parts.includes("")) throw new Error(`bad format for path: ${text}`);
  const [hostPath = "", second = hostPath, third] = parts;
  const isSecondAccess = third === undefined && parts.length === 2 && isAccess(second);
  const containerPath = isSecondAccess ? hostPath : second;
  const access = isSecondAccess ? second : (third ?? "rwm");
  if (!isAccess(access)) throw new Error(`bad mode specified: ${access}`);
  for (const path of [hostPath, containerPath]) {
    if (!path.startsWith("/")) throw new Error(`${path} is not an absolute path`);
  }
  return { hostPath: cleanPath(hostPath), containerPath: cleanPath(containerPath), access };
}

function isAccess(text: string): boolean {
  return /^[rwm]{1,3}$/.test(text) && new Set(text).size === text.length;
}

export function renderDevice(device: DeviceConfig): string {
  return `${device.hostPath}:${device.containerPath}:${device.access}`;
}

/** `--device-cgroup-rule`: `c 10:200 rwm`, `a *:* rw`. Throws Error(reason), docker's. */
export function checkDeviceRule(text: string): void {
  if (!/^[acb] (\d+|\*):(\d+|\*) [rwm]{1,3}$/.test(text))
    throw new Error(`invalid device cgroup format '${text}'`);
}
