/**
 * A container's root file system, whichever driver made it.
 *
 * A container keeps the driver it was made with: what lies in its folder says which. So changing the engine's driver
 * changes what new containers get, and the old ones go on as they are.
 */
import { chmodSync, chownSync, existsSync, mkdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { subvolumeInode } from "../../ffi/btrfs.ts";
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";
import { btrfsDriver } from "./btrfs-driver.ts";
import { overlayDriver } from "./overlay-driver.ts";
import { cannotMount } from "./overlay-mount.ts";
import { type DriverSelection, selectDriver } from "./select-driver.ts";
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
  const { name, refusal }: Pick<DriverSelection, "name" | "refusal"> = hasUpper
    ? { name: "overlay" }
    : selectDriver(paths, choice);
  if (refusal !== undefined) throw cannotMount(refusal);
  return drivers[name].prepare(paths, containerId, layers);
}

/**
 * A directory of the host as a container's root, as it is or below an upper directory of the container's own, which has
 * the directory's mode and owner.
 */
export function prepareDirectory(
  paths: Paths,
  containerId: string,
  directory: { readonly path: string; readonly overlay: boolean },
): Rootfs {
  if (!directory.overlay) return { kind: "directory", path: directory.path };
  const folder = join(paths.containers, containerId);
  const [upperdir, workdir] = [join(folder, "upper"), join(folder, "work")];
  if (!existsSync(upperdir)) {
    const { mode, uid, gid } = statSync(directory.path);
    mkdirSync(upperdir, { recursive: true, mode: 0o700 });
    chownSync(upperdir, uid, gid);
    chmodSync(upperdir, mode & 0o7777);
  }
  mkdirSync(workdir, { recursive: true, mode: 0o700 });
  return { kind: "overlay", lowerdirs: [directory.path], upperdir, workdir };
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
