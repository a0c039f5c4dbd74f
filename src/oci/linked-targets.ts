/**
 * Mount targets that the root file system names by a link to nowhere, as distributions do for /etc/resolv.conf: made where
 * the link leads inside the root, before the container is. Only reached where a configuration has mounts over such paths.
 */
import { statSync } from "node:fs";
import { close, openat } from "../../ffi/file.ts";
import { openFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import type { Spec, SpecMount } from "../spec/oci.ts";
import { makeLinkedTarget } from "../storage/mount-target.ts";

/** proc and sysfs are never mounted by way of a link; what lies on another mount is not the root's. */
const neverLinked: readonly (string | undefined)[] = ["proc", "sysfs", "cgroup", "cgroup2"];

/** Makes what is missing. A root that cannot be written to is left to the launch, which says so with the mount's name. */
export function makeLinkedTargets(rootfs: string, { mounts = [] }: Spec): void {
  const root = openat(-1, rootfs, openFlags.O_PATH | openFlags.O_DIRECTORY | openFlags.O_CLOEXEC);
  try {
    for (const [at, mount] of mounts.entries()) {
      const covered = mounts.slice(0, at).some((other) => isBelow(mount.destination, other.destination));
      if (covered || neverLinked.includes(mount.type)) continue;
      makeLinkedTarget(root, { path: mount.destination, kind: kindOf(mount) });
    }
  } catch (error) {
    if (!isErrno(error, "EROFS", "EACCES", "EPERM")) throw error;
  } finally {
    close(root);
  }
}

/** Where a mount lies on what another one brings. */
export function isBelow(path: string, above: string): boolean {
  return path === above || path.startsWith(above.endsWith("/") ? above : `${above}/`);
}

function kindOf({ type, source = "", options = [] }: SpecMount): "file" | "directory" {
  const bind = type === "bind" || options.some((word) => /^r?bind$/.test(word));
  return bind && statSync(source, { throwIfNoEntry: false })?.isDirectory() === false ? "file" : "directory";
}
