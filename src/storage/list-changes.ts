/**
 * What a container has changed in its root file system, as `diff` lists it: added, changed and deleted paths.
 *
 * Of overlay's upper directory every member is looked up in the image's tree; the other drivers' whole copies are held
 * against it. Order and rules are moby's (pkg/archive/changes.go): a directory whose own attributes are the same counts as
 * changed when something was added to it or deleted from it. Names are bytes kept one a character.
 */
import { closeSync, constants, fstatSync } from "node:fs";
import { openat2 } from "../../ffi/file.ts";
import { bytePath } from "../../ffi/file-metadata.ts";
import { openFlags, resolveFlags } from "../../ffi/flags.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { isOpaque, isSame, isWhiteout, memberAt } from "./pack-layer.ts";
import { openUnlessGone, sortedNames, type TreeMember, walkTree } from "./tree-walk.ts";

export interface TreeChange {
  readonly kind: "added" | "changed" | "deleted";
  /** Absolute. */
  readonly path: string;
}

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY;

/** Changes that an overlay's upper directory makes to the tree `base`; two descriptors, undefined: an empty tree. */
export function listUpperChanges(base: number | undefined, upper: number): readonly TreeChange[] {
  const list = new ChangeList();
  for (const member of walkTree(upper)) {
    if (member.name === "./") continue;
    const path = pathOf(member.name);
    if (isWhiteout(member.stat)) {
      list.add("deleted", path);
      continue;
    }
    const old = base === undefined ? undefined : lookUp(base, path);
    if (!member.stat.isDirectory()) list.add(old === undefined ? "added" : "changed", path);
    else list.directory(path, old === undefined, old !== undefined && isSameDirectory(old, member.stat));
    const hides = old?.isDirectory() === true && member.stat.isDirectory() && isOpaque(member.path);
    if (hides && base !== undefined) listHidden(list, base, member, path);
  }
  return list.changes;
}

/** Changes that turn the tree `base` into the tree `changed`. */
export function listDifferences(base: number | undefined, changed: number): readonly TreeChange[] {
  const list = new ChangeList();
  compareDirectories(list, base, changed, "");
  return list.changes;
}

class ChangeList {
  readonly changes: TreeChange[] = [];
  readonly #directories = new Set(["/"]);

  add(kind: TreeChange["kind"], path: string): void {
    const parent = path.slice(0, Math.max(1, path.lastIndexOf("/")));
    if (kind !== "changed" && !this.#directories.has(parent)) {
      this.#directories.add(parent);
      this.changes.push({ kind: "changed", path: parent });
    }
    this.changes.push({ kind, path });
  }

  directory(path: string, isNew: boolean, isSameAsBefore: boolean): void {
    if (isSameAsBefore) return;
    this.#directories.add(path);
    this.add(isNew ? "added" : "changed", path);
  }
}

type Stat = TreeMember["stat"];

/** Never through a link: in the image another file may be a link where the container has a directory. */
function lookUp(base: number, path: string): Stat | undefined {
  const flags = openFlags.O_PATH | openFlags.O_NOFOLLOW;
  const resolve = resolveFlags.RESOLVE_BENEATH | resolveFlags.RESOLVE_NO_SYMLINKS;
  try {
    const fd = openat2(base, bytePath(path.slice(1)), flags, resolve);
    try {
      return fstatSync(fd, { bigint: true });
    } finally {
      closeSync(fd);
    }
  } catch (error) {
    // ENAMETOOLONG: a container can make such a path step by step; layers, which are unpacked by path, have none.
    if (isErrno(error, "ENOENT", "ENOTDIR", "ELOOP", "ENAMETOOLONG")) return undefined;
    throw error;
  }
}

function isSameDirectory(old: Stat, now: Stat): boolean {
  return (
    old.isDirectory() &&
    old.mode === now.mode &&
    old.uid === now.uid &&
    old.gid === now.gid &&
    old.mtimeNs === now.mtimeNs
  );
}

/** A directory that was removed and made again hides what the image has in it. */
function listHidden(list: ChangeList, base: number, member: TreeMember, path: string): void {
  const flags = openFlags.O_RDONLY | openFlags.O_DIRECTORY;
  const resolve = resolveFlags.RESOLVE_BENEATH | resolveFlags.RESOLVE_NO_SYMLINKS;
  const old = openat2(base, bytePath(path.slice(1)), flags, resolve);
  const now = openUnlessGone(member.path, directoryFlags);
  try {
    const kept = new Set(now === undefined ? [] : sortedNames(now));
    for (const name of sortedNames(old)) if (!kept.has(name)) list.add("deleted", `${path}/${name}`);
  } finally {
    closeSync(old);
    if (now !== undefined) closeSync(now);
  }
}

function compareDirectories(
  list: ChangeList,
  base: number | undefined,
  changed: number,
  prefix: string,
): void {
  const now = new Set(sortedNames(changed));
  const before = base === undefined ? [] : sortedNames(base);
  for (const name of [...new Set([...now, ...before])].sort()) {
    if (now.has(name)) compareMember(list, base, changed, prefix, name);
    else list.add("deleted", `/${prefix}${name}`);
  }
}

function compareMember(
  list: ChangeList,
  base: number | undefined,
  changed: number,
  prefix: string,
  name: string,
): void {
  const member = memberAt(changed, prefix, name);
  if (member === undefined) return;
  const old = base === undefined ? undefined : memberAt(base, prefix, name);
  const path = `/${prefix}${name}`;
  if (!member.stat.isDirectory()) {
    if (old === undefined || !isSame(old, member)) list.add(old === undefined ? "added" : "changed", path);
    return;
  }
  list.directory(path, old === undefined, old !== undefined && isSameDirectory(old.stat, member.stat));
  const within = openUnlessGone(member.path, directoryFlags);
  if (within === undefined) return;
  const below = old?.stat.isDirectory() === true ? openUnlessGone(old.path, directoryFlags) : undefined;
  try {
    compareDirectories(list, below, within, member.name);
  } finally {
    closeSync(within);
    if (below !== undefined) closeSync(below);
  }
}

function pathOf(name: string): string {
  return `/${name.endsWith("/") ? name.slice(0, -1) : name}`;
}
