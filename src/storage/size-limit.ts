/**
 * `--storage-opt size=…`: a container's upper directory as a project with a quota. Overlay only; the file system below must
 * count projects.
 */
import { limitProject, setProject } from "../../ffi/quota.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { BockerError } from "../errors.ts";
import type { Rootfs } from "./storage-driver.ts";

/** Before anything is written. Throws docker's phrase where the driver or the file system cannot. */
export function limitSize(rootfs: Rootfs, containerId: string, bytes: number): void {
  if (rootfs.kind !== "overlay") throw cannotLimit();
  const project = projectOf(containerId);
  try {
    limitProject(rootfs.upperdir, project, bytes);
    for (const directory of [rootfs.upperdir, rootfs.workdir]) setProject(directory, project);
  } catch (error) {
    if (unsupported.some((errno) => isErrno(error, errno))) throw cannotLimit(error);
    throw error;
  }
}

/** Forgets the limit of a container that is about to be removed. `directory`: any of the same file system. */
export function forgetSize(directory: string, containerId: string): void {
  try {
    limitProject(directory, projectOf(containerId), 0);
  } catch (error) {
    // Quotas were switched off since: there is nothing to forget.
    if (!unsupported.some((errno) => isErrno(error, errno))) throw error;
  }
}

const unsupported = ["EOPNOTSUPP", "ENOTTY", "ESRCH", "ENOSYS", "EINVAL"] as const;

/** Numbers of projects are the administrator's to give; 31 random bits stay clear of those given by hand. */
function projectOf(containerId: string): number {
  return Number.parseInt(containerId.slice(0, 8), 16) >>> 1 || 1;
}

function cannotLimit(cause?: unknown): BockerError {
  return new BockerError("--storage-opt is supported only for overlay over xfs or ext4 with project quotas", {
    kind: "unsupported",
    hint: "mount the file system with prjquota; ext4 needs `tune2fs -O project,quota` before",
    ...(cause === undefined ? {} : { cause }),
  });
}
