/**
 * A container's root file system, whichever driver makes it. Overlay is the only driver so far.
 */
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";
import { overlayDriver } from "./overlay-driver.ts";
import type { Rootfs, StorageDriver } from "./storage-driver.ts";

/** The driver that this state root uses. */
export function selectDriver(): StorageDriver {
  return overlayDriver;
}

/**
 * Makes the directories a container's root is mounted from, and says how. `layers` bottom first. Keeps what the
 * container wrote before. Throws kind `not-found` when a layer is missing.
 */
export function prepareRootfs(paths: Paths, containerId: string, layers: readonly DiffID[]): Rootfs {
  return selectDriver().prepare(paths, containerId, layers);
}

/** Removes what the container has written; nobody may have it mounted. */
export function removeRootfs(paths: Paths, containerId: string): void {
  selectDriver().remove(paths, containerId);
}
