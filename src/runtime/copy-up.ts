/**
 * A tmpfs that starts with what the root file system has at a mount's destination (`tmpcopyup`): made and filled here,
 * detached, before the container's own tree is there to copy in.
 */
import { chmodSync } from "node:fs";
import { close, closeQuietly, openat, openat2 } from "../../ffi/file.ts";
import { AT_FDCWD, flagBits, mountAttributes, openFlags, resolveFlags } from "../../ffi/flags.ts";
import { fsconfig, fsmount, fsopen } from "../../ffi/mount.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError, messageOf } from "../errors.ts";
import type { CopyUp } from "../launch/plan.ts";

/** Copies the content of a directory into another, attributes too: copyTree of src/storage. */
export type CopyTree = (source: string, target: string) => void;

const O_PATH_DIRECTORY = openFlags.O_PATH | openFlags.O_DIRECTORY;

/**
 * The filled mount; the descriptor is the caller's. `rootfsFd` is the root where the plan has no directory for it.
 * A destination that is missing, or no directory, leaves the tmpfs empty.
 */
export function mountCopyUp(copyUp: CopyUp, rootfsFd: number | undefined, copyTree: CopyTree): number {
  const mount = mountTmpfs(copyUp);
  try {
    const source = openSource(copyUp, rootfsFd);
    if (source === undefined) return mount;
    try {
      copyTree(`/proc/self/fd/${source}`, `/proc/self/fd/${mount}`);
    } finally {
      close(source);
    }
    const mode = copyUp.data.findLast(({ key }) => key === "mode")?.value;
    if (mode !== undefined && mode !== null) chmodSync(`/proc/self/fd/${mount}`, Number.parseInt(mode, 8));
    return mount;
  } catch (error) {
    close(mount);
    throw new BockerError(
      `tmpcopyup: cannot fill ${JSON.stringify(copyUp.destination)}: ${messageOf(error)}`,
      {
        kind: "host",
        cause: error,
      },
    );
  }
}

function mountTmpfs({ data, attributes }: CopyUp): number {
  const context = fsopen("tmpfs");
  try {
    for (const { key, value } of data)
      fsconfig(context, value === null ? { set: "flag", key } : { set: "string", key, value });
    fsconfig(context, { set: "create" });
    return fsmount(context, flagBits(mountAttributes, attributes));
  } finally {
    close(context);
  }
}

/** The image's links are followed inside of its own root. */
function openSource({ destination, rootfs }: CopyUp, rootfsFd: number | undefined): number | undefined {
  const own = rootfs === undefined ? undefined : openat(AT_FDCWD, rootfs, O_PATH_DIRECTORY);
  try {
    return openat2(own ?? rootfsFd ?? -1, destination, O_PATH_DIRECTORY, resolveFlags.RESOLVE_IN_ROOT);
  } catch (error) {
    if (isErrno(error, "ENOENT", "ENOTDIR")) return undefined;
    throw error;
  } finally {
    closeQuietly(own);
  }
}
