/**
 * Removes a directory tree for good, fast and without following a symbolic link.
 *
 * First the tree is renamed into tmp/ (a crash from here on leaves only what the sweep removes, and the name is
 * free at once), then deleted. Files that a container made immutable or append-only (chattr +i, +a) are unlocked;
 * what still resists stays in tmp/ for the next sweep.
 */
import {
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { clearProtection } from "../../ffi/file-metadata.ts";
import type { Paths } from "../host/paths.ts";
import { randomHex } from "../host/random-id.ts";

/** Removes `path` if it is there. True when nothing of it is left. */
export function removeTree(paths: Paths, path: string): boolean {
  const trash = dirname(path) === paths.tmp ? path : moveToTrash(paths, path);
  return trash === undefined || deleteTree(trash);
}

/** True when there is nothing (left) at `path`, without moving it first: for what lies under tmp/ already. */
function deleteTree(path: string): boolean {
  try {
    rmSync(path, { recursive: true, force: true });
    return true;
  } catch {
    unlockTree(path);
  }
  try {
    rmSync(path, { recursive: true, force: true });
    return true;
  } catch {
    return false;
  }
}

/** The new path, or undefined when there was nothing. Another file system (a moved tmp/) is deleted in place. */
function moveToTrash(paths: Paths, path: string): string | undefined {
  const trash = join(paths.tmp, `trash-${basename(path).slice(0, 64)}.${randomHex(4)}`);
  for (const attempt of ["first", "unlocked"]) {
    try {
      renameSync(path, trash);
      return trash;
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (lstatSync(path, { throwIfNoEntry: false }) === undefined) return undefined;
      if (code === "ENOENT") mkdirSync(paths.tmp, { recursive: true, mode: 0o700 });
      else if (code === "EPERM" && attempt === "first") unlock(path);
      else return path;
    }
  }
  return path;
}

/** Only plain files and directories can be protected, and only they can be opened without side effects. */
function unlockTree(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat?.isDirectory()) {
    unlock(path);
    for (const name of readdirSync(path)) unlockTree(join(path, name));
  } else if (stat?.isFile()) unlock(path);
}

function unlock(path: string): void {
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    clearProtection(fd);
  } finally {
    closeSync(fd);
  }
}
