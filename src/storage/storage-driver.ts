/**
 * What a storage driver does: turn a stack of applied layers into a root file system for one container.
 *
 * Types only. A driver prepares directories; mounting them is the launch's work (the overlay is a detached mount).
 */
import type { Paths } from "../host/paths.ts";
import type { DiffID } from "../image/digest.ts";

export type StorageDriverName = "overlay";

/** Directories of an overlay mount, in the order that fsconfig's lowerdir+ takes them. */
export interface OverlayRootfs {
  readonly kind: "overlay";
  /** Top first, at least one. Read only and shared between containers. */
  readonly lowerdirs: readonly string[];
  readonly upperdir: string;
  /** On the file system of upperdir; the kernel's own. */
  readonly workdir: string;
}

export type Rootfs = OverlayRootfs;

export interface StorageDriver {
  readonly name: StorageDriverName;
  /** Makes what is missing; a container that was started before keeps its changes. */
  prepare(paths: Paths, containerId: string, layers: readonly DiffID[]): Rootfs;
  /** Removes all that the container has written. No error when there is nothing. */
  remove(paths: Paths, containerId: string): void;
}
