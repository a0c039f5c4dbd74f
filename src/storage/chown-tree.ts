/**
 * Gives a whole tree to one user and group.
 *
 * Links are given away themselves, never what they lead to, even while somebody who can write the tree changes it
 * (tree-walk.ts). What belongs to them already is left alone: changing an owner clears setuid bits.
 */
import { type BigIntStats, lstatSync } from "node:fs";
import { bytePath, lchown } from "../../ffi/file-metadata.ts";
import { isErrno } from "../../ffi/syscall-error.ts";
import { walkTree } from "./tree-walk.ts";

/** `path`: a directory, or a file that is no link. Nothing when it is not there. */
export function chownTree(path: string, uid: number, gid: number): void {
  const stat = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isDirectory() && !stat.isSymbolicLink()) {
    chownOne(Buffer.from(path).toString("latin1"), stat, uid, gid);
    return;
  }
  for (const member of walkTree(path)) chownOne(member.path, member.stat, uid, gid);
}

function chownOne(path: string, stat: BigIntStats, uid: number, gid: number): void {
  if (stat.uid === BigInt(uid) && stat.gid === BigInt(gid)) return;
  try {
    lchown(bytePath(path), uid, gid);
  } catch (error) {
    if (!isErrno(error, "ENOENT")) throw error;
  }
}
