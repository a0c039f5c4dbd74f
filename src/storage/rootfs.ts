/**
 * A container's root file system, whichever driver made it.
 *
 * A container keeps the driver it was made with: what lies in its folder says which. So changing the engine's driver
 * changes what new containers get, and the old ones go on as they are.
 */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { subvolumeInode } from "../../ffi/btrfs.ts";
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";
import { btrfsDriver } from "./btrfs-driver.ts";
import { overlayDriver } from "./overlay-driver.ts";
import { selectDriver } from "./select-driver.ts";
import type { Rootfs, StorageDriver, StorageDriverChoice, StorageDriverName } from "./storage-driver.ts";
import { vfsDriver } from "./vfs-driver.ts";

const drivers: Readonly<Record<StorageDriverName, StorageDriver>> = {
  overlay: overlayDriver,
  btrfs: btrfsDriver,
  vfs: vfsDriver,
};

/**
 * Makes the directories a container's root is mounted from, and says how. `layers` bottom first. Keeps what the
 * container wrote before; `choice` counts only when there is nothing yet. Throws kind `not-found` when a layer is
 * missing.
 */
export function prepareRootfs(
  paths: Paths,
  containerId: string,
  layers: readonly DiffID[],
  choice: StorageDriverChoice = "auto",
): Rootfs {
  const path = join(paths.containers, containerId, "rootfs");
  if (existsSync(path)) return { kind: "directory", path };
  const hasUpper = existsSync(join(paths.containers, containerId, "upper"));
  const name = hasUpper ? "overlay" : selectDriver(paths, choice).name;
  return drivers[name].prepare(paths, containerId, layers);
}

/** The driver that an existing container was made with. */
export function driverOf(paths: Paths, containerId: string): StorageDriverName {
  const stat = statSync(join(paths.containers, containerId, "rootfs"), { throwIfNoEntry: false });
  if (stat === undefined) return "overlay";
  return stat.ino === subvolumeInode ? "btrfs" : "vfs";
}

/** Removes what the container has written; nobody may have it mounted. */
export function removeRootfs(paths: Paths, containerId: string): void {
  drivers[driverOf(paths, containerId)].remove(paths, containerId);
}
