/**
 * A directory tree to a tar stream: sorted by name, hard links kept, every attribute a layer can hold.
 *
 * Never follows a symbolic link. Sockets are left out, as in every tar. The tree must not change meanwhile: a file
 * that shrinks is an error, one that grows is cut at the size it had.
 */
import { closeSync, constants, lstatSync, openSync, readdirSync, readlinkSync, readSync } from "node:fs";
import { bytePath, lgetxattr, llistxattr, type Timespec } from "../../ffi/file-metadata.ts";
import { BockerError } from "../errors.ts";
import { encodeTarEntry, tarEndMark, tarPadding } from "./tar-encode.ts";
import type { TarEntry, TarEntryKind } from "./tar-entry.ts";
import { quoteName } from "./tar-header.ts";

const readBytes = 512 * 1024;
const hiddenXattr = /^(?:trusted|user)\.overlay\.|^security\.selinux$/;

type Stat = import("node:fs").BigIntStats;

/** One member met on the walk; `path` is absolute or relative to the process, both as latin1 bytes. */
interface Member {
  readonly name: string;
  readonly path: string;
  readonly stat: Stat;
}

/** The whole archive of `root`, its own entry (`./`) first. Throws kind `host` when the tree changes under it. */
export async function* packTree(root: string): AsyncGenerator<Buffer> {
  const firstNames = new Map<string, string>();
  for (const member of walkTree(root)) {
    const entry = describeMember(member, firstNames);
    if (entry === undefined) continue;
    yield encodeTarEntry(entry);
    if (entry.kind === "file") yield* fileData(member, entry.size);
  }
  yield tarEndMark;
}

/**
 * A short text that changes when anything in the tree does (names, sizes, times, owners, modes), without reading
 * file contents.
 */
export function fingerprintTree(root: string): string {
  const hasher = new Bun.CryptoHasher("sha256");
  for (const { name, stat } of walkTree(root)) {
    const { dev, ino, mode, uid, gid, size, mtimeNs, ctimeNs } = stat;
    hasher.update(`${name}\0${dev} ${ino} ${mode} ${uid} ${gid} ${size} ${mtimeNs} ${ctimeNs}\n`);
  }
  return hasher.digest("hex");
}

function* walkTree(root: string): Generator<Member> {
  const path = Buffer.from(root).toString("latin1");
  yield { name: "./", path, stat: statOf(path) };
  yield* walkDirectory(path, "");
}

function* walkDirectory(path: string, prefix: string): Generator<Member> {
  const names = readdirSync(Buffer.from(path, "latin1"), { encoding: "buffer" });
  for (const name of names.map((bytes) => Buffer.from(bytes).toString("latin1")).sort()) {
    const member = { name: prefix + name, path: `${path}/${name}` };
    const stat = statOf(member.path);
    const directory = stat.isDirectory();
    yield { ...member, name: directory ? `${member.name}/` : member.name, stat };
    if (directory) yield* walkDirectory(member.path, `${member.name}/`);
  }
}

function statOf(path: string): Stat {
  return lstatSync(Buffer.from(path, "latin1"), { bigint: true });
}

function describeMember({ name, path, stat }: Member, firstNames: Map<string, string>): TarEntry | undefined {
  const kind = kindOf(stat);
  if (kind === undefined) return undefined;
  const linkTo = kind === "directory" || stat.nlink < 2n ? undefined : earlierName(stat, name, firstNames);
  return {
    kind: linkTo === undefined ? kind : "hardlink",
    name,
    linkName: linkTo ?? (kind === "symlink" ? linkTarget(path) : ""),
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    size: kind === "file" && linkTo === undefined ? Number(stat.size) : 0,
    modified: toTimespec(stat.mtimeNs),
    accessed: toTimespec(stat.atimeNs),
    deviceMajor: isDevice(kind) ? Number((stat.rdev >> 8n) & 0xfffn) : 0,
    deviceMinor: isDevice(kind) ? Number((stat.rdev & 0xffn) | ((stat.rdev >> 12n) & 0xfff00n)) : 0,
    xattrs: linkTo === undefined ? readXattrs(path) : new Map(),
  };
}

function kindOf(stat: Stat): TarEntryKind | undefined {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isCharacterDevice()) return "character-device";
  if (stat.isBlockDevice()) return "block-device";
  return stat.isFIFO() ? "fifo" : undefined;
}

function isDevice(kind: TarEntryKind): boolean {
  return kind === "character-device" || kind === "block-device";
}

/** The name under which this inode is in the archive already; remembers it otherwise. */
function earlierName(stat: Stat, name: string, firstNames: Map<string, string>): string | undefined {
  const key = `${stat.dev}:${stat.ino}`;
  const earlier = firstNames.get(key);
  if (earlier === undefined) firstNames.set(key, name);
  return earlier;
}

function linkTarget(path: string): string {
  return readlinkSync(Buffer.from(path, "latin1"), { encoding: "buffer" }).toString("latin1");
}

function readXattrs(path: string): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  const bytes = bytePath(path);
  for (const name of llistxattr(bytes)) {
    const value = hiddenXattr.test(name) ? undefined : lgetxattr(bytes, bytePath(name));
    if (value !== undefined) xattrs.set(name, value);
  }
  return xattrs;
}

function toTimespec(nanoseconds: bigint): Timespec {
  const remainder = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((nanoseconds - remainder) / 1_000_000_000n), nanoseconds: Number(remainder) };
}

function* fileData(member: Member, size: number): Generator<Buffer> {
  const fd = openSync(Buffer.from(member.path, "latin1"), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    for (let done = 0; done < size; ) {
      const buffer = Buffer.allocUnsafe(Math.min(readBytes, size - done));
      const count = readSync(fd, buffer, 0, buffer.length, null);
      if (count === 0) {
        throw new BockerError(`file ${quoteName(member.name)} shrank while it was read`, { kind: "host" });
      }
      yield buffer.subarray(0, count);
      done += count;
    }
  } finally {
    closeSync(fd);
  }
  const padding = tarPadding(size);
  if (padding.length > 0) yield padding;
}
