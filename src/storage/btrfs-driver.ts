/**
 * The btrfs driver: an image is a subvolume, each container a snapshot of it.
 *
 *   chain/HEX               all layers of an image over one another, named by chainID; complete once it is there
 *   tmp/chain-HEX.partial   while it is filled, by whoever holds tmp/chain.lock
 *   container/ID/rootfs     the container's own snapshot; it outlives the chain that it came from
 *
 * Layers are applied once for all drivers, and their blocks are shared with the chain (FICLONE): a chain costs
 * metadata only.
 */
import { existsSync, lstatSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";
import { createSubvolume, destroySubvolume, snapshotSubvolume, subvolumeInode } from "../../ffi/btrfs.ts";
import { SyscallError } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import { lockFile } from "../host/lock-file.ts";
import type { Paths } from "../host/paths.ts";
import { chainIDs } from "../image/chain-id.ts";
import { type DiffID, digestHex } from "../image/digest.ts";
import { removeTree } from "./remove-tree.ts";
import type { DirectoryRootfs, StorageDriver } from "./storage-driver.ts";
import { fillFromLayers } from "./vfs-driver.ts";

export const btrfsDriver: StorageDriver = { name: "btrfs", prepare: prepareSnapshot, remove: removeSnapshot };

/** Copying a large image where blocks cannot be shared takes its time. */
const lockTimeoutMs = 10 * 60_000;

function prepareSnapshot(paths: Paths, containerId: string, layers: readonly DiffID[]): DirectoryRootfs {
  const directory = join(paths.containers, containerId);
  const path = join(directory, "rootfs");
  if (existsSync(path)) return { kind: "directory", path };
  mkdirSync(directory, { recursive: true, mode: 0o710 });
  try {
    snapshotSubvolume(chainSubvolume(paths, layers), path);
  } catch (error) {
    throw explain(error, paths.root);
  }
  return { kind: "directory", path };
}

/** The image's subvolume, made when it is not there. */
function chainSubvolume(paths: Paths, layers: readonly DiffID[]): string {
  const path = join(paths.chains, chainName(layers));
  if (existsSync(path)) return path;
  mkdirSync(paths.chains, { recursive: true, mode: 0o700 });
  mkdirSync(paths.tmp, { recursive: true, mode: 0o700 });
  using _lock = lockFile(join(paths.tmp, "chain.lock"), lockTimeoutMs);
  if (existsSync(path)) return path;
  const partial = join(paths.tmp, `chain-${chainName(layers)}.partial`);
  removeSubvolume(paths, partial);
  createSubvolume(partial);
  fillFromLayers(paths, layers, partial);
  renameSync(partial, path);
  return path;
}

/** Name of an image's subvolume: the hex digits of its topmost chainID. */
export function chainName(layers: readonly DiffID[]): string {
  const top = chainIDs(layers).at(-1);
  return top === undefined ? "empty" : digestHex(top);
}

function removeSnapshot(paths: Paths, containerId: string): void {
  removeSubvolume(paths, join(paths.containers, containerId, "rootfs"));
}

/** Removes what is at `path`, at once where it is a subvolume without others in it. */
export function removeSubvolume(paths: Paths, path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (stat.isDirectory() && stat.ino === subvolumeInode) {
    try {
      destroySubvolume(path);
      return;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
    }
  }
  removeTree(paths, path);
}

function explain(error: unknown, root: string): unknown {
  if (!(error instanceof SyscallError) || error.code !== "ENOTTY") return error;
  return new BockerError(`cannot use the storage driver "btrfs": ${JSON.stringify(root)} is not on btrfs`, {
    kind: "unsupported",
    cause: error,
    hint: "put the state root on a btrfs file system, or use overlay",
  });
}
