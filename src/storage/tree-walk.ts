/**
 * A directory tree member by member, sorted by name, each directory before what is in it.
 *
 * Never leaves the tree, even while somebody hostile changes it: every directory is opened by its own name below its
 * parent's descriptor (O_NOFOLLOW), and members are named relative to that, so no path has a link on its way. It
 * takes one descriptor a level, and no path grows longer than PATH_MAX. Names are bytes kept one a character.
 */
import { type BigIntStats, closeSync, constants, fstatSync, lstatSync, openSync, readdirSync } from "node:fs";
import { BockerError } from "../errors.ts";

export interface TreeMember {
  /** From the root, without "./" in front; a directory's ends in a slash, the root's own is "./". */
  readonly name: string;
  /** Where it is, for calls that do not follow a last link. Good until the next member is asked for. */
  readonly path: string;
  readonly stat: BigIntStats;
}

/** Decides what is walked; see the layer packers. */
export interface WalkOptions {
  /** False: the directory is named, and what is in it is not. */
  readonly enters?: (member: TreeMember) => boolean;
}

const directoryFlags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** Levels of directories that are walked: twice what any path can name. */
const deepest = 4096;

/** Walks the directory `root`: a path, of which links are followed, or a descriptor, which stays the caller's. */
export function* walkTree(root: string | number, options: WalkOptions = {}): Generator<TreeMember> {
  const path = typeof root === "number" ? `/proc/self/fd/${root}` : Buffer.from(root).toString("latin1");
  const fd = openSync(asBytes(`${path}/.`), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    yield { name: "./", path: `/proc/self/fd/${fd}/.`, stat: fstatSync(fd, { bigint: true }) };
    yield* walkOpen(fd, "", options, 0);
  } finally {
    closeSync(fd);
  }
}

function* walkOpen(fd: number, prefix: string, options: WalkOptions, depth: number): Generator<TreeMember> {
  if (depth > deepest)
    throw new BockerError(`directories are nested more than ${deepest} deep`, { kind: "conflict" });
  for (const name of sortedNames(fd)) {
    const path = `/proc/self/fd/${fd}/${name}`;
    const stat = statUnlessGone(path);
    if (stat === undefined) continue;
    const isDirectory = stat.isDirectory();
    const member = { name: `${prefix}${name}${isDirectory ? "/" : ""}`, path, stat };
    yield member;
    if (isDirectory && options.enters?.(member) !== false) yield* walkDirectory(member, options, depth + 1);
  }
}

function* walkDirectory(member: TreeMember, options: WalkOptions, depth: number): Generator<TreeMember> {
  const fd = openUnlessGone(member.path, directoryFlags);
  if (fd === undefined) return;
  try {
    yield* walkOpen(fd, member.name, options, depth);
  } finally {
    closeSync(fd);
  }
}

/** In the order of their bytes; none where the directory has been removed since it was opened. */
export function sortedNames(fd: number): readonly string[] {
  const names = unlessGone(() => readdirSync(`/proc/self/fd/${fd}`, { encoding: "buffer" })) ?? [];
  return names.map((name) => Buffer.from(name).toString("latin1")).sort();
}

/** Not of what a link leads to; undefined for what is no longer there. */
export function statUnlessGone(path: string): BigIntStats | undefined {
  return unlessGone(() => lstatSync(asBytes(path), { bigint: true }));
}

/** Opens what is there under its own name; undefined when it is no longer there, or something else by now. */
export function openUnlessGone(path: string, flags: number): number | undefined {
  const { O_NOFOLLOW, O_NONBLOCK, O_NOCTTY } = constants;
  return unlessGone(() => {
    try {
      return openSync(asBytes(path), flags | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
    } catch (error) {
      // EACCES: a device by now, on a mount without devices. Of a file it is an error like any other.
      const stat = statUnlessGone(path);
      if (stat !== undefined && !stat.isFile() && !stat.isDirectory()) return undefined;
      throw error;
    }
  });
}

/**
 * What the kernel says of a name that was there a moment ago. ESTALE: another file has its place below an overlay;
 * EINVAL: readlink's word for what is no link.
 */
const goneCodes: readonly unknown[] = ["ENOENT", "ENOTDIR", "ELOOP", "ENXIO", "ESTALE", "EINVAL"];

/** The result, or undefined where the file was removed or replaced meanwhile. Any other error is thrown. */
export function unlessGone<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Error && "code" in error && goneCodes.includes(error.code)) return undefined;
    throw error;
  }
}

/** A path whose bytes are one a character, for node:fs. */
export function asBytes(latin1: string): Buffer {
  return Buffer.from(latin1, "latin1");
}
