/** A tree deeper than a path can say, as a program makes it that steps into each directory. */
import { closeSync, mkdirSync, openSync } from "node:fs";
import { mkdirat, openat } from "../../ffi/file.ts";
import { openFlags } from "../../ffi/flags.ts";

/** Makes the directory `path` and `levels` directories called `name` below one another; the lowest holds `leaf`, a directory. */
export function makeDeepTree(path: string, levels: number, name = "d", leaf = "leaf"): void {
  mkdirSync(path);
  let here = openSync(path, openFlags.O_DIRECTORY);
  for (let level = 0; level < levels; level++) {
    mkdirat(here, name, 0o755);
    const below = openat(here, name, openFlags.O_DIRECTORY);
    closeSync(here);
    here = below;
  }
  mkdirat(here, leaf, 0o755);
  closeSync(here);
}
