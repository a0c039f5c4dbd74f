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

/**
 * Hides each path. After the read-only ones, so that masks inside them are seen.
 *
 * The image or a volume may have made /dev/null: it is proved to be the device before anything is hidden with it
 * (CVE-2025-31133), or a mask could uncover what it is to hide. In a /dev of the engine's own it stays what it was; in one
 * that others may write to (`devIsOwn` false), each mask is a clone of what was proved.
 */
export function planMaskedPaths(builder: PlanBuilder, paths: readonly string[], devIsOwn: boolean): void {
  if (paths.length === 0) return;
  const device = openNullDevice(builder);
  // Once each: a second mask would only hide the first.
  for (const path of new Set(paths)) {
    const call = { call: "mount", target: path, ignore: ["ENOENT", "ENOTDIR"] } as const;
    builder.step(`masking ${JSON.stringify(path)}`);
    const file = devIsOwn ? bindNull(builder, path) : attachNull(builder, device, path);
    builder.add({
      ...call,
      source: "tmpfs",
      fsType: "tmpfs",
      flags: ["MS_RDONLY"],
      data: maskData,
      unless: file,
    });
  }
  builder.add({ call: "close", fd: device });
}

/** Without it every mask would fail with the very ENOENT that is ignored for missing targets. */
function openNullDevice(builder: PlanBuilder): string {
  const keep = builder.name("null");
  const flags = ["O_PATH", "O_NOFOLLOW", "O_CLOEXEC"] as const;
  builder.step("masking paths with /dev/null");
  builder.add({ call: "openat", dirfd: "AT_FDCWD", path: "/dev/null", flags, keep });
  builder.add({ call: "verify-fd", fd: keep, fact: "null-device" });
  return keep;
}

/** The name that is kept where the path was a file. */
function bindNull(builder: PlanBuilder, path: string): string {
  const keep = builder.name("masked");
  const source = "/dev/null";
  const ignore = ["ENOENT", "ENOTDIR"];
  builder.add({
    call: "mount",
    source,
    target: path,
    fsType: null,
    flags: ["MS_BIND"],
    data: "",
    keep,
    ignore,
  });
  return keep;
}

/** The same; move_mount(2) says EINVAL for a file on a directory. A clone that finds no place costs 50 µs and more. */
function attachNull(builder: PlanBuilder, device: string, path: string): string {
  const [fd, keep] = [builder.name("mask"), builder.name("masked")];
  const clone = ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC", "AT_EMPTY_PATH"] as const;
  const flags = ["MOVE_MOUNT_F_EMPTY_PATH"] as const;
  const ignore = ["ENOENT", "ENOTDIR", "EINVAL"];
  builder.add(
    { call: "open_tree", dirfd: device, path: "", flags: clone, keep: fd },
    { call: "move_mount", fromFd: fd, from: "", toFd: "AT_FDCWD", to: path, flags, keep, ignore },
    { call: "close", fd },
  );
  return keep;
}
