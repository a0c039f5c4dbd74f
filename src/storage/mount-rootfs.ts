/**
 * A container's root file system as a detached overlay mount: owned by a descriptor, on no path of the host.
 *
 * Closing the descriptor undoes it; /proc/self/mounts stays clean and a crash leaves nothing. Files in it are looked
 * at with openat2(RESOLVE_IN_ROOT) on the descriptor (rootfs-file.ts). Linux 6.5 takes layers one by one
 * (`lowerdir+`). Older kernels want them in one string of at most 255 bytes: there they are named by the numbers of
 * open descriptors, relative to /proc/self/fd. Follows docs.kernel.org/filesystems/overlayfs.html.
 */
import { closeSync, openSync } from "node:fs";
import { openFlags } from "../../ffi/flags.ts";
import { type FsconfigSetting, fsconfig, fsmount, fsopen } from "../../ffi/mount.ts";
import { SyscallError } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";

export interface OverlayFolders {
  /** Top layer first. */
  readonly lowerdirs: readonly string[];
  readonly upperdir: string;
  readonly workdir: string;
}

const O_PATH_DIRECTORY = openFlags.O_PATH | openFlags.O_DIRECTORY;
/** fsconfig(2)'s limit for a string, without its NUL. */
const maxStringBytes = 255;

/** Mounts; gives the descriptor (close-on-exec, the caller's). Throws kind `host` with a hint for the usual causes. */
export function mountRootfs(folders: OverlayFolders): number {
  try {
    return mountOverlay(folders, addLayersOneByOne);
  } catch (error) {
    if (!(error instanceof SyscallError) || error.code !== "EINVAL") throw cannotMount(error);
  }
  try {
    return mountOverlay(folders, addLayersTogether);
  } catch (error) {
    throw cannotMount(error);
  }
}

/** The layers alone, read-only, top first: for looking into an image. A descriptor as mountRootfs gives. */
export function mountLayers(lowerdirs: readonly string[]): number {
  const [only, second] = lowerdirs;
  if (only === undefined)
    throw new BockerError("cannot look into an image without layers", { kind: "unsupported" });
  if (second === undefined) return openSync(only, O_PATH_DIRECTORY);
  const context = fsopen("overlay");
  try {
    set(context, "source", "overlay");
    addLayersOneByOne(context, lowerdirs, () => fsconfig(context, { set: "create" }));
    return fsmount(context);
  } finally {
    closeSync(context);
  }
}

function mountOverlay(
  { lowerdirs, upperdir, workdir }: OverlayFolders,
  addLayers: (context: number, lowerdirs: readonly string[], create: () => void) => void,
): number {
  const context = fsopen("overlay");
  try {
    set(context, "source", "overlay");
    set(context, "upperdir", upperdir);
    set(context, "workdir", workdir);
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

/** The kernel looks the names up when the superblock is created, so the descriptors stay open until then. */
function addLayersTogether(context: number, lowerdirs: readonly string[], create: () => void): void {
  const fds: number[] = [];
  const cwd = process.cwd();
  try {
    for (const lowerdir of lowerdirs) fds.push(openSync(lowerdir, O_PATH_DIRECTORY));
    const names = fds.join(":");
    if (names.length > maxStringBytes) {
      throw new BockerError(`cannot stack ${lowerdirs.length} layers: this kernel takes about 80`, {
        kind: "unsupported",
        hint: "Linux 6.5 and later take any number",
      });
    }
    process.chdir("/proc/self/fd");
    set(context, "lowerdir", names);
    create();
  } finally {
    process.chdir(cwd);
    for (const fd of fds) closeSync(fd);
  }
}

function set(context: number, key: string, value: string): void {
  const setting: FsconfigSetting = { set: "string", key, value };
  fsconfig(context, setting);
}

function cannotMount(error: unknown): unknown {
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
  EPERM: "mounting needs CAP_SYS_ADMIN: run as root",
  EINVAL:
    "the state root's file system may not carry an overlay (an overlay itself, NFS, or one without d_type); move it with root = … in /etc/bocker/config.toml",
  ENOSPC: "too many mounts: raise /proc/sys/fs/mount-max",
  ESTALE: "the upper folder was made on other layers",
};
