/**
 * One member of a tree to its blocks in a tar: header, data, padding.
 *
 * Reproducible: nothing of the host (names of users, access and change times, labels) gets in, and times later than
 * `latestSeconds` are cut to it (https://reproducible-builds.org/specs/source-date-epoch/). Hard links are kept: the
 * second name of a file refers to the first. Files with large holes are written as GNU tar's PAX 1.0 sparse files.
 */
import { type BigIntStats, closeSync, constants, fstatSync, readlinkSync, readSync } from "node:fs";
import {
  bytePath,
  lgetxattr,
  llistxattr,
  seekData,
  seekHole,
  type Timespec,
} from "../../ffi/file-metadata.ts";
import type { SparseRange } from "./sparse-map.ts";
import { encodeSparseEntry, encodeTarEntry, tarPadding } from "./tar-encode.ts";
import type { TarEntry, TarEntryKind } from "./tar-entry.ts";
import { asBytes, openUnlessGone, type TreeMember, unlessGone } from "./tree-walk.ts";

export interface PackOptions {
  /** Seconds since the epoch; later modification times become this. */
  readonly latestSeconds?: number;
  /** Members that do not get into the archive, by name without a slash before it. */
  readonly leavesOut?: (name: string, stat: BigIntStats) => boolean;
  /** The last word on an entry before it is written; its kind, name and size must stay. */
  readonly rewrite?: (entry: TarEntry, stat: BigIntStats) => TarEntry;
}

const readBytes = 512 * 1024;
/** Holes shorter than this in all are not worth a format that old programs cannot read. */
const leastHoleBytes = 1 << 20;
const hiddenXattr = /^(?:trusted|user)\.overlay\.|^security\.selinux$/;

/** Packs the members of one archive; remembers which files it has had. */
export class EntryPacker {
  readonly #firstNames = new Map<string, string>();
  readonly #options: PackOptions;

  constructor(options: PackOptions = {}) {
    this.#options = options;
  }

  /** Nothing for a socket, which no tar can hold, and for a file that has gone meanwhile. */
  *pack(member: TreeMember): Generator<Buffer> {
    const kind = kindOf(member.stat);
    if (kind === undefined || this.#options.leavesOut?.(member.name, member.stat)) return;
    const first = this.#earlierName(member);
    if (first !== undefined) yield encodeTarEntry(this.#describe(member, "hardlink", first));
    else if (kind === "file") yield* this.#packFile(member);
    else if (kind === "symlink") {
      const target = linkTarget(member.path);
      if (target !== undefined) yield encodeTarEntry(this.#describe(member, kind, target));
    } else yield encodeTarEntry(this.#describe(member, kind, ""));
  }

  /** An entry without data beside a member: a whiteout, an opaque mark. It has nothing of its own but a name. */
  mark(name: string): Buffer {
    return encodeTarEntry({ ...emptyEntry, name });
  }

  *#packFile(member: TreeMember): Generator<Buffer> {
    const fd = openUnlessGone(member.path, constants.O_RDONLY);
    if (fd === undefined) return;
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile()) return;
      const size = Number(stat.size);
      const entry = { ...this.#describe({ ...member, stat }, "file", ""), size };
      const ranges = dataRanges(fd, stat);
      yield ranges === undefined ? encodeTarEntry(entry) : encodeSparseEntry(entry, ranges);
      yield* fileData(fd, ranges ?? [{ offset: 0, length: size }]);
    } finally {
      closeSync(fd);
    }
  }

  #describe({ name, path, stat }: TreeMember, kind: TarEntryKind, linkName: string): TarEntry {
    const isDevice = kind === "character-device" || kind === "block-device";
    const entry: TarEntry = {
      ...emptyEntry,
      kind,
      name,
      linkName,
      mode: Number(stat.mode) & 0o7777,
      uid: Number(stat.uid),
      gid: Number(stat.gid),
      modified: this.#clamp(toTimespec(stat.mtimeNs)),
      deviceMajor: isDevice ? Number((stat.rdev >> 8n) & 0xfffn) : 0,
      deviceMinor: isDevice ? Number((stat.rdev & 0xffn) | ((stat.rdev >> 12n) & 0xfff00n)) : 0,
      xattrs: kind === "hardlink" ? emptyEntry.xattrs : readXattrs(path),
    };
    return this.#options.rewrite?.(entry, stat) ?? entry;
  }

  #clamp(time: Timespec): Timespec {
    const latest = this.#options.latestSeconds;
    return latest === undefined || time.seconds < latest ? time : { seconds: latest, nanoseconds: 0 };
  }

  /** The name under which this inode is in the archive already; remembers it otherwise. */
  #earlierName({ name, stat }: TreeMember): string | undefined {
    if (stat.isDirectory() || stat.nlink < 2n) return undefined;
    const key = `${stat.dev}:${stat.ino}`;
    const earlier = this.#firstNames.get(key);
    if (earlier === undefined) this.#firstNames.set(key, name);
    return earlier;
  }
}

const noTime: Timespec = { seconds: 0, nanoseconds: 0 };
const emptyEntry: TarEntry = {
  kind: "file",
  name: "",
  linkName: "",
  mode: 0,
  uid: 0,
  gid: 0,
  size: 0,
  modified: noTime,
  accessed: noTime,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
};

function kindOf(stat: BigIntStats): TarEntryKind | undefined {
  if (stat.isFile()) return "file";
  if (stat.isDirectory()) return "directory";
  if (stat.isSymbolicLink()) return "symlink";
  if (stat.isCharacterDevice()) return "character-device";
  if (stat.isBlockDevice()) return "block-device";
  return stat.isFIFO() ? "fifo" : undefined;
}

function linkTarget(path: string): string | undefined {
  return unlessGone(() => readlinkSync(asBytes(path), { encoding: "latin1" }));
}

/** None of what is gone by now. Labels belong to the host, overlay's marks to the layer. */
export function readXattrs(path: string): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  const bytes = bytePath(path);
  for (const name of unlessGone(() => llistxattr(bytes)) ?? []) {
    const value = hiddenXattr.test(name) ? undefined : unlessGone(() => lgetxattr(bytes, bytePath(name)));
    if (value !== undefined) xattrs.set(name, value);
  }
  return xattrs;
}

function toTimespec(nanoseconds: bigint): Timespec {
  const remainder = ((nanoseconds % 1_000_000_000n) + 1_000_000_000n) % 1_000_000_000n;
  return { seconds: Number((nanoseconds - remainder) / 1_000_000_000n), nanoseconds: Number(remainder) };
}

/** Where the data is, for a file with holes worth keeping; undefined for any other. */
function dataRanges(fd: number, stat: BigIntStats): readonly SparseRange[] | undefined {
  const size = Number(stat.size);
  if (size - Number(stat.blocks) * 512 < leastHoleBytes) return undefined;
  const ranges: SparseRange[] = [];
  for (let at = 0; at < size; ) {
    const start = seekData(fd, at);
    if (start === undefined || start >= size) break;
    const end = Math.min(size, seekHole(fd, start));
    ranges.push({ offset: start, length: end - start });
    at = end;
  }
  const dataBytes = ranges.reduce((sum, { length }) => sum + length, 0);
  return size - dataBytes < leastHoleBytes ? undefined : ranges;
}

/** Always as much as the header has promised: a file that shrinks under us is filled up with zeros, as GNU tar does. */
function* fileData(fd: number, ranges: readonly SparseRange[]): Generator<Buffer> {
  let total = 0;
  for (const { offset, length } of ranges) {
    for (let done = 0; done < length; ) {
      const buffer = Buffer.allocUnsafe(Math.min(readBytes, length - done));
      const count = readSync(fd, buffer, 0, buffer.length, offset + done);
      if (count === 0) buffer.fill(0);
      const chunk = count === 0 ? buffer : buffer.subarray(0, count);
      yield chunk;
      done += chunk.length;
    }
    total += length;
  }
  const padding = tarPadding(total);
  if (padding.length > 0) yield padding;
}
