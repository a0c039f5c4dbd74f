/**
 * `--device HOST[:CONTAINER][:rwm]`, and back. Pure. Phrases: docker/cli's validateLinuxPath and parseDevice.
 */
import type { DeviceConfig } from "./container-config.ts";
import { cleanPath } from "./mount-target.ts";

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
