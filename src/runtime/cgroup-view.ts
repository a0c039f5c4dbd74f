/**
 * How a container sees /sys/fs/cgroup: the host's arrangement, with itself as the root. Pure.
 */
import { basename } from "node:path";
import type { Cgroup, CgroupHierarchy, CgroupMount } from "../cgroup/hierarchy.ts";
import type { CgroupView } from "../launch/context.ts";

/**
 * docker's view: one v2 mount, or a directory for each v1 hierarchy and links for joint controllers. `cgroup` is the
 * container's own, for containers without a cgroup namespace.
 */
export function cgroupViewOf(hierarchy: CgroupHierarchy, cgroup?: Cgroup): CgroupView {
  const own = (mount: CgroupMount) => ownDirectory(mount, cgroup);
  const v2 = hierarchy.mounts.find((mount) => mount.version === 2);
  if (hierarchy.mode === "v2") return { mode: "v2", ...(v2 === undefined ? {} : own(v2)) };
  const v1 = hierarchy.mounts.filter((mount) => mount.version === 1);
  return {
    mode: "v1",
    hierarchies: v1.map((mount) => ({
      directory: basename(mount.directory),
      options: optionsOf(mount),
      ...own(mount),
    })),
    links: v1.flatMap(linksOf),
    ...(v2 === undefined ? {} : { unified: own(v2) }),
  };
}

/** The same tree's directory of the container. */
function ownDirectory(mount: CgroupMount, cgroup: Cgroup | undefined): { readonly own?: string } {
  const found = cgroup?.directories.find(
    ({ version, controllers }) =>
      version === mount.version && controllers.join() === mount.controllers.join(),
  );
  return found === undefined ? {} : { own: found.directory };
}

function optionsOf({ controllers }: CgroupMount): string {
  return controllers.map((name) => (name.startsWith("name=") ? `none,${name}` : name)).join(",");
}

function linksOf(mount: CgroupMount): readonly { readonly name: string; readonly target: string }[] {
  const target = basename(mount.directory);
  return mount.controllers
    .filter((name) => name !== target && !name.startsWith("name=") && mount.controllers.length > 1)
    .map((name) => ({ name, target }));
}
