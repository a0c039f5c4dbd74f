/**
 * Where something is mounted: the path's directory entry as the kernel resolves it inside the container, held open.
 *
 * The image and volumes decide where links in the path lead. Inside is enough for most file systems; three more rules
 * hold for what the engine itself relies on later:
 *   - proc and sysfs are not mounted on a link, so that "/proc" and "/sys" are they (/dev may be one, as with docker: what
 *     masks are made of is verified by itself);
 *   - nothing else is mounted inside /proc by way of a link (CVE-2019-16884, CVE-2023-28642, CVE-2025-52881): labels and
 *     sysctls are written there, and would go elsewhere. Paths that say /proc are checkSpec's.
 */
import type { ResolveFlag } from "./operation.ts";
import type { PlanBuilder } from "./plan-builder.ts";

export interface MountTarget {
  readonly destination: string;
  readonly type?: string | undefined;
}

/** Opens a target with O_PATH; the descriptor's name. It must be there. */
export function openTarget(builder: PlanBuilder, mount: MountTarget, kind: "file" | "directory"): string {
  const { destination } = mount;
  const resolve: readonly ResolveFlag[] = mayBeLink(mount)
    ? ["RESOLVE_IN_ROOT"]
    : ["RESOLVE_IN_ROOT", "RESOLVE_NO_SYMLINKS"];
  const keep = builder.name("target");
  builder.add({
    call: "openat2",
    dirfd: "AT_FDCWD",
    path: destination,
    flags: kind === "directory" ? ["O_PATH", "O_DIRECTORY", "O_CLOEXEC"] : ["O_PATH", "O_CLOEXEC"],
    resolve,
    keep,
  });
  if (!isProc(destination)) builder.add({ call: "verify-fd", fd: keep, fact: "outside-proc" });
  return keep;
}

/** Puts a detached mount on an opened target. */
export function attachAt(builder: PlanBuilder, fd: string, target: string): void {
  const flags = ["MOVE_MOUNT_F_EMPTY_PATH", "MOVE_MOUNT_T_EMPTY_PATH"] as const;
  builder.add({ call: "move_mount", fromFd: fd, from: "", toFd: target, to: "", flags });
}

function mayBeLink({ type }: MountTarget): boolean {
  return type !== "proc" && type !== "sysfs";
}

function isProc(destination: string): boolean {
  return destination === "/proc" || destination.startsWith("/proc/");
}
