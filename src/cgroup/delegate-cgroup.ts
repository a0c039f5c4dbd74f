/**
 * Giving a container its own part of the v2 tree: what may be another's without letting it raise its limits
 * (cgroup-v2.rst, "Model of Delegation"; config-linux.md#cgroup-ownership).
 */
import { chownSync, statSync } from "node:fs";
import { join } from "node:path";
import { tryReadFile } from "./cgroup-file.ts";
import type { Cgroup } from "./hierarchy.ts";

const kernelList = "/sys/kernel/cgroup/delegate";
const oldKernels = "cgroup.procs\ncgroup.subtree_control\ncgroup.threads\n";

/**
 * Makes a host user the owner of the cgroup's directory and of the files that the kernel lists for it; the group stays.
 * Does nothing where a v1 tree is mounted: delegation is not safe there.
 */
export function delegateCgroup({ directories }: Cgroup, uid: number): void {
  const [first] = directories;
  if (first === undefined || directories.some(({ version }) => version === 1)) return;
  const files = (tryReadFile(kernelList) ?? oldKernels).split("\n").filter(Boolean);
  for (const path of [first.directory, ...files.map((file) => join(first.directory, file))]) {
    // Not every cgroup has every file.
    const found = statSync(path, { throwIfNoEntry: false });
    if (found !== undefined && found.uid !== uid) chownSync(path, uid, found.gid);
  }
}
