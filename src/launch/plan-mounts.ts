/**
 * The mounts of a container: made detached before the pivot, attached after it.
 *
 * Before the pivot only paths of the configuration are touched; after it the host's tree is gone, so that whatever a
 * target's symlinks say stays inside the container (open-target.ts). Targets that are missing are made as docker makes them.
 */
import type { SpecMount } from "../spec/oci.ts";
import type { StartContext } from "./context.ts";
import { makeTarget } from "./make-target.ts";
import { type MountOptions, mountFlagsOf, parseMountOptions } from "./mount-option.ts";
import { attachAt, openTarget } from "./open-target.ts";
import type { MountAttribute } from "./operation.ts";
import type { PlanBuilder } from "./plan-builder.ts";
import { cloneSharedMemory } from "./plan-shared-memory.ts";

/** A StartContext with what planning has decided about single mounts. */
export interface SourceContext extends StartContext {
  /** Descriptor names of the user namespaces whose ids a mount gets. */
  readonly idMapped: ReadonlyMap<SpecMount, string>;
  /** Descriptor names of tmpfs mounts that the caller fills. */
  readonly copiedUp: ReadonlyMap<SpecMount, string>;
  /** SELinux label for the files of new file systems. */
  readonly mountLabel?: string;
}

/** A mount that is ready and detached, and where it goes. */
export interface PreparedMount {
  readonly mount: SpecMount;
  readonly options: MountOptions;
  /** Descriptor name of the detached mount; absent: there is a mount already, to be changed. */
  readonly fd?: string;
  readonly target: "file" | "directory";
}

/**
 * The Spec's mounts as they are attached: cgroup views last, unless something lies below them, and so is what makes a /dev
 * read-only, in which nodes are made before.
 */
export function orderMounts(mounts: readonly SpecMount[]): {
  early: readonly SpecMount[];
  late: readonly SpecMount[];
} {
  const first = mounts.findIndex(isLate);
  if (first === -1) return { early: mounts, late: [] };
  const cgroup = mounts.find(isCgroup);
  const below = mounts.some(
    (mount) => cgroup !== undefined && mount.destination.startsWith(`${cgroup.destination}/`),
  );
  if (below) return { early: mounts.slice(0, first), late: mounts.slice(first) };
  return { early: mounts.filter((mount) => !isLate(mount)), late: mounts.filter(isLate) };
}

function isLate(mount: SpecMount): boolean {
  return isCgroup(mount) || (mount.destination === "/dev" && mount.options?.includes("remount") === true);
}

/** Attaches a prepared mount. The working directory is "/" by now, the container's. */
export function attachMount(builder: PlanBuilder, prepared: PreparedMount, context: StartContext): void {
  const { mount, options, fd, target } = prepared;
  builder.step(stepOf(mount));
  if (fd === undefined) {
    change(builder, mount, options);
    return;
  }
  makeTarget(builder, mount.destination, target);
  const place = openTarget(builder, mount, target);
  attachAt(builder, fd, place);
  builder.covered(mount.destination);
  builder.add({ call: "close", fd: place }, { call: "close", fd });
  if (!context.kernel.mountSetattr && isBind(mount, options)) remount(builder, mount.destination, options);
}

/** `remount`: other attributes for the mount (with `bind`), or other options for its superblock. */
function change(builder: PlanBuilder, mount: SpecMount, options: MountOptions): void {
  const bind = isBind(mount, options) ? (["MS_BIND"] as const) : [];
  const flags = ["MS_REMOUNT", ...bind, ...mountFlagsOf(options.set)] as const;
  const data = options.data.map(({ key, value }) => (value === null ? key : `${key}=${value}`)).join(",");
  builder.add({ call: "mount", source: null, target: mount.destination, fsType: null, flags, data });
}

function isBind(mount: SpecMount, options: MountOptions): boolean {
  return options.bind || mount.type === "bind";
}

/** isBind, of the mount's own words. */
export function isBindMount(mount: SpecMount): boolean {
  return isBind(mount, parseMountOptions(mount.options ?? []));
}

/** Of the kind that mountCgroup makes. */
export function isCgroup(mount: SpecMount): boolean {
  return mount.type === "cgroup" || mount.type === "cgroup2";
}

/** What a mount is for, in runc's words. */
export function stepOf(mount: SpecMount): string {
  const source = mount.source ?? mount.type ?? "none";
  return `mounting ${JSON.stringify(source)} to rootfs at ${JSON.stringify(mount.destination)}`;
}

/** Clones a tree of the host, with the attributes, ids and propagation it is to have. */
export function prepareBind(builder: PlanBuilder, mount: SpecMount, context: SourceContext): PreparedMount {
  const options = parseMountOptions(mount.options ?? []);
  const source = mount.source ?? "";
  const fd = builder.name("bind");
  const recursive = options.recursive || (mount.type === "bind" && !options.bind);
  const below = recursive ? (["AT_RECURSIVE"] as const) : [];
  const flags = ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC", ...below] as const;
  builder.step(stepOf(mount));
  if (!cloneSharedMemory(builder, source, fd))
    builder.add({ call: "open_tree", dirfd: "AT_FDCWD", path: source, flags, keep: fd });
  mapIds(builder, fd, mount, options, context);
  if (context.kernel.mountSetattr) setAttributes(builder, fd, options);
  return { mount, options, fd, target: context.bindSources[source] ?? "directory" };
}

/** Makes the superblock that the mount asks for; a console's devpts and a tmpfs with content are the caller's. */
export function prepareFileSystem(
  builder: PlanBuilder,
  mount: SpecMount,
  context: SourceContext,
): PreparedMount {
  const options = parseMountOptions(mount.options ?? []);
  builder.step(stepOf(mount));
  const fd = fileSystemOf(builder, mount, options, context);
  mapIds(builder, fd, mount, options, context);
  return { mount, options, fd, target: "directory" };
}

/** Files of the mount belong to other ids than on the disk, by the maps of a user namespace (mount_setattr(2)). */
function mapIds(
  builder: PlanBuilder,
  fd: string,
  mount: SpecMount,
  { idMap }: MountOptions,
  { idMapped }: SourceContext,
): void {
  const userNamespace = idMapped.get(mount);
  if (userNamespace === undefined) return;
  builder.add({
    call: "mount_setattr",
    dirfd: fd,
    path: "",
    flags: idMap === "recursive" ? ["AT_EMPTY_PATH", "AT_RECURSIVE"] : ["AT_EMPTY_PATH"],
    set: ["MOUNT_ATTR_IDMAP"],
    clear: [],
    propagation: [],
    userNamespace,
  });
}

/** What is for the mount alone, then what is for everything below it too. Binds are private unless they say otherwise. */
function setAttributes(builder: PlanBuilder, fd: string, options: MountOptions): void {
  const { flag, recursive } = options.propagation ?? { flag: "MS_PRIVATE" as const, recursive: true };
  const change = { call: "mount_setattr", dirfd: fd, path: "" } as const;
  builder.add({
    ...change,
    flags: recursive ? ["AT_EMPTY_PATH", "AT_RECURSIVE"] : ["AT_EMPTY_PATH"],
    set: options.recursiveSet,
    clear: options.recursiveClear,
    propagation: [flag],
  });
  if (options.set.length + options.clear.length === 0) return;
  builder.add({
    ...change,
    flags: ["AT_EMPTY_PATH"],
    set: options.set,
    clear: options.clear,
    propagation: [],
  });
}

/** Before mount_setattr(2): the mount is visible for a moment without its attributes, to this process only. */
function remount(builder: PlanBuilder, target: string, options: MountOptions): void {
  const { flag, recursive } = options.propagation ?? { flag: "MS_PRIVATE" as const, recursive: true };
  const call = { call: "mount", source: null, target, fsType: null, data: "" } as const;
  builder.add({ ...call, flags: recursive ? [flag, "MS_REC"] : [flag] });
  const wanted = mountFlagsOf([...options.set, ...options.recursiveSet]);
  if (wanted.length > 0) builder.add({ ...call, flags: ["MS_REMOUNT", "MS_BIND", ...wanted] });
}

function fileSystemOf(
  builder: PlanBuilder,
  mount: SpecMount,
  options: MountOptions,
  { console, copiedUp, mountLabel }: SourceContext,
): string {
  if (mount.type === "devpts" && console !== undefined) return "devpts";
  const label =
    mountLabel === undefined || !labelled.has(mount.type ?? "")
      ? []
      : [{ key: "context", value: mountLabel }];
  return (
    copiedUp.get(mount) ??
    makeFileSystem(builder, mount.type ?? "", [...options.data, ...label], options.set, mount.source)
  );
}

/** What runc gives the container's SELinux label: proc and sysfs have labels of their own. */
const labelled: ReadonlySet<string> = new Set(["tmpfs", "devpts", "mqueue", "ramfs"]);

/** A detached mount of a new superblock; its descriptor's name. */
export function makeFileSystem(
  builder: PlanBuilder,
  fsType: string,
  data: MountOptions["data"],
  attributes: readonly MountAttribute[],
  source?: string,
): string {
  const context = builder.name(`${fsType}-fs`);
  const fd = builder.name(fsType);
  builder.add({ call: "fsopen", fsType, keep: context });
  if (source !== undefined) configure(builder, context, "source", source);
  for (const { key, value } of data) configure(builder, context, key, value);
  builder.add(
    { call: "fsconfig", fd: context, command: "FSCONFIG_CMD_CREATE", key: null, value: null },
    { call: "fsmount", fd: context, attributes, keep: fd },
    { call: "close", fd: context },
  );
  return fd;
}

function configure(builder: PlanBuilder, fd: string, key: string, value: string | null): void {
  const command = value === null ? "FSCONFIG_SET_FLAG" : "FSCONFIG_SET_STRING";
  builder.add({ call: "fsconfig", fd, command, key, value });
}
