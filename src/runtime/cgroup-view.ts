/**
 * How a container sees /sys/fs/cgroup: the host's arrangement, with itself as the root. Pure.
 */
import { basename } from "node:path";
import type { CgroupHierarchy, CgroupMount } from "../cgroup/hierarchy.ts";
import type { CgroupView } from "../launch/context.ts";

/** docker's view: one v2 mount, or a directory for each v1 hierarchy and links for joint controllers. */
export function cgroupViewOf(hierarchy: CgroupHierarchy): CgroupView {
  if (hierarchy.mode === "v2") return { mode: "v2" };
  const v1 = hierarchy.mounts.filter((mount) => mount.version === 1);
  return {
    mode: "v1",
    hierarchies: v1.map((mount) => ({ directory: basename(mount.directory), options: optionsOf(mount) })),
    links: v1.flatMap(linksOf),
    unified: hierarchy.mounts.some((mount) => mount.version === 2),
  };
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
