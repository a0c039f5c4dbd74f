/**
 * How many bytes the files of a tree hold, as docker counts a container's size: directories not at all, a file with several
 * names once.
 *
 * The tree may be a running container's, which changes it as it likes: every directory is opened below the one before,
 * without following a symbolic link, so that nothing outside is ever counted.
 */
import { closeSync, constants, lstatSync, openSync, readdirSync } from "node:fs";

/** Levels that are counted: what is below has no path that a program could say (PATH_MAX). */
const deepest = 2048;

/** 0 when there is nothing at `path`. */
export function writtenBytes(path: string): number {
  return countDirectory(Buffer.from(path), new Set(), 0);
}

function countDirectory(path: Buffer, seen: Set<string>, depth: number): number {
  if (depth > deepest) return 0;
  const fd = tryOpenDirectory(path);
  if (fd === undefined) return 0;
  try {
    const here = `/proc/self/fd/${fd}`;
    return readdirSync(here, { encoding: "buffer" }).reduce(
      (sum, name) => sum + countEntry(Buffer.concat([Buffer.from(`${here}/`), name]), seen, depth),
      0,
    );
  } finally {
    closeSync(fd);
  }
}

function countEntry(path: Buffer, seen: Set<string>, depth: number): number {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (stat.isDirectory()) return countDirectory(path, seen, depth + 1);
  const key = `${stat.dev}:${stat.ino}`;
  if (stat.nlink > 1 && seen.has(key)) return 0;
  seen.add(key);
  return stat.size;
}

/** Undefined: it has gone, has become something else, or there are no more descriptors. */
function tryOpenDirectory(path: Buffer): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW);
  } catch {
    return undefined;
  }
}
