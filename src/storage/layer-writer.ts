/**
 * Entries of a layer's tar to files below the current directory, which the process has made its root.
 *
 * Only system calls that do not follow a link in the last component, and files are made with O_EXCL, so that
 * nothing is ever written through what an earlier entry left (a link, a device, a fifo). Order matters: owner,
 * then xattrs and mode (chown drops capabilities and setuid), then times; directories' times at the very end.
 * Whiteouts become what overlayfs reads (layer-mark.ts).
 */
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  rmSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { makedev } from "../../ffi/file.ts";
import {
  bytePath,
  futimens,
  lchown,
  lsetxattr,
  mknod,
  type Timespec,
  utimensat,
} from "../../ffi/file-metadata.ts";
import { BockerError, messageOf } from "../errors.ts";
import { hostIdOf, type IdMaps } from "../security/id-map.ts";
import { makeWhiteout, setOpaque } from "./layer-mark.ts";
import { parentOf, parseLayerName, parseLinkTarget, parsePlainName } from "./layer-path.ts";
import type { TarEntry, TarSink } from "./tar-entry.ts";
import { corrupt, quoteName } from "./tar-header.ts";

const createFlags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
const nodeTypes = {
  "character-device": constants.S_IFCHR,
  "block-device": constants.S_IFBLK,
  fifo: constants.S_IFIFO,
};

/** Overlayfs's own marks would redirect lookups; labels belong to the host that unpacks. */
const refusedXattr = /^(?:trusted|user)\.overlay\.|^security\.selinux$/;

/** How an archive that is not a layer is written into a tree that people use: `cp`. */
export interface PlainArchive {
  /** False: files belong to who copies. */
  readonly keepOwner: boolean;
  /** Files get the host's ids of the archive's; absent: just those. */
  readonly idMaps?: IdMaps;
  /** Called before a member takes the place of something. May throw. */
  readonly replaces: (path: string, existing: Stats, entry: TarEntry) => void;
}

interface OpenFile {
  readonly fd: number;
  readonly path: string;
  readonly entry: TarEntry;
  /** Where the next byte goes; sparse files jump. */
  position: number;
  rangeIndex: number;
  rangeLeft: number;
}

/** Writes one layer; for a process that has chrooted into the layer's empty directory and does nothing else. */
export class LayerWriter implements TarSink {
  readonly #plain: PlainArchive | undefined;
  #file: OpenFile | undefined;
  #entry: TarEntry | undefined;
  /** Real directories on paths already seen, so that a parent is looked up once. */
  readonly #directories = new Set<string>([""]);
  readonly #directoryTimes = new Map<string, readonly [accessed: Timespec, modified: Timespec]>();
  sizeBytes = 0;
  describesRoot = false;
  opaqueRoot = false;

  constructor(plain?: PlainArchive) {
    this.#plain = plain;
  }

  entry(entry: TarEntry): void {
    this.#entry = entry;
    this.#explain(() => {
      if (this.#plain !== undefined) {
        this.#makePlain(parsePlainName(entry.name), entry, this.#plain);
        return;
      }
      const name = parseLayerName(entry.name);
      if (name.kind === "path") this.#make(name.path, entry);
      else if (name.kind === "whiteout") this.#whiteout(name.path);
      else if (name.kind === "opaque") this.#opaque(name.path);
    });
  }

  data(chunk: Uint8Array): void {
    const file = this.#file;
    if (file !== undefined) this.#explain(() => writeChunk(file, chunk));
  }

  endEntry(): void {
    const file = this.#file;
    if (file === undefined) return;
    this.#file = undefined;
    this.#explain(() => {
      try {
        finishFile(file);
      } finally {
        closeSync(file.fd);
      }
    });
  }

  /** After the last entry: gives directories the times that making their children has changed. */
  finish(): void {
    for (const [path, [accessed, modified]] of this.#directoryTimes) {
      utimensat(bytePath(path || "."), accessed, modified);
    }
  }

  /** The directory that is written into keeps its own attributes. */
  #makePlain(path: string, entry: TarEntry, plain: PlainArchive): void {
    if (path === "") return;
    const existing = look(path);
    if (existing !== undefined) plain.replaces(path, existing, entry);
    this.#make(path, withOwner(entry, plain));
  }

  #make(path: string, entry: TarEntry): void {
    if (entry.kind === "directory") {
      this.#directory(path, entry);
      return;
    }
    if (path === "") throw corrupt("it names the root, which can only be a directory");
    this.#ensureParent(path);
    if (entry.kind === "file") this.#openFile(path, entry);
    else if (entry.kind === "hardlink") this.#hardlink(path, entry);
    else {
      this.#clear(path);
      if (entry.kind === "symlink") makeSymlink(path, entry);
      else mknod(bytePath(path), nodeTypes[entry.kind] | entry.mode, deviceOf(entry));
      applyOwnerAndXattrs(path, entry);
      if (entry.kind !== "symlink") chmodSync(bytes(path), entry.mode);
      utimensat(bytePath(path), entry.accessed, entry.modified);
    }
  }

  #openFile(path: string, entry: TarEntry): void {
    const fd = this.#create(path);
    const first = entry.sparse?.ranges[0];
    const rangeLeft = entry.sparse === undefined ? entry.size : (first?.length ?? 0);
    this.#file = { fd, path, entry, position: first?.offset ?? 0, rangeIndex: 0, rangeLeft };
    this.sizeBytes += entry.size;
  }

  #create(path: string): number {
    try {
      return openSync(bytes(path), createFlags, 0o600);
    } catch (error) {
      if (codeOf(error) !== "EEXIST") throw error;
    }
    this.#clear(path);
    return openSync(bytes(path), createFlags, 0o600);
  }

  #hardlink(path: string, entry: TarEntry): void {
    const target = parseLinkTarget(entry.name, entry.linkName);
    if (look(target) === undefined)
      throw corrupt(`hard link to ${quoteName(entry.linkName)}, which is not there`);
    if (target === path) return;
    this.#clear(path);
    linkSync(bytes(target), bytes(path));
  }

  #directory(path: string, entry: TarEntry): void {
    if (path === "") this.describesRoot = true;
    else {
      this.#ensureParent(path);
      const existing = look(path);
      if (existing?.isDirectory() !== true) this.#replaceByDirectory(path, existing);
    }
    this.#directories.add(path);
    this.#directoryTimes.set(path, [entry.accessed, entry.modified]);
    applyOwnerAndXattrs(path, entry);
    chmodSync(bytes(path), entry.mode);
  }

  /** A directory in place of its own whiteout is new: what the layers below have under it stays hidden. */
  #replaceByDirectory(path: string, existing: Stats | undefined): void {
    if (existing !== undefined) this.#clear(path);
    mkdirSync(bytes(path), 0o755);
    if (existing !== undefined && isWhiteout(existing)) setOpaque(path);
  }

  /** Files of the same layer win over a whiteout of their name; of a directory it hides what is below. */
  #whiteout(path: string): void {
    this.#ensureParent(path);
    const existing = look(path);
    if (existing === undefined) makeWhiteout(path);
    else if (existing.isDirectory()) setOpaque(path);
  }

  #opaque(path: string): void {
    this.#ensureParent(`${path}/.`);
    if (path === "") this.opaqueRoot = true;
    if (path !== "" && look(path)?.isDirectory() !== true)
      throw corrupt("opaque mark in what is not a directory");
    setOpaque(path);
  }

  /** Makes missing directories above `path`; a link on the way is followed, inside the root. */
  #ensureParent(path: string): void {
    const parent = parentOf(path);
    if (this.#directories.has(parent)) return;
    this.#ensureParent(parent);
    const existing = look(parent);
    if (existing === undefined || isWhiteout(existing)) {
      this.#replaceByDirectory(parent, existing);
      // Not the group of a setgid directory above.
      lchown(bytePath(parent), 0, 0);
      chmodSync(bytes(parent), 0o755);
    } else if (!existing.isDirectory()) {
      const target = statSync(bytes(parent), { throwIfNoEntry: false });
      if (target?.isDirectory() !== true) throw corrupt(`its parent ${quoteName(parent)} is not a directory`);
      return;
    }
    this.#directories.add(parent);
  }

  /** Removes what is at `path`; docker replaces earlier entries in the same way. */
  #clear(path: string): void {
    const existing = look(path);
    if (existing === undefined) return;
    if (existing.isDirectory()) {
      rmSync(bytes(path), { recursive: true });
      this.#forget(path);
    } else unlinkSync(bytes(path));
    if (existing.isDirectory() || existing.isSymbolicLink()) {
      this.#directories.clear();
      this.#directories.add("");
    }
  }

  #forget(path: string): void {
    for (const known of this.#directoryTimes.keys()) {
      if (known === path || known.startsWith(`${path}/`)) this.#directoryTimes.delete(known);
    }
  }

  #explain(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw explainEntry(error, this.#entry?.name ?? "");
    }
  }
}

/** Throws for an owner that the tree has no id for. */
function withOwner(entry: TarEntry, { keepOwner, idMaps }: PlainArchive): TarEntry {
  const [uid, gid] = keepOwner ? [entry.uid, entry.gid] : [0, 0];
  if (idMaps === undefined) return { ...entry, uid, gid };
  const [hostUid, hostGid] = [hostIdOf(idMaps.uidMappings, uid), hostIdOf(idMaps.gidMappings, gid)];
  if (hostUid !== undefined && hostGid !== undefined) return { ...entry, uid: hostUid, gid: hostGid };
  throw new BockerError(`cannot give it to ${uid}:${gid}: not mapped in the container's user namespace`, {
    kind: "conflict",
  });
}

function writeChunk(file: OpenFile, chunk: Uint8Array): void {
  for (let done = 0; done < chunk.byteLength; ) {
    while (file.rangeLeft === 0) nextRange(file);
    const length = Math.min(chunk.byteLength - done, file.rangeLeft);
    const written = writeSync(file.fd, chunk, done, length, file.position);
    done += written;
    file.position += written;
    file.rangeLeft -= written;
  }
}

/** The reader has checked that ranges and data have the same length. */
function nextRange(file: OpenFile): void {
  file.rangeIndex += 1;
  const range = file.entry.sparse?.ranges[file.rangeIndex];
  if (range === undefined) throw corrupt("more data than its sparse map tells");
  file.position = range.offset;
  file.rangeLeft = range.length;
}

function finishFile({ fd, path, entry }: OpenFile): void {
  if (entry.sparse !== undefined) ftruncateSync(fd, entry.sparse.realSize);
  fchownSync(fd, entry.uid, entry.gid);
  applyXattrs(path, entry);
  fchmodSync(fd, entry.mode);
  futimens(fd, entry.accessed, entry.modified);
}

function makeSymlink(path: string, entry: TarEntry): void {
  if (entry.linkName === "") throw corrupt("symbolic link to nothing");
  symlinkSync(bytes(entry.linkName), bytes(path));
}

function applyOwnerAndXattrs(path: string, entry: TarEntry): void {
  lchown(bytePath(path || "."), entry.uid, entry.gid);
  applyXattrs(path, entry);
}

/** What the file system or the kind of file cannot hold is left out, as docker does; a capability never is. */
function applyXattrs(path: string, entry: TarEntry): void {
  for (const [name, value] of entry.xattrs) {
    if (refusedXattr.test(name)) continue;
    try {
      lsetxattr(bytePath(path || "."), bytePath(name), value);
    } catch (error) {
      const optional = name !== "security.capability";
      if (!optional || !["EOPNOTSUPP", "EPERM"].includes(codeOf(error) ?? "")) throw error;
    }
  }
}

function deviceOf(entry: TarEntry): number {
  if (entry.kind === "fifo") return 0;
  const { deviceMajor: major, deviceMinor: minor } = entry;
  if (major > 0xfff || minor > 0xfffff) throw corrupt(`device number ${major}:${minor} is out of range`);
  return makedev({ major, minor });
}

function isWhiteout(stat: Stats): boolean {
  return stat.isCharacterDevice() && stat.rdev === 0;
}

function look(path: string): Stats | undefined {
  return lstatSync(bytes(path), { throwIfNoEntry: false });
}

/** For node:fs, which takes names as bytes too. */
function bytes(path: string): Buffer {
  return Buffer.from(path || ".", "latin1");
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && "code" in error ? String(error.code) : undefined;
}

const hostFaults = ["ENOSPC", "EDQUOT", "EIO", "EROFS", "ENOMEM", "EMFILE"];

function explainEntry(error: unknown, name: string): BockerError {
  const code = codeOf(error);
  if (error instanceof BockerError) {
    if (error.message.includes(quoteName(name))) return error;
    const hint = error.hint === undefined ? {} : { hint: error.hint };
    return new BockerError(`entry ${quoteName(name)}: ${error.message}`, { kind: error.kind, ...hint });
  }
  const host = code !== undefined && hostFaults.includes(code);
  const full = code === "ENOSPC" || code === "EDQUOT";
  return new BockerError(`entry ${quoteName(name)}: ${reasonOf(error)}`, {
    kind: host ? "host" : "corrupt",
    ...(full ? { hint: "free some space and try again" } : {}),
  });
}

/** "ENAMETOOLONG: file name too long, open '…10 000 bytes…'" to what stands before the name. */
function reasonOf(error: unknown): string {
  const text = messageOf(error);
  const quote = text.search(/, [a-z]+ '|\(/);
  return (quote < 0 ? text : text.slice(0, quote)).slice(0, 200);
}
