/**
 * Device nodes of the host: what --device names, and all of them for --privileged. Reads /dev, never opens a device.
 */
import { lstatSync, readdirSync, type Stats, statSync } from "node:fs";
import { join, relative } from "node:path";
import type { DeviceConfig } from "../config/container-config.ts";
import { BockerError, ExitCode } from "../errors.ts";
import type { ResolvedDevice } from "../spec/build-spec.ts";
import type { SpecDevice } from "../spec/oci.ts";

/** A directory stands for every device below it, docker's way. Throws docker's error for what is no device. */
export function resolveDevices(devices: readonly DeviceConfig[]): readonly ResolvedDevice[] {
  return devices.flatMap((device) => {
    const stat = statSync(device.hostPath, { throwIfNoEntry: false });
    const below = stat?.isDirectory() ? devicesUnder(device) : [];
    if (below.length > 0) return below;
    const { hostPath, containerPath, access } = device;
    return [{ device: findDevice(hostPath, containerPath), access, hostPath }];
  });
}

/** One node, as it is to be in a container. Throws docker's error for what is no device. */
export function findDevice(hostPath: string, containerPath: string): SpecDevice {
  const stat = statSync(hostPath, { throwIfNoEntry: false });
  const node = stat === undefined ? undefined : deviceOf(stat, containerPath);
  if (node !== undefined) return node;
  const reason = stat === undefined ? "no such file or directory" : "not a device node";
  throw new BockerError(
    `error gathering device information while adding custom device "${hostPath}": ${reason}`,
    { kind: "not-found", ...(stat === undefined ? { exitCode: ExitCode.notFound } : {}) },
  );
}

/** Everything in /dev that a container does not get an own one of. */
export function hostDevices(): readonly SpecDevice[] {
  return walk("/dev").flatMap((path) => {
    const device = deviceOf(lstatSync(path), path);
    return device === undefined ? [] : [device];
  });
}

function devicesUnder(device: DeviceConfig): readonly ResolvedDevice[] {
  return walk(device.hostPath).flatMap((path) => {
    const target = join(device.containerPath, relative(device.hostPath, path));
    const node = deviceOf(lstatSync(path), target);
    return node === undefined ? [] : [{ device: node, access: device.access, hostPath: path }];
  });
}

const ownInContainer = new Set(["pts", "shm", "fd", "mqueue", ".lxc", ".lxd-mounts", ".udev", "console"]);

function walk(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (ownInContainer.has(entry.name)) return [];
    if (entry.isDirectory()) return walk(path);
    return entry.isCharacterDevice() || entry.isBlockDevice() ? [path] : [];
  });
}

/** makedev(3) undone: 12 bits of major, 20 of minor in the kernel's 32-bit form. */
function deviceOf(stat: Stats, path: string): SpecDevice | undefined {
  if (!stat.isCharacterDevice() && !stat.isBlockDevice()) return undefined;
  return {
    type: stat.isBlockDevice() ? "b" : "c",
    path,
    major: (stat.rdev >> 8) & 0xfff,
    minor: (stat.rdev & 0xff) | ((stat.rdev >> 12) & 0xfff00),
    fileMode: stat.mode & 0o777,
    uid: stat.uid,
    gid: stat.gid,
  };
}
