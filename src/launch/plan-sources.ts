/**
 * Where a container's mounts come from: all of them made, ready and detached, before its root is entered.
 *
 * Binds are cloned from the host's tree first, by the host's root, while shared volumes still have their peers. File
 * systems are made after that, in the container's own user namespace if it has one: they then belong to its root. Those
 * that show what it does not own are the host's root's to make too.
 */
import type { Spec, SpecMount } from "../spec/oci.ts";
import type { StagedMount, StartContext } from "./context.ts";
import { parseMountOptions } from "./mount-option.ts";
import type { PlanBuilder } from "./plan-builder.ts";
import { type OwnCgroups, openOwnCgroups } from "./plan-cgroup-view.ts";
import { type DeviceSources, openDevices } from "./plan-devices.ts";
import {
  isBindMount,
  isCgroup,
  type PreparedMount,
  prepareBind,
  prepareFileSystem,
  type SourceContext,
} from "./plan-mounts.ts";
import { enterUserNamespace, hasUserNamespace } from "./plan-namespaces.ts";
import { privatize } from "./plan-root.ts";
import { isForeign } from "./user-namespace.ts";

export interface Sources {
  /** Every mount but the cgroup views, in the Spec's order. */
  readonly mounts: readonly PreparedMount[];
  readonly devices: DeviceSources;
  readonly cgroups: OwnCgroups;
}

/** Makes the mounts and enters the user namespace. The tree is private from then on. */
export function planSources(builder: PlanBuilder, spec: Spec, context: SourceContext): Sources {
  const all = (spec.mounts ?? []).filter((mount) => !isCgroup(mount));
  const mounts = all.filter((mount) => !isRemount(mount));
  const inOrder = !hasUserNamespace(spec) && (context.staged ?? []).length === 0;
  const early = inOrder
    ? mounts.map((mount) => prepare(builder, mount, context))
    : planBinds(builder, mounts.filter(isBindMount), context);
  const later = inOrder ? [] : mounts.filter((mount) => !isBindMount(mount));
  const devices = openDevices(builder, spec, context);
  const cgroups = openOwnCgroups(builder, spec, context);
  const [foreign, own] = partition(later, (mount) => isForeign(spec, mount));
  const made = foreign.map((mount) => prepareFileSystem(builder, mount, context));
  enterUserNamespace(builder, spec);
  made.push(...own.map((mount) => prepareFileSystem(builder, mount, context)));
  if (!isPrivate(spec, context)) privatize(builder);
  const prepared = new Map([...early, ...made].map((each) => [each.mount, each]));
  return { mounts: all.map((mount) => prepared.get(mount) ?? existing(mount)), devices, cgroups };
}

/** In the Spec's order where nothing stands against it: since Linux 6.8 mountinfo(5) lists mounts as they were made. */
function prepare(builder: PlanBuilder, mount: SpecMount, context: SourceContext): PreparedMount {
  return isBindMount(mount)
    ? prepareBind(builder, mount, context)
    : prepareFileSystem(builder, mount, context);
}

function partition<Item>(
  items: readonly Item[],
  belongs: (item: Item) => boolean,
): readonly [Item[], Item[]] {
  return [items.filter(belongs), items.filter((item) => !belongs(item))];
}

function isRemount({ options = [] }: SpecMount): boolean {
  return options.includes("remount");
}

/** Nothing to make. */
function existing(mount: SpecMount): PreparedMount {
  return { mount, options: parseMountOptions(mount.options ?? []), target: "directory" };
}

/** A new mount namespace is a copy whose mounts follow the host's again. */
function isPrivate(spec: Spec, { staged = [] }: StartContext): boolean {
  return staged.length > 0 && !hasUserNamespace(spec);
}

function planBinds(
  builder: PlanBuilder,
  binds: readonly SpecMount[],
  context: SourceContext,
): readonly PreparedMount[] {
  const { staged = [] } = context;
  const isStaged = ({ source = "" }: SpecMount) =>
    staged.some(({ path }) => source === path || source.startsWith(`${path}/`));
  const ready = binds
    .filter((mount) => !isStaged(mount))
    .map((mount) => prepareBind(builder, mount, context));
  if (staged.length === 0) return ready;
  privatize(builder);
  for (const each of staged) stage(builder, each);
  return [...ready, ...binds.filter(isStaged).map((mount) => prepareBind(builder, mount, context))];
}

function stage(builder: PlanBuilder, { fd, path }: StagedMount): void {
  const flags = ["MOVE_MOUNT_F_EMPTY_PATH"] as const;
  builder.step(`staging a mount at ${JSON.stringify(path)}`);
  builder.add({ call: "move_mount", fromFd: fd, from: "", toFd: "AT_FDCWD", to: path, flags });
}
