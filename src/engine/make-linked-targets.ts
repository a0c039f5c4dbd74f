/**
 * Where a Spec's mounts and working directory go, made beforehand when the image has a link to nowhere there.
 */
import { probeBindSources } from "../runtime/bind-source.ts";
import type { Spec } from "../spec/oci.ts";
import { makeLinkedTarget } from "../storage/mount-target.ts";

/** `rootFd`: the container's root, in which nothing runs or is mounted yet. */
export function makeLinkedTargets(rootFd: number, spec: Spec): void {
  const mounts = spec.mounts ?? [];
  const kinds = probeBindSources(spec);
  // What lies below another mount is not the image's.
  const isHidden = (path: string) => mounts.some(({ destination }) => path.startsWith(`${destination}/`));
  for (const { type, destination, source = "" } of mounts) {
    // Refused on a link, whatever it leads to.
    if (type === "proc" || type === "sysfs" || isHidden(destination)) continue;
    makeLinkedTarget(rootFd, { path: destination, kind: kinds[source] ?? "directory" });
  }
  const cwd = spec.process?.cwd ?? "/";
  if (!isHidden(cwd)) makeLinkedTarget(rootFd, { path: cwd, kind: "directory" });
}
