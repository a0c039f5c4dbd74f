/**
 * How an applied layer says what it hides: overlayfs's marks, or files of our own where there can be none.
 *
 *   NAME            character device 0/0                  NAME of the layers below is gone
 *   trusted.overlay.opaque=y on a directory               nothing of the layers below shows in it
 *   .wh.NAME, .wh..wh..opq   empty files of mode 01000    the same, on a file system that is an overlay itself
 *
 * An overlay refuses the first two below itself; there containers get copies (vfs), and only mergeLayer reads the marks.
 * The mode tells them from files that are merely called so. https://docs.kernel.org/filesystems/overlayfs.html
 */
import { type BigIntStats, chmodSync, closeSync, constants, openSync } from "node:fs";
import { bytePath, lgetxattr, lsetxattr, mknod } from "../../ffi/file-metadata.ts";
import { isErrno } from "../../ffi/syscall-error.ts";

const opaqueXattr = "trusted.overlay.opaque";
const prefix = ".wh.";
const opaqueName = ".wh..wh..opq";
const markMode = 0o1000;
/** EPERM: an overlay, for the device; EOPNOTSUPP: no such xattrs. */
const refusals = ["EPERM", "EOPNOTSUPP"];

/** Marks `path` (bytes, one a character), where nothing is, as gone. */
export function makeWhiteout(path: string): void {
  try {
    mknod(bytePath(path), constants.S_IFCHR, 0);
  } catch (error) {
    if (!isErrno(error, ...refusals)) throw error;
    const slash = path.lastIndexOf("/") + 1;
    makeMarkFile(`${path.slice(0, slash)}${prefix}${path.slice(slash)}`);
  }
}

/** Marks the directory `path` as hiding what is below it. */
export function setOpaque(path: string): void {
  try {
    lsetxattr(bytePath(path || "."), opaqueXattr, Buffer.from("y"));
  } catch (error) {
    if (!isErrno(error, ...refusals)) throw error;
    makeMarkFile(path === "" ? opaqueName : `${path}/${opaqueName}`);
  }
}

/** Whether overlayfs's own mark is on the directory. */
export function hasOpaqueXattr(path: string): boolean {
  return lgetxattr(bytePath(path), opaqueXattr)?.[0] === 0x79;
}

/** What an entry of an applied layer hides by its name: a name, or everything below; undefined: it is no mark. */
export function hiddenBy(name: string, stat: () => BigIntStats): { readonly name?: string } | undefined {
  if (!name.startsWith(prefix)) return undefined;
  const { size, mode } = stat();
  if (size !== 0n || mode !== BigInt(constants.S_IFREG | markMode)) return undefined;
  return name === opaqueName ? {} : { name: name.slice(prefix.length) };
}

function makeMarkFile(path: string): void {
  const bytes = Buffer.from(path, "latin1");
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW;
  closeSync(openSync(bytes, flags, 0o600));
  chmodSync(bytes, markMode);
}
