/**
 * Removes a directory tree for good, fast and without following a symbolic link.
 *
 * First the tree is renamed into tmp/ (a crash from here on leaves only what the sweep removes, and the name is
 * free at once), then deleted (delete-tree.ts). What resists even that stays in tmp/ for the next sweep.
 */
import { constants, lstatSync, mkdirSync, renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { Paths } from "../host/paths.ts";
import { randomHex } from "../host/random-id.ts";
import { deleteTree, unlock } from "./delete-tree.ts";

/** Removes `path` if it is there. True when nothing of it is left. */
export function removeTree(paths: Paths, path: string): boolean {
  const trash = dirname(path) === paths.tmp ? path : moveToTrash(paths, path);
  return trash === undefined || isDeleted(trash);
}

/** What cannot even be looked at counts as left. */
function isDeleted(path: string): boolean {
  try {
    return deleteTree(path);
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
      else if (code === "EPERM" && attempt === "first")
        unlock(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
      else return path;
    }
  }
  return path;
}
