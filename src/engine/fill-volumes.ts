/**
 * First use of a volume: what the image has at its target is copied in, as docker does, while nothing runs yet.
 */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { closeQuietly, openat2 } from "../../ffi/file.ts";
import { openFlags, resolveFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import type { ImageConfig } from "../image/image-config.ts";
import type { ContainerRecord } from "../state/record.ts";
import { getVolume } from "../state/volume.ts";
import { copyTree } from "../storage/copy-tree.ts";
import { openLinklessTree } from "../storage/linkless-tree.ts";
import type { Engine } from "./engine.ts";
import { volumeSourceOf } from "./volume-driver.ts";
import { volumeMountsOf } from "./volume-mounts.ts";

/** Fills every volume of the container that is still empty and may be. `rootFd`: the root file system, not yet in use. */
export function fillVolumes(
  engine: Engine,
  record: ContainerRecord,
  image: ImageConfig,
  rootFd: number,
): void {
  for (const volume of volumeMountsOf(record.id, record.config, image.config)) {
    const folder = dataFolder(engine, volume.name);
    if (folder !== undefined && volume.copy && readdirSync(folder).length === 0)
      fillFrom(rootFd, volume.target, folder);
  }
}

/** Where the volume's data lies on the host; undefined: nowhere yet. */
function dataFolder(engine: Engine, name: string): string | undefined {
  const volume = getVolume(engine.state, name);
  const source = volume === undefined ? join(engine.paths.volumes, name, "_data") : volumeSourceOf(volume);
  if (typeof source === "string") return source;
  const isFolder = statSync(source.source, { throwIfNoEntry: false })?.isDirectory() ?? false;
  return source.type === "bind" && isFolder && !source.options.includes("ro") ? source.source : undefined;
}

/** Copies what the root has at `target` into the existing directory `folder`. */
export function fillFrom(rootFd: number, target: string, folder: string): void {
  const source = openFolder(rootFd, target);
  if (source === undefined) return;
  // A container that runs may have the volume too, and change what is being copied there.
  const view = openLinklessTree(folder);
  try {
    copyTree(`/proc/self/fd/${source}`, `/proc/self/fd/${view}/.`);
  } finally {
    closeQuietly(source, view);
  }
}

/** Resolved inside the root; what is missing or no directory has nothing to copy. */
function openFolder(rootFd: number, path: string): number | undefined {
  const flags = openFlags.O_RDONLY | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC;
  try {
    return openat2(rootFd, path, flags, resolveFlags.RESOLVE_IN_ROOT | resolveFlags.RESOLVE_NO_MAGICLINKS);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP")) return undefined;
    throw error;
  }
}
