/**
 * The container's /dev: nodes, links and the console, in what the Spec mounts there, or else in its root.
 *
 * Follows config-linux.md "Default Devices" and runc: nothing is done where the Spec binds another /dev.
 */
import { capabilityMask } from "../security/capability.ts";
import type { Spec, SpecDevice } from "../spec/oci.ts";
import type { StartContext } from "./context.ts";
import { inParent, makeTarget } from "./make-target.ts";
import { attachAt, openTarget } from "./open-target.ts";
import type { PlanBuilder } from "./plan-builder.ts";
import { isBindMount } from "./plan-mounts.ts";
import { hasUserNamespace } from "./plan-namespaces.ts";

const defaultDevices: readonly SpecDevice[] = [
  { type: "c", path: "/dev/null", major: 1, minor: 3 },
  { type: "c", path: "/dev/zero", major: 1, minor: 5 },
  { type: "c", path: "/dev/full", major: 1, minor: 7 },
  { type: "c", path: "/dev/random", major: 1, minor: 8 },
  { type: "c", path: "/dev/urandom", major: 1, minor: 9 },
  { type: "c", path: "/dev/tty", major: 5, minor: 0 },
];

const links: readonly (readonly [path: string, target: string])[] = [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
  ["/dev/core", "/proc/kcore"],
  ["/dev/ptmx", "pts/ptmx"],
];

const fileType: Readonly<Record<SpecDevice["type"], number>> = {
  c: 0o020000,
  u: 0o020000,
  b: 0o060000,
  p: 0o010000,
};

/** Descriptor names of the host's nodes, by path, where the container gets those and no new ones. */
export type DeviceSources = ReadonlyMap<string, string>;

/**
 * Clones the host's device nodes where none can be made: in a user namespace mknod(2) is refused, and so it is without
 * CAP_MKNOD. By the host's root, before its tree is out of reach.
 */
export function openDevices(builder: PlanBuilder, spec: Spec, context: StartContext): DeviceSources {
  const sources = new Map<string, string>();
  const canMake = (context.availableCapabilities & capabilityMask(["CAP_MKNOD"])) !== 0n;
  if (!ownsDev(spec) || (canMake && !hasUserNamespace(spec))) return sources;
  for (const { path, type } of devicesOf(spec)) {
    if (type === "p") continue;
    const fd = builder.name("device");
    const flags = ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC"] as const;
    builder.step(`binding device node ${path}`);
    builder.add({ call: "open_tree", dirfd: "AT_FDCWD", path, flags, keep: fd });
    sources.set(path, fd);
  }
  return sources;
}

/** Device nodes, the usual links, and /dev/console over the pty where there is one. The umask is 0 here. */
export function planDevices(
  builder: PlanBuilder,
  spec: Spec,
  context: StartContext,
  sources: DeviceSources,
): void {
  if (!ownsDev(spec)) return;
  builder.step("creating /dev");
  makeTarget(builder, "/dev", "directory");
  for (const device of devicesOf(spec)) {
    const source = sources.get(device.path);
    if (source === undefined) makeDevice(builder, device);
    else bindDevice(builder, device.path, source);
  }
  for (const [path, target] of links) {
    builder.step(`creating ${path}`);
    inParent(builder, path, (dirfd, name) => {
      builder.add({ call: "symlinkat", target, dirfd, path: name, ignore: ["EEXIST"] });
    });
  }
  if (context.console !== undefined) bindConsole(builder);
}

/** Whether nodes are made in /dev: it is not a directory of somebody else's that is mounted there. */
export function ownsDev(spec: Spec): boolean {
  const dev = spec.mounts?.findLast((mount) => mount.destination === "/dev");
  return dev === undefined || !isBindMount(dev);
}

function devicesOf(spec: Spec): readonly SpecDevice[] {
  const byPath = new Map<string, SpecDevice>();
  for (const device of [...defaultDevices, ...(spec.linux?.devices ?? [])]) byPath.set(device.path, device);
  return [...byPath.values()];
}

function makeDevice(builder: PlanBuilder, device: SpecDevice): void {
  const { path, uid = 0, gid = 0 } = device;
  builder.step(`creating device node ${path}`);
  const parent = path.slice(0, path.lastIndexOf("/"));
  if (parent !== "/dev" && parent !== "") makeTarget(builder, parent, "directory");
  inParent(builder, path, (dirfd, name) => {
    builder.add({
      call: "mknodat",
      dirfd,
      path: name,
      mode: fileType[device.type] | ((device.fileMode ?? 0o666) & 0o7777),
      major: device.major ?? 0,
      minor: device.minor ?? 0,
      ignore: ["EEXIST"],
    });
    if (uid !== 0 || gid !== 0) {
      builder.add({ call: "fchownat", dirfd, path: name, uid, gid, flags: ["AT_SYMLINK_NOFOLLOW"] });
    }
  });
}

function bindDevice(builder: PlanBuilder, path: string, source: string): void {
  builder.step(`binding device node ${path}`);
  makeTarget(builder, path, "file");
  attachFile(builder, source, path);
}

function attachFile(builder: PlanBuilder, source: string, path: string): void {
  const target = openTarget(builder, { destination: path }, "file");
  attachAt(builder, source, target);
  builder.add({ call: "close", fd: target }, { call: "close", fd: source });
}

/** The pty by standard input, not by a path that the image could have a link on (CVE-2025-52565). */
function bindConsole(builder: PlanBuilder): void {
  const fd = builder.name("console");
  const flags = ["OPEN_TREE_CLONE", "OPEN_TREE_CLOEXEC", "AT_EMPTY_PATH"] as const;
  builder.step("binding the pty to /dev/console");
  makeTarget(builder, "/dev/console", "file");
  builder.add({ call: "open_tree", dirfd: 0, path: "", flags, keep: fd });
  attachFile(builder, fd, "/dev/console");
}
