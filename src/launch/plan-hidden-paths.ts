/**
 * Masked and read-only paths of the container: what /proc and /sys must not give away or let be changed.
 *
 * A path that does not exist is skipped. Whether one is a file or a directory only the kernel knows at that moment, so
 * a mask is tried as a file's first: /dev/null over it; where that is ENOTDIR, an empty tmpfs.
 */
import type { KernelFeatures } from "./context.ts";
import type { PlanBuilder } from "./plan-builder.ts";

/** Binds each path over itself, recursively read-only. Before the masks: a mask below stays writable for nobody. */
export function planReadonlyPaths(
  builder: PlanBuilder,
  paths: readonly string[],
  kernel: KernelFeatures,
): void {
  for (const path of paths) {
    builder.step(`making ${JSON.stringify(path)} read-only`);
    if (kernel.mountSetattr) readonlyDetached(builder, path);
    else readonlyRemounted(builder, path);
  }
}

function readonlyDetached(builder: PlanBuilder, path: string): void {
  const fd = builder.name("readonly");
  builder.add(
    {
      call: "open_tree",
      dirfd: "AT_FDCWD",
      path,
      flags: ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC", "AT_RECURSIVE"],
      keep: fd,
      ignore: ["ENOENT", "ENOTDIR"],
    },
    {
      call: "mount_setattr",
      dirfd: fd,
      path: "",
      flags: ["AT_EMPTY_PATH", "AT_RECURSIVE"],
      set: ["MOUNT_ATTR_RDONLY"],
      clear: [],
      propagation: [],
    },
    {
      call: "move_mount",
      fromFd: fd,
      from: "",
      toFd: "AT_FDCWD",
      to: path,
      flags: ["MOVE_MOUNT_F_EMPTY_PATH"],
    },
    { call: "close", fd },
  );
}

function readonlyRemounted(builder: PlanBuilder, path: string): void {
  const call = {
    call: "mount",
    fsType: null,
    target: path,
    data: "",
    ignore: ["ENOENT", "ENOTDIR"],
  } as const;
  builder.add(
    { ...call, source: path, flags: ["MS_BIND", "MS_REC"] },
    {
      ...call,
      source: null,
      flags: ["MS_REMOUNT", "MS_BIND", "MS_RDONLY", "MS_NOSUID", "MS_NODEV", "MS_NOEXEC"],
    },
  );
}

/** An empty tmpfs that holds nothing, whoever may write to it. */
const maskData = "nr_blocks=1,nr_inodes=1";

/** Hides each path. After the read-only ones, so that masks inside them are seen. */
export function planMaskedPaths(builder: PlanBuilder, paths: readonly string[]): void {
  if (paths.length === 0) return;
  requireDevNull(builder);
  for (const path of paths) {
    const call = { call: "mount", target: path, ignore: ["ENOENT", "ENOTDIR"] } as const;
    const file = builder.name("masked");
    builder.step(`masking ${JSON.stringify(path)}`);
    builder.add(
      { ...call, source: "/dev/null", fsType: null, flags: ["MS_BIND"], data: "", keep: file },
      { ...call, source: "tmpfs", fsType: "tmpfs", flags: ["MS_RDONLY"], data: maskData, unless: file },
    );
  }
}

/** Without it every mask would fail with the very ENOENT that is ignored for missing targets. */
function requireDevNull(builder: PlanBuilder): void {
  const fd = builder.name("null");
  builder.step("masking paths with /dev/null");
  builder.add(
    { call: "openat", dirfd: "AT_FDCWD", path: "/dev/null", flags: ["O_PATH", "O_CLOEXEC"], keep: fd },
    { call: "close", fd },
  );
}
