/**
 * What a storage driver does: turn a stack of applied layers into a root file system for one container.
 *
 * Types only. A driver prepares directories; opening them is mount-rootfs.ts (the overlay is a detached mount).
 */
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";

export type StorageDriverName = "overlay" | "btrfs" | "vfs";

/** What a user may ask for; `auto` takes the best that the state root's file system can carry. */
export type StorageDriverChoice = StorageDriverName | "auto";

/** Directories of an overlay mount, in the order that fsconfig's lowerdir+ takes them. */
export interface OverlayRootfs {
  readonly kind: "overlay";
  /** Top first, at least one. Read only and shared between containers. */
  readonly lowerdirs: readonly string[];
  readonly upperdir: string;
  /** On the file system of upperdir; the kernel's own. */
  readonly workdir: string;
}

/** A directory that holds the whole root file system, this container's alone. */
export interface DirectoryRootfs {
  readonly kind: "directory";
  readonly path: string;
}

export type Rootfs = OverlayRootfs | DirectoryRootfs;

export interface StorageDriver {
  readonly name: StorageDriverName;
  /** Makes what is missing; a container that was started before keeps its changes. */
  prepare(paths: Paths, containerId: string, layers: readonly DiffID[]): Rootfs;
  /** Removes all that the container has written. No error when there is nothing. */
  remove(paths: Paths, containerId: string): void;
}
