/**
 * The /dev/shm of another container, for `--ipc container:X`.
 *
 * A mount of another mount namespace cannot be cloned from here (open_tree(2): EINVAL before anything else is looked at),
 * so init steps into that namespace, clones it there, and comes back to its own. What the other container has made of its
 * own tree can lead no further than its own root.
 */
import type { PlanBuilder } from "./plan-builder.ts";

const otherSharedMemory = /^\/proc\/(\d+)\/root(\/dev\/shm)$/;

/** Keeps the clone as `fd`. False: the source is no other container's, and nothing is planned. */
export function cloneSharedMemory(builder: PlanBuilder, source: string, fd: string): boolean {
  const [, pid, path] = otherSharedMemory.exec(source) ?? [];
  if (pid === undefined || path === undefined) return false;
  const own = builder.name("own-mounts");
  const other = builder.name("other-mounts");
  const file = { call: "openat", dirfd: "AT_FDCWD", flags: ["O_RDONLY", "O_CLOEXEC"] } as const;
  const types = ["CLONE_NEWNS"] as const;
  const flags = ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC"] as const;
  builder.add(
    { ...file, path: "/proc/self/ns/mnt", keep: own },
    { ...file, path: `/proc/${pid}/ns/mnt`, keep: other },
    { call: "setns", fd: other, types },
    { call: "open_tree", dirfd: "AT_FDCWD", path, flags, keep: fd },
    { call: "setns", fd: own, types },
    { call: "close", fd: other },
    { call: "close", fd: own },
  );
  return true;
}
