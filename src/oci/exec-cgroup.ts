/**
 * Which cgroup an exec enters: the container's, or with --cgroup one below it; where the container has moved its own
 * processes down on v2, theirs, since a cgroup with controllers for children takes no process itself (cgroups(7)).
 */
import { existsSync } from "node:fs";
import { tryReadFile } from "../cgroup/cgroup-file.ts";
import { type Cgroup, type CgroupMount, parseProcessCgroups } from "../cgroup/hierarchy.ts";
import { BockerError } from "../errors.ts";
import { usage } from "./option.ts";

/** `places`: words of `[CONTROLLER:]PATH`, relative to the container's cgroup. Throws for one that is not there. */
export function execCgroup(cgroup: Cgroup, places: readonly string[], initPid: number): Cgroup {
  const below = parsePlaces(places);
  for (const name of below.keys()) {
    if (name !== "" && !cgroup.directories.some(({ controllers }) => controllers.includes(name)))
      throw usage(`unknown controller ${JSON.stringify(name)} in --cgroup`);
  }
  return {
    path: cgroup.path,
    directories: cgroup.directories.map((mount) => {
      const sub = below.get("") ?? mount.controllers.map((name) => below.get(name)).find(Boolean);
      if (sub === undefined) return mount.version === 2 ? whereInitIs(mount, cgroup.path, initPid) : mount;
      const directory = `${mount.directory}/${sub}`;
      if (existsSync(directory)) return { ...mount, directory };
      throw new BockerError(
        `error adding pid to cgroup ${JSON.stringify(sub)}: ${directory}: no such file or directory`,
        {
          kind: "not-found",
        },
      );
    }),
  };
}

function parsePlaces(places: readonly string[]): ReadonlyMap<string, string> {
  const below = new Map<string, string>();
  for (const place of places) {
    const colon = place.indexOf(":");
    const path = place.slice(colon + 1).replace(/^\/+/, "");
    if (path.split("/").includes(".."))
      throw usage(`bad sub cgroup path: --cgroup ${JSON.stringify(place)} leaves the container's cgroup`);
    for (const controller of colon === -1 ? [""] : place.slice(0, colon).split(","))
      below.set(controller, path);
  }
  return below;
}

function whereInitIs(mount: CgroupMount, path: string, initPid: number): CgroupMount {
  const control = tryReadFile(`${mount.directory}/cgroup.subtree_control`)?.trim() ?? "";
  if (control === "") return mount;
  const own = parseProcessCgroups(tryReadFile(`/proc/${initPid}/cgroup`) ?? "").get("") ?? "";
  const sub = own.startsWith(`${path}/`) ? own.slice(path.length) : "";
  return { ...mount, directory: mount.directory + sub };
}
