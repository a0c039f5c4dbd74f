/**
 * What the bind mounts of a Spec are made from: planning has to know which are files.
 */
import { statSync } from "node:fs";
import { bindSourcesOf } from "../launch/bind-source.ts";
import type { Spec } from "../spec/oci.ts";

/** Kind of every bind mount's source. A missing one is left out: open_tree will say so. */
export function probeBindSources(spec: Spec): Readonly<Record<string, "file" | "directory">> {
  const kinds: Record<string, "file" | "directory"> = {};
  for (const source of bindSourcesOf(spec)) {
    const stat = statSync(source, { throwIfNoEntry: false });
    if (stat !== undefined) kinds[source] = stat.isDirectory() ? "directory" : "file";
  }
  return kinds;
}
