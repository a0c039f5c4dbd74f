/**
 * Where a step's mounts go, made beforehand in a directory below all layers: what a launcher would have to make in the
 * container's root would be in the step's layer.
 *
 * Where the layers hide the lowest directory (a whiteout, an opaque directory) the launcher makes places all the same;
 * those are told, and taken away from the upper directory after the step if nobody has put anything in them.
 */
import { chmodSync, closeSync, lstatSync, mkdirSync, openSync, rmdirSync, unlinkSync } from "node:fs";
import { CopyTarget } from "../../build/copy/copy-target.ts";
import { probeBindSources } from "../../runtime/bind-source.ts";
import type { Spec } from "../../spec/oci.ts";

/** A place for a mount; its path's bytes are one a character, and it has no links. */
export interface MountPlace {
  readonly path: string;
  readonly kind: "file" | "directory";
}

/**
 * Places of the Spec's mounts in the tree `root`, parents first. `files`: sources that are files though the host's paths do
 * not say so.
 */
export function planPlaces(root: number, spec: Spec, files: readonly string[]): readonly MountPlace[] {
  const target = new CopyTarget(root);
  const mounts = spec.mounts ?? [];
  const kinds = probeBindSources(spec);
  const isHidden = (path: string) => mounts.some(({ destination }) => path.startsWith(`${destination}/`));
  const places = new Map<string, MountPlace>();
  for (const { destination, source = "", type } of mounts) {
    if (isHidden(destination)) continue;
    const isFile = type === "bind" && (kinds[source] === "file" || files.includes(source));
    const path = target.resolve(Buffer.from(destination).toString("latin1"));
    const names = path.split("/").slice(1);
    names.forEach((_, index) => {
      const above = `/${names.slice(0, index + 1).join("/")}`;
      const kind = isFile && index === names.length - 1 ? "file" : "directory";
      if (above !== "/" && !places.has(above)) places.set(above, { path: above, kind });
    });
  }
  return [...places.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Makes the places in the empty directory `folder`. */
export function makePlaces(folder: string, places: readonly MountPlace[]): void {
  for (const { path, kind } of places) {
    const place = asBytes(folder + path);
    if (kind === "directory") mkdirSync(place);
    else closeSync(openSync(place, "wx"));
    // Whatever our umask says: a step that writes beside the mount has the directory in its layer.
    chmodSync(place, kind === "directory" ? 0o755 : 0o644);
  }
}

/** Those that are not to be seen in the root; the launcher will make them. */
export function missingPlaces(root: number, places: readonly MountPlace[]): readonly MountPlace[] {
  return places.filter(
    ({ path }) => lstatSync(asBytes(`/proc/self/fd/${root}${path}`), { throwIfNoEntry: false }) === undefined,
  );
}

/** Takes away from `folder` what has been made of the places and is still empty. */
export function removePlaces(folder: string, places: readonly MountPlace[]): void {
  for (const { path } of places.toReversed()) {
    const place = asBytes(folder + path);
    const stat = lstatSync(place, { throwIfNoEntry: false });
    try {
      if (stat?.isDirectory()) rmdirSync(place);
      else if (stat?.isFile() && stat.size === 0) unlinkSync(place);
    } catch (error) {
      // Something is in it: it is the step's own now.
      if ((error as NodeJS.ErrnoException).code !== "ENOTEMPTY") throw error;
    }
  }
}

function asBytes(path: string): Buffer {
  return Buffer.from(path, "latin1");
}
