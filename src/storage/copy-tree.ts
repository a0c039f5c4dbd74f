/**
 * Copies a directory tree with everything that makes a file what it is: owner, mode, times, xattrs, hard links,
 * devices. For trees that nobody changes meanwhile: a root file system whose container does not run.
 *
 * Symbolic links are copied, never followed: only what lstat calls a directory is descended into.
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
  symlinkSync,
} from "node:fs";
import { lchown, lgetxattr, llistxattr, lsetxattr, mknod, utimensat } from "../../ffi/file-metadata.ts";

/** What the kernel keeps for overlayfs itself; not a file's own. */
const privateXattr = /^(?:trusted\.overlay\.|user\.overlay\.)/;

/** Copies what is in `source` into the existing directory `target`, which takes on the source's attributes too. */
export function copyTree(source: string, target: string): void {
  const seen = new Map<string, string>();
  copyInto(`${source}/.`, target, seen);
}

function copyInto(source: string, target: string, seen: Map<string, string>): void {
  for (const name of readdirSync(source)) copyEntry(`${source}/${name}`, `${target}/${name}`, seen);
  copyAttributes(source, target, lstatSync(source, { bigint: true }));
}

function copyEntry(source: string, target: string, seen: Map<string, string>): void {
  const stat = lstatSync(source, { bigint: true });
  if (stat.isDirectory()) {
    mkdirSync(target, { mode: 0o700 });
    copyInto(source, target, seen);
    return;
  }
  const key = `${stat.dev}:${stat.ino}`;
  const first = stat.nlink > 1n ? seen.get(key) : undefined;
  if (first !== undefined) {
    linkSync(first, target);
    return;
  }
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
  else if (stat.isFile()) copyFileSync(source, target, constants.COPYFILE_FICLONE);
  else mknod(target, Number(stat.mode), Number(stat.rdev));
  seen.set(key, target);
  copyAttributes(source, target, stat);
}

/** Owner before mode: chown clears setuid and setgid. Times last. */
function copyAttributes(source: string, target: string, stat: BigIntStats): void {
  lchown(target, Number(stat.uid), Number(stat.gid));
  if (!stat.isSymbolicLink()) chmodSync(target, Number(stat.mode & 0o7777n));
  for (const name of llistxattr(source)) {
    const value = privateXattr.test(name) ? undefined : lgetxattr(source, name);
    if (value !== undefined) lsetxattr(target, name, value);
  }
  utimensat(target, timeOf(stat.atimeNs), timeOf(stat.mtimeNs));
}

/** Nanoseconds count upwards from the second, also before 1970. */
function timeOf(ns: bigint): { readonly seconds: number; readonly nanoseconds: number } {
  const billion = 1_000_000_000n;
  const rest = ((ns % billion) + billion) % billion;
  return { seconds: Number((ns - rest) / billion), nanoseconds: Number(rest) };
}
