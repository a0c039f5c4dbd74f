/**
 * Copies a directory tree with everything that makes a file what it is: owner, mode, times, xattrs, hard links,
 * devices. For trees that nobody changes meanwhile: a root file system whose container does not run.
 *
 * Blocks are shared (FICLONE) where the file system can. Symbolic links are copied, never followed: only what lstat
 * calls a directory is descended into. Names need not be UTF-8: inside, a path is its bytes, one a character.
 */
import {
  type BigIntStats,
  chmodSync,
  constants,
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  rmdirSync,
  symlinkSync,
  unlinkSync,
} from "node:fs";
import {
  bytePath,
  lchown,
  lgetxattr,
  llistxattr,
  lsetxattr,
  mknod,
  utimensat,
} from "../../ffi/file-metadata.ts";
import { hasOpaqueXattr, hiddenBy } from "./layer-mark.ts";

/** What the kernel keeps for overlayfs itself; not a file's own. */
const privateXattr = /^(?:trusted\.overlay\.|user\.overlay\.)/;

interface Copy {
  /** Files with several names, by device and inode: where their first name was copied to. */
  readonly seen: Map<string, string>;
  /** The source is an applied layer that goes over what the target has: see mergeLayer. */
  readonly merges: boolean;
}

/** Copies what is in `source` into the existing directory `target`, which takes on the source's attributes too. */
export function copyTree(source: string, target: string): void {
  copyInto(`${latin1(source)}/.`, latin1(target), { seen: new Map(), merges: false });
}

/**
 * As copyTree, for an applied layer over a tree that may have things already: its whiteouts remove, its opaque
 * directories hide, and what it has replaces what was there, as overlayfs would show it.
 */
export function mergeLayer(layer: string, target: string): void {
  copyInto(`${latin1(layer)}/.`, latin1(target), { seen: new Map(), merges: true });
}

function copyInto(source: string, target: string, copy: Copy): void {
  const names = readdirSync(path(source), "latin1");
  for (const name of copy.merges ? applyMarks(names, source, target) : names)
    copyEntry(`${source}/${name}`, `${target}/${name}`, copy);
  copyAttributes(source, target, lstatSync(path(source), { bigint: true }));
}

function copyEntry(source: string, target: string, copy: Copy): void {
  const stat = lstatSync(path(source), { bigint: true });
  if (copy.merges) {
    const isOpaque = stat.isDirectory() && hasOpaqueXattr(source);
    clearTarget(target, stat.isDirectory() && !isOpaque);
    if (isWhiteout(stat)) return;
  }
  if (stat.isDirectory()) {
    makeDirectory(target);
    copyInto(source, target, copy);
  } else copyFile(source, target, stat, copy.seen);
}

function copyFile(source: string, target: string, stat: BigIntStats, seen: Map<string, string>): void {
  const key = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1n ? seen.get(key) : undefined;
  if (first !== undefined) {
    linkSync(path(first), path(target));
    return;
  }
  if (stat.isSymbolicLink()) symlinkSync(path(readlinkSync(path(source), "latin1")), path(target));
  else if (stat.isFile()) copyFileSync(path(source), path(target), constants.COPYFILE_FICLONE);
  else mknod(bytePath(target), Number(stat.mode), Number(stat.rdev));
  if (stat.nlink > 1n) seen.set(key, target);
  copyAttributes(source, target, stat);
}

/** Removes from the target what files of the layer say is hidden, before anything is added; gives the other names. */
function applyMarks(names: readonly string[], source: string, target: string): readonly string[] {
  return names.filter((name) => {
    const hidden = hiddenBy(name, () => lstatSync(path(`${source}/${name}`), { bigint: true }));
    if (hidden === undefined) return true;
    const gone = hidden.name === undefined ? readdirSync(path(target), "latin1") : [hidden.name];
    for (const child of gone) clearTarget(`${target}/${child}`, false);
    return false;
  });
}

/** overlayfs's mark for a name that the layers below have and this one takes away. */
function isWhiteout(stat: BigIntStats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0n;
}

/** Takes away what is at `target`; a directory stays where another one is merged into it. */
function clearTarget(target: string, keepsDirectory: boolean): void {
  const stat = lstatSync(path(target), { throwIfNoEntry: false });
  if (stat === undefined || (stat.isDirectory() && keepsDirectory)) return;
  removeAll(target, stat.isDirectory());
}

/** Not rmSync: its names are UTF-8. */
function removeAll(target: string, isDirectory: boolean): void {
  if (!isDirectory) {
    unlinkSync(path(target));
    return;
  }
  for (const entry of readdirSync(path(target), { withFileTypes: true, encoding: "latin1" }) as Entry[])
    removeAll(`${target}/${entry.name}`, entry.isDirectory());
  rmdirSync(path(target));
}

interface Entry {
  readonly name: string;
  isDirectory(): boolean;
}

function makeDirectory(target: string): void {
  try {
    mkdirSync(path(target), { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}

/** Owner before mode: chown clears setuid and setgid. Times last. */
function copyAttributes(source: string, target: string, stat: BigIntStats): void {
  const [from, to] = [bytePath(source), bytePath(target)];
  lchown(to, Number(stat.uid), Number(stat.gid));
  if (!stat.isSymbolicLink()) chmodSync(path(target), Number(stat.mode & 0o7777n));
  for (const name of llistxattr(from)) {
    const value = privateXattr.test(name) ? undefined : lgetxattr(from, name);
    if (value !== undefined) lsetxattr(to, name, value);
  }
  utimensat(to, timeOf(stat.atimeNs), timeOf(stat.mtimeNs));
}

/** Nanoseconds count upwards from the second, also before 1970. */
function timeOf(ns: bigint): { readonly seconds: number; readonly nanoseconds: number } {
  const billion = 1_000_000_000n;
  const rest = ((ns % billion) + billion) % billion;
  return { seconds: Number((ns - rest) / billion), nanoseconds: Number(rest) };
}

/** Text as its UTF-8 bytes, one a character. */
function latin1(text: string): string {
  return Buffer.from(text).toString("latin1");
}

/** Such bytes for node:fs. */
function path(bytes: string): Buffer {
  return Buffer.from(bytes, "latin1");
}
