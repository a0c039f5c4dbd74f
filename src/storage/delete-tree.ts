/**
 * Deletes a directory tree that somebody hostile may have made, in time that grows with the number of its files alone.
 *
 * Every directory is opened by its own name below its parent's descriptor, so that no link is followed and no path is too long.
 * Trees may be deeper than there are descriptors, or than a stack reaches: what lies deep is first moved to the top.
 * Files that a container made immutable or append-only (chattr +i, +a) are unlocked.
 */
import { closeSync, constants, lstatSync, openSync } from "node:fs";
import { basename, dirname } from "node:path";
import { renameat2, tryUnlinkat } from "../../ffi/file.ts";
import { clearProtection } from "../../ffi/file-metadata.ts";
import { atFlags } from "../../ffi/flags.ts";
import { randomHex } from "../host/random-id.ts";
import { directoryNames } from "./directory-names.ts";

/** Levels that are gone down before a directory is moved up. */
const deepest = 64;

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** True when nothing is left at `path`; false when something resists, and then the rest is gone nevertheless. */
export function deleteTree(path: string): boolean {
  const parent = openSync(dirname(path), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    return new TreeDeletion().remove(parent, Buffer.from(basename(path)), 0);
  } finally {
    closeSync(parent);
  }
}

class TreeDeletion {
  /** The tree's own directory, while what is in it is removed. */
  #top = -1;
  /** Names of directories that were moved there. */
  readonly #moved: Buffer[] = [];

  /** Removes a member of an open directory, whatever it is. */
  remove(parent: number, name: Buffer, depth: number): boolean {
    if (tryUnlinkat(parent, terminated(name))) return true;
    const path = pathBelow(parent, name);
    const stat = lstatSync(path, { throwIfNoEntry: false });
    if (stat === undefined) return true;
    if (stat.isDirectory()) {
      if (depth >= deepest && this.#moveUp(parent, name)) return true;
      if (!this.#empty(path, depth)) return false;
    } else if (stat.isFile()) unlock(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    return removeUnlocked(parent, name, stat.isDirectory() ? atFlags.AT_REMOVEDIR : 0);
  }

  #empty(path: Buffer, depth: number): boolean {
    const fd = openSync(path, directoryFlags);
    try {
      clearProtection(fd);
      if (depth === 0) this.#top = fd;
      const left = directoryNames(fd).filter((name) => !this.remove(fd, name, depth + 1));
      return (depth > 0 || this.#emptyMoved()) && left.length === 0;
    } finally {
      closeSync(fd);
    }
  }

  /** False where the kernel refuses it: then it is emptied where it is. */
  #moveUp(parent: number, name: Buffer): boolean {
    const moved = Buffer.from(`moved-${randomHex(8)}`);
    try {
      unlock(pathBelow(parent, name), directoryFlags);
      renameat2(parent, terminated(name), this.#top, terminated(moved));
    } catch {
      return false;
    }
    this.#moved.push(moved);
    return true;
  }

  #emptyMoved(): boolean {
    let isGone = true;
    for (let name = this.#moved.pop(); name !== undefined; name = this.#moved.pop())
      isGone = this.remove(this.#top, name, 1) && isGone;
    return isGone;
  }
}

/** Unlocks only when it must: attributes are looked up by opening. */
function removeUnlocked(parent: number, name: Buffer, flags: number): boolean {
  if (tryUnlinkat(parent, terminated(name), flags)) return true;
  clearProtection(parent);
  return tryUnlinkat(parent, terminated(name), flags);
}

/** Only plain files and directories can be protected, and only they can be opened without side effects. */
export function unlock(path: Buffer | string, flags: number): void {
  const fd = openSync(path, flags);
  try {
    clearProtection(fd);
  } finally {
    closeSync(fd);
  }
}

function pathBelow(parent: number, name: Buffer): Buffer {
  return Buffer.concat([Buffer.from(`/proc/self/fd/${parent}/`), name]);
}

function terminated(name: Buffer): Buffer {
  return Buffer.concat([name, Buffer.alloc(1)]);
}
