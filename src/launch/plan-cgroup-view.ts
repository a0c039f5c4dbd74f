/**
 * How a container sees its cgroups: the Spec's `cgroup` mount, as this host's are.
 *
 * In a cgroup namespace the trees are mounted anew, and their root is the container's own cgroup. Without one a new
 * mount would show the whole host's: there the container's own directories are bound, as runc does it, cloned while the
 * host's tree is still in reach.
 */
import type { Spec, SpecMount } from "../spec/oci.ts";
import type { CgroupHierarchyView, CgroupView, StartContext } from "./context.ts";
import { makeTarget } from "./make-target.ts";
import { type MountOptions, mountFlagsOf, parseMountOptions } from "./mount-option.ts";
import type { MountAttribute, MountFlag } from "./operation.ts";
import type { PlanBuilder } from "./plan-builder.ts";
import { isCgroup, makeFileSystem, stepOf } from "./plan-mounts.ts";
import { isJoined, isNew } from "./plan-namespaces.ts";

/** Descriptor names of the container's own cgroup directories, by path; empty where the trees are mounted. */
export type OwnCgroups = ReadonlyMap<string, string>;

/** Clones the container's own directories, where it has no namespace that would make them the root. */
export function openOwnCgroups(
  builder: PlanBuilder,
  spec: Spec,
  { cgroup, kernel }: StartContext,
): OwnCgroups {
  const opened = new Map<string, string>();
  const mount = spec.mounts?.find(isCgroup);
  if (mount === undefined || cgroup === undefined || isNew(spec, "cgroup") || isJoined(spec, "cgroup"))
    return opened;
  const { set } = parseMountOptions(mount.options ?? []);
  builder.step(stepOf(mount));
  for (const path of ownDirectories(cgroup)) {
    const fd = builder.name("cgroup");
    const flags = ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC"] as const;
    builder.add({ call: "open_tree", dirfd: "AT_FDCWD", path, flags, keep: fd });
    if (kernel.mountSetattr) restrict(builder, fd, set);
    opened.set(path, fd);
  }
  return opened;
}

function ownDirectories(view: CgroupView): readonly string[] {
  const hierarchies =
    view.mode === "v2"
      ? [view]
      : [...view.hierarchies, ...(view.unified === undefined ? [] : [view.unified])];
  return hierarchies.flatMap(({ own }) => own ?? []);
}

function restrict(builder: PlanBuilder, fd: string, set: readonly MountAttribute[]): void {
  builder.add({
    call: "mount_setattr",
    dirfd: fd,
    path: "",
    flags: ["AT_EMPTY_PATH"],
    set,
    clear: [],
    propagation: ["MS_PRIVATE"],
  });
}

/** Mounts the Spec's `cgroup` entry, or binds what openOwnCgroups has opened. */
export function mountCgroup(builder: PlanBuilder, mount: SpecMount, view: CgroupView, own: OwnCgroups): void {
  const options = parseMountOptions(mount.options ?? []);
  builder.step(stepOf(mount));
  makeTarget(builder, mount.destination, "directory");
  builder.covered(mount.destination);
  if (view.mode === "v2") {
    mountV2(builder, view, mount.destination, options, own);
    return;
  }
  const attributes = options.set.filter((attribute) => attribute !== "MOUNT_ATTR_RDONLY");
  mountAt(
    builder,
    makeFileSystem(builder, "tmpfs", [{ key: "mode", value: "755" }], attributes, "tmpfs"),
    mount.destination,
  );
  for (const hierarchy of view.hierarchies) mountV1(builder, hierarchy, mount.destination, options, own);
  for (const { name, target } of view.links) {
    builder.add({ call: "symlinkat", target, dirfd: "AT_FDCWD", path: `${mount.destination}/${name}` });
  }
  if (view.unified !== undefined) {
    const target = `${mount.destination}/unified`;
    builder.add({ call: "mkdirat", dirfd: "AT_FDCWD", path: target, mode: 0o755 });
    mountV2(builder, view.unified, target, options, own);
  }
  if (options.set.includes("MOUNT_ATTR_RDONLY")) {
    const flags: readonly MountFlag[] = ["MS_REMOUNT", "MS_BIND", ...mountFlagsOf(options.set)];
    builder.add({ call: "mount", source: null, target: mount.destination, fsType: null, flags, data: "" });
  }
}

function mountV2(
  builder: PlanBuilder,
  { own: path = "" }: { readonly own?: string },
  target: string,
  options: MountOptions,
  own: OwnCgroups,
): void {
  const fd = own.get(path) ?? makeFileSystem(builder, "cgroup2", [], options.set, "cgroup");
  mountAt(builder, fd, target);
}

function mountV1(
  builder: PlanBuilder,
  { directory, options: data, own: path = "" }: CgroupHierarchyView,
  destination: string,
  options: MountOptions,
  own: OwnCgroups,
): void {
  const target = `${destination}/${directory}`;
  builder.add({ call: "mkdirat", dirfd: "AT_FDCWD", path: target, mode: 0o755 });
  const fd = own.get(path);
  if (fd !== undefined) mountAt(builder, fd, target);
  else {
    const flags = mountFlagsOf(options.set);
    builder.add({ call: "mount", source: "cgroup", target, fsType: "cgroup", flags, data });
  }
}

function mountAt(builder: PlanBuilder, fd: string, to: string): void {
  const flags = ["MOVE_MOUNT_F_EMPTY_PATH"] as const;
  builder.add(
    { call: "move_mount", fromFd: fd, from: "", toFd: "AT_FDCWD", to, flags },
    { call: "close", fd },
  );
}
