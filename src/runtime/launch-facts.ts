/**
 * The facts of this host that plans depend on, read once and cheaply: what the kernel can do, what we may give away.
 */
import { readFileSync } from "node:fs";
import { fileSystemMagic, statfs } from "../../ffi/file.ts";
import { kernelKnows } from "../../ffi/process.ts";
import type { KernelFeatures, StartContext } from "../launch/context.ts";

export interface LaunchFacts {
  readonly kernel: KernelFeatures;
  readonly hostRoot: StartContext["hostRoot"];
  /** Of an initial root, which goes on below the container's. */
  readonly hostMounts?: readonly string[];
  readonly availableCapabilities: bigint;
}

let facts: LaunchFacts | undefined;

/** Kernel features, kind of root file system, capabilities. */
export function launchFacts(): LaunchFacts {
  if (facts !== undefined) return facts;
  // CLOSE_RANGE_CLOEXEC came one release earlier and cannot be probed without closing something.
  const recent = kernelKnows("mount_setattr");
  facts = {
    kernel: { mountSetattr: recent, closeRangeCloexec: recent },
    ...(isRamfsRoot() ? unpivotable() : { hostRoot: "pivotable" }),
    availableCapabilities: ownCapabilities(readFileSync("/proc/self/status", "latin1")),
  };
  return facts;
}

/** What both the bounding and the permitted set hold (proc_pid_status(5)). */
export function ownCapabilities(status: string): bigint {
  const mask = (field: string) => {
    const at = status.indexOf(`\n${field}:\t`);
    return at === -1 ? 0n : BigInt(`0x${status.slice(at + field.length + 3, at + field.length + 19)}`);
  };
  return mask("CapBnd") & mask("CapPrm");
}

/**
 * The initial root file system itself has no parent mount, which pivot_root wants (pivot_root(2), EINVAL). A tmpfs or
 * ramfs root may also have been mounted by somebody; then mountinfo lists its parent.
 */
function isRamfsRoot(): boolean {
  const type = statfs("/");
  if (type !== fileSystemMagic.RAMFS_MAGIC && type !== fileSystemMagic.TMPFS_MAGIC) return false;
  return isInitialRoot(readFileSync("/proc/self/mountinfo", "utf8"));
}

/** For a root that is moved over the host's, where that cannot be swapped for it, or is not to be. */
export function unpivotable(): Required<Pick<LaunchFacts, "hostRoot" | "hostMounts">> {
  return { hostRoot: "ramfs", hostMounts: mountPointsIn(readFileSync("/proc/self/mountinfo", "utf8")) };
}

/** All but `/` itself, children before their parents. */
export function mountPointsIn(mountinfo: string): readonly string[] {
  const octal = (text: string) =>
    text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return mountinfo
    .split("\n")
    .map((line) => octal(line.split(" ")[4] ?? ""))
    .filter((path) => path !== "" && path !== "/")
    .reverse();
}

/** True when the topmost mount on / is the kernel's `rootfs`, or its own parent (proc_pid_mountinfo(5)). */
export function isInitialRoot(mountinfo: string): boolean {
  const root = mountinfo
    .split("\n")
    .map((line) => line.split(" "))
    .findLast((fields) => fields[4] === "/");
  if (root === undefined) return true;
  const [id, parent] = root;
  return id === parent || root.at(-3) === "rootfs" || root.at(-2) === "rootfs";
}
