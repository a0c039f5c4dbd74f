/**
 * The root file system: opened as a detached mount, entered, and made what the Spec says it should be at the end.
 *
 * Hooks that run before the pivot find the root where the Spec says it is, with every mount in it. So with such hooks
 * it is attached there, init does the mounting from a chroot, and pivots when the engine has run them. Without, it goes
 * on top of "/" at once, and no target is ever resolved with the host's tree in reach.
 */
import { BockerError } from "../errors.ts";
import type { Spec, SpecHooks } from "../spec/oci.ts";
import type { RootfsSource, StartContext } from "./context.ts";
import type { MountFlag } from "./operation.ts";
import type { PlanBuilder } from "./plan-builder.ts";
import { isNew } from "./plan-namespaces.ts";

/**
 * Descriptor name of the detached root mount. Nothing that is mounted in it may get to the host: a directory's clone
 * leaves its peers, or follows them where the root is to be a slave.
 */
export function openRootfs(builder: PlanBuilder, { rootfs, kernel }: StartContext, { linux }: Spec): string {
  if (rootfs.kind === "mount") return "rootfs";
  const keep = builder.name("rootfs");
  const flags = ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC", "AT_RECURSIVE"] as const;
  if (rootfs.kind === "directory") {
    const follows = /^r?slave$/.test(linux?.rootfsPropagation ?? "");
    builder.add({ call: "open_tree", dirfd: "AT_FDCWD", path: rootfs.path, flags, keep });
    if (kernel.mountSetattr) {
      builder.add({
        call: "mount_setattr",
        dirfd: keep,
        path: "",
        flags: ["AT_EMPTY_PATH", "AT_RECURSIVE"],
        set: [],
        clear: [],
        propagation: [follows ? "MS_SLAVE" : "MS_PRIVATE"],
      });
    }
    return keep;
  }
  const { lowerdirs, upperdir, workdir, mountPoint } = rootfs;
  privatize(builder);
  const data = `lowerdir=${lowerdirs.join(":")},upperdir=${upperdir},workdir=${workdir}`;
  builder.add(
    { call: "mount", source: "overlay", target: mountPoint, fsType: "overlay", flags: [], data },
    { call: "open_tree", dirfd: "AT_FDCWD", path: mountPoint, flags, keep },
    { call: "umount2", target: mountPoint, flags: ["MNT_DETACH"] },
  );
  return keep;
}

/** Nothing done from here on can propagate to the host. */
export function privatize(builder: PlanBuilder): void {
  builder.step("making the mount tree private");
  builder.add({
    call: "mount",
    source: null,
    target: "/",
    fsType: null,
    flags: ["MS_REC", "MS_PRIVATE"],
    data: "",
  });
}

/** Enters the root and lets `fill` plan what goes in it. Sources must be open by then, the tree private. */
export function enterRoot(
  builder: PlanBuilder,
  root: string,
  spec: Spec,
  given: StartContext,
  fill: () => void,
): void {
  const { hooks } = spec;
  // The mounts of a namespace that is joined are its own affair.
  const context = isNew(spec, "mount") ? given : { ...given, hostMounts: [] };
  const { rootfs, hostRoot } = context;
  if (hooks === undefined || !hasHooksBeforePivot(hooks)) {
    builder.step("pivoting into the root file system");
    putOver(builder, root, "/");
    leavePeers(builder, context);
    pivot(builder, root, context);
    fill();
    return;
  }
  const host = builder.name("host");
  const flags = ["O_PATH", "O_DIRECTORY", "O_CLOEXEC"] as const;
  builder.step("entering the root file system");
  builder.add({ call: "openat", dirfd: "AT_FDCWD", path: "/", flags, keep: host });
  putOver(builder, root, hookRootOf(rootfs));
  leavePeers(builder, context);
  builder.add({ call: "chroot", path: "." }, { call: "chdir", path: "/" });
  fill();
  builder.step("waiting for the hooks").add({ call: "report", reached: "hooks" });
  builder.add({ call: "wait", for: "hooks" });
  builder.step("pivoting into the root file system");
  builder.add({ call: "fchdir", fd: host }, { call: "chroot", path: "." }, { call: "close", fd: host });
  if (hostRoot === "ramfs") putOver(builder, root, "/");
  else builder.add({ call: "fchdir", fd: root });
  pivot(builder, root, context);
}

/** Hooks that see the container's mounts before its root is "/". */
export function hasHooksBeforePivot(hooks: SpecHooks): boolean {
  const { prestart = [], createRuntime = [], createContainer = [] } = hooks;
  return prestart.length + createRuntime.length + createContainer.length > 0;
}

function hookRootOf(rootfs: RootfsSource): string {
  const path = rootfs.kind === "overlay" ? rootfs.mountPoint : rootfs.path;
  if (path !== undefined) return path;
  throw new BockerError("hooks need a root file system that has a path");
}

/** Attaches the root, or moves it, to a path of this mount namespace, and steps into it. */
function putOver(builder: PlanBuilder, root: string, path: string): void {
  const flags = ["MOVE_MOUNT_F_EMPTY_PATH"] as const;
  builder.add(
    { call: "move_mount", fromFd: root, from: "", toFd: "AT_FDCWD", to: path, flags },
    { call: "fchdir", fd: root },
  );
}

/** Before mount_setattr(2): a directory's clone still is a peer of the host's mount, which pivot_root(2) refuses too. */
function leavePeers(builder: PlanBuilder, { rootfs, kernel }: StartContext): void {
  if (rootfs.kind !== "directory" || kernel.mountSetattr) return;
  const flags = ["MS_REC", "MS_PRIVATE"] as const;
  builder.add({ call: "mount", source: null, target: ".", fsType: null, flags, data: "" });
}

/** The new root, which is the working directory, is swapped with the old, which is dropped (pivot_root(2), `pivot_root(".", ".")`). */
function pivot(builder: PlanBuilder, root: string, { hostRoot, hostMounts = [] }: StartContext): void {
  if (hostRoot === "ramfs") {
    dropMounts(builder, hostMounts);
    builder.add({ call: "chroot", path: "." });
  } else {
    builder.add(
      { call: "pivot_root", newRoot: ".", putOld: "." },
      { call: "umount2", target: ".", flags: ["MNT_DETACH"] },
    );
  }
  builder.add({ call: "chdir", path: "/" }, { call: "close", fd: root });
}

/**
 * What is only covered is still there for the kernel: a /proc of the host's with nothing masked lets a user namespace in the
 * container mount one of its own with nothing masked (mount_namespaces(7)). Those of another user namespace are locked.
 */
function dropMounts(builder: PlanBuilder, mountPoints: readonly string[]): void {
  const ignore = ["EINVAL", "ENOENT", "ENOTDIR"];
  for (const target of mountPoints) builder.add({ call: "umount2", target, flags: ["MNT_DETACH"], ignore });
}

/** Propagation that was asked for, then read-only: last, since mounts below were still to be made. */
export function planRootMount(builder: PlanBuilder, spec: Spec, { kernel }: StartContext): void {
  const remount = { call: "mount", source: null, target: "/", fsType: null, data: "" } as const;
  const { rootfsPropagation: propagation = "" } = spec.linux ?? {};
  const flag = propagationFlag[propagation.replace(/^r/, "")];
  if (flag !== undefined) {
    const below = propagation.startsWith("r") ? (["MS_REC"] as const) : [];
    builder.step(`making the root ${propagation}`).add({ ...remount, flags: [flag, ...below] });
  } else if (propagation !== "") {
    throw new BockerError(`invalid linux.rootfsPropagation "${propagation}"`, { kind: "invalid-config" });
  }
  if (spec.root?.readonly !== true) return;
  builder.step("making the root read-only");
  if (kernel.mountSetattr) {
    builder.add({
      call: "mount_setattr",
      dirfd: "AT_FDCWD",
      path: "/",
      flags: [],
      set: ["MOUNT_ATTR_RDONLY"],
      clear: [],
      propagation: [],
    });
  } else builder.add({ ...remount, flags: ["MS_REMOUNT", "MS_BIND", "MS_RDONLY"] });
}

const propagationFlag: Readonly<Record<string, MountFlag>> = {
  shared: "MS_SHARED",
  slave: "MS_SLAVE",
  private: "MS_PRIVATE",
  unbindable: "MS_UNBINDABLE",
};
