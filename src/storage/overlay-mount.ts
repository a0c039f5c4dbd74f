/**
 * Overlays as detached mounts: owned by a descriptor, on no path of the host.
 *
 * Linux 6.5 takes the layers one by one (`lowerdir+`). Older kernels want them in one string of at most 255 bytes: there
 * each layer is named by one letter, a symbolic link in a tmpfs that is detached too. Trying would not do: what they do not
 * know they tell their log, and the console, at each start. Follows docs.kernel.org/filesystems/overlayfs.html.
 */
import { closeSync, openSync } from "node:fs";
import { fchdir, symlinkat } from "../../ffi/file.ts";
import { openFlags } from "../../ffi/flags.ts";
import { fsconfig, fsmount, fsopen } from "../../ffi/mount.ts";
import { isErrno, SyscallError } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import { isKernelAtLeast } from "../host/host-facts.ts";
import type { OverlayRootfs } from "./storage-driver.ts";

const O_PATH_DIRECTORY = openFlags.O_PATH | openFlags.O_DIRECTORY;

type AddLayers = (context: number, lowerdirs: readonly string[], create: () => void) => void;
export type Writable = Pick<OverlayRootfs, "upperdir" | "workdir">;

/** `lowerdirs` top first; without `writable` it is read-only. The descriptor is close-on-exec and the caller's. */
export function mountOverlay(lowerdirs: readonly string[], writable?: Writable): number {
  try {
    return tryOverlay(lowerdirs, writable);
  } catch (error) {
    throw cannotMount(error);
  }
}

/** As mountOverlay, with the kernel's own errors. */
export function tryOverlay(lowerdirs: readonly string[], writable?: Writable): number {
  // More layers than that can only be taken by a kernel that has lowerdir+ from a newer one.
  if (!isKernelAtLeast(6, 5) && lowerdirs.length <= letters.length)
    return mountWith(addLayersTogether, lowerdirs, writable);
  try {
    return mountWith(addLayersOneByOne, lowerdirs, writable);
  } catch (error) {
    if (!isErrno(error, "EINVAL")) throw error;
  }
  return mountWith(addLayersTogether, lowerdirs, writable);
}

function mountWith(addLayers: AddLayers, lowerdirs: readonly string[], writable?: Writable): number {
  const context = fsopen("overlay");
  try {
    set(context, "source", "overlay");
    if (writable !== undefined) {
      set(context, "upperdir", writable.upperdir);
      set(context, "workdir", writable.workdir);
      // Where a kernel has these on, an upper directory is no layer by itself: it points into the ones below.
      set(context, "redirect_dir", "off");
      set(context, "metacopy", "off");
    }
    addLayers(context, lowerdirs, () => fsconfig(context, { set: "create" }));
    return fsmount(context);
  } finally {
    closeSync(context);
  }
}

function addLayersOneByOne(context: number, lowerdirs: readonly string[], create: () => void): void {
  for (const lowerdir of lowerdirs) set(context, "lowerdir+", lowerdir);
  create();
}

/** The kernel looks the names up when the superblock is created, relative to the working directory. */
export function addLayersTogether(context: number, lowerdirs: readonly string[], create: () => void): void {
  if (lowerdirs.length > letters.length) {
    throw new BockerError(`cannot stack ${lowerdirs.length} layers: this kernel takes ${letters.length}`, {
      kind: "unsupported",
      hint: "Linux 6.5 and later take 500",
    });
  }
  const cwd = openSync(".", O_PATH_DIRECTORY);
  const links = mountLinks(lowerdirs);
  try {
    fchdir(links);
    set(context, "lowerdir", letters.slice(0, lowerdirs.length).join(":"));
    create();
  } finally {
    fchdir(cwd);
    closeSync(cwd);
    closeSync(links);
  }
}

/** All single bytes that mean nothing to overlayfs, to a path or to UTF-8. */
const letters = Array.from({ length: 127 }, (_, index) => String.fromCharCode(index + 1)).filter(
  (letter) => !":,./\\".includes(letter),
);

function mountLinks(targets: readonly string[]): number {
  const context = fsopen("tmpfs");
  try {
    fsconfig(context, { set: "create" });
    const fd = fsmount(context);
    for (const [index, target] of targets.entries()) symlinkat(target, fd, letters[index] ?? "");
    return fd;
  } finally {
    closeSync(context);
  }
}

function set(context: number, key: string, value: string): void {
  fsconfig(context, { set: "string", key, value });
}

/** The error for a mount that could not be made, with what its errno means. */
export function cannotMount(error: unknown): unknown {
  if (!(error instanceof SyscallError)) return error;
  const hint = hints[error.code];
  return new BockerError(`cannot mount the root file system: ${error.code}`, {
    kind: "host",
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  });
}

const hints: Readonly<Record<string, string>> = {
  ENODEV: "this kernel has no overlayfs: load the module (modprobe overlay)",
  EPERM: "mounting needs CAP_SYS_ADMIN: run as root with it",
  EINVAL:
    "the state root's file system may not carry an overlay (an overlay itself, NFS, or one without d_type); move it with root = … in /etc/bocker/config.toml",
  ENOSPC: "too many mounts: raise /proc/sys/fs/mount-max",
  ESTALE: "the upper folder was made on other layers",
};
