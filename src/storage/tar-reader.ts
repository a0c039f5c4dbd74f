/**
 * A tar archive, fed in chunks of any size, to entries: framing, long names, PAX headers and sparse maps.
 *
 * Synchronous and flat in memory: file data goes to the sink as slices of the caller's chunks. What is allowed to
 * be written where is not decided here (see layer-path.ts). Like Go's archive/tar, which docker uses: links,
 * directories and devices have no data whatever their size says, and global PAX headers are not applied.
 */
import { parsePaxInteger, parsePaxName, parsePaxRecords, parsePaxTime } from "./pax-record.ts";
import {
  checkSparseMap,
  pairUp,
  parseOldSparsePairs,
  parseSparse10,
  parseSparseNumber,
  type SparseRange,
} from "./sparse-map.ts";
import type { TarEntry, TarEntryKind, TarSink } from "./tar-entry.ts";
import { blockBytes, checkedId, corrupt, parseTarHeader, quoteName, type TarHeader } from "./tar-header.ts";

/** Long names, PAX headers and PAX 1.0 sparse maps are held in memory; larger ones are refused. */
const maxMetaBytes = 1 << 20;
const maxSparseRanges = 1 << 20;
const xattrPrefix = "SCHILY.xattr.";

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** What extension headers say about the next entry. */
interface Extension {
  name?: string;
  linkName?: string;
  pax?: ReadonlyMap<string, Buffer>;
  /** PAX sparse 0.0: offsets and lengths in the order of their keywords. */
  sparsePairs?: number[];
}

type State =
  | { readonly at: "header" }
  | { readonly at: "meta"; readonly header: TarHeader }
  | { readonly at: "sparse-extension"; readonly entry: Mutable<TarEntry>; readonly ranges: SparseRange[] }
  | { readonly at: "sparse-1.0"; readonly entry: Mutable<TarEntry>; readonly realSize: number }
  | { readonly at: "data" }
  | { readonly at: "padding" }
  | { readonly at: "end" };

/** Reads one archive: write() each chunk, then end(). Of no use after it has thrown. */
export class TarReader {
  readonly #sink: TarSink;
  #state: State = { at: "header" };
  #extension: Extension = {};
  /** Start of a block that the last chunk cut. */
  #carry: Buffer[] = [];
  #carryBytes = 0;
  /** How many bytes the present state wants together before it goes on. */
  #need = blockBytes;
  /** Data or padding left to pass. */
  #remaining = 0;
  #padding = 0;
  #offset = 0;
  #sawZeroBlock = false;
  /** Entries handed out so far. */
  entries = 0;

  constructor(sink: TarSink) {
    this.#sink = sink;
  }

  /** True once the two blocks of zeros were seen; what follows them is ignored. */
  get ended(): boolean {
    return this.#state.at === "end";
  }

  /** Takes the next chunk. Throws a "corrupt" error at the first byte that makes no sense. */
  write(chunk: Buffer): void {
    let position = 0;
    while (position < chunk.length && this.#state.at !== "end") {
      const before = position;
      position =
        this.#state.at === "data" || this.#state.at === "padding"
          ? this.#pass(chunk, position)
          : this.#gather(chunk, position);
      this.#offset += position - before;
    }
  }

  /**
   * The input is over. Throws when it stopped inside an entry; a missing end mark is tolerated, and missing padding
   * after the last file, since umoci writes such layers.
   */
  end(): void {
    if (this.#state.at === "padding") return;
    const inside = this.#state.at !== "header" || this.#carryBytes > 0 || this.#extensionPending();
    if (inside && this.#state.at !== "end") throw corrupt(`archive is truncated at byte ${this.#offset}`);
  }

  #extensionPending(): boolean {
    return Object.keys(this.#extension).length > 0;
  }

  /** Hands data on, or skips padding; returns the new position. */
  #pass(chunk: Buffer, position: number): number {
    const end = Math.min(chunk.length, position + this.#remaining);
    if (this.#state.at === "data" && end > position) this.#sink.data(chunk.subarray(position, end));
    this.#remaining -= end - position;
    if (this.#remaining === 0) this.#finishPass();
    return end;
  }

  #finishPass(): void {
    if (this.#state.at === "data") {
      this.#sink.endEntry();
      this.#remaining = this.#padding;
      if (this.#remaining > 0) {
        this.#state = { at: "padding" };
        return;
      }
    }
    this.#expectHeader();
  }

  #expectHeader(): void {
    this.#state = { at: "header" };
    this.#need = blockBytes;
  }

  /** Collects the bytes that the state needs, across chunks if must be; returns the new position. */
  #gather(chunk: Buffer, position: number): number {
    const end = Math.min(chunk.length, position + this.#need - this.#carryBytes);
    const piece = chunk.subarray(position, end);
    if (this.#carryBytes + piece.length < this.#need) {
      this.#carry.push(Buffer.from(piece));
      this.#carryBytes += piece.length;
      return end;
    }
    const whole = this.#carryBytes === 0 ? piece : Buffer.concat([...this.#carry, piece]);
    this.#carry = [];
    this.#carryBytes = 0;
    this.#step(whole);
    return end;
  }

  #step(bytes: Buffer): void {
    const state = this.#state;
    if (state.at === "header") this.#header(bytes);
    else if (state.at === "meta") this.#meta(state.header, bytes);
    else if (state.at === "sparse-extension") this.#sparseExtension(state.entry, state.ranges, bytes);
    else if (state.at === "sparse-1.0") this.#sparse10(state.entry, state.realSize, bytes);
  }

  #header(block: Buffer): void {
    const header = parseTarHeader(block, this.#offset);
    if (header === undefined) {
      if (this.#sawZeroBlock) this.#state = { at: "end" };
      this.#sawZeroBlock = true;
      return;
    }
    if (this.#sawZeroBlock) throw corrupt(`block of zeros inside the archive before byte ${this.#offset}`);
    if ("xgLKX".includes(header.typeFlag)) this.#startMeta(header);
    else this.#startEntry(header);
  }

  #startMeta(header: TarHeader): void {
    if (header.size > maxMetaBytes) throw corrupt(`extended header of ${header.size} bytes is too long`);
    if (header.size === 0) return;
    this.#state = { at: "meta", header };
    this.#need = padded(header.size);
  }

  #meta(header: TarHeader, bytes: Buffer): void {
    const content = bytes.subarray(0, header.size);
    if (header.typeFlag === "L") this.#extension.name = untilNul(content);
    else if (header.typeFlag === "K") this.#extension.linkName = untilNul(content);
    else if (header.typeFlag !== "g") this.#takePax(content);
    this.#expectHeader();
  }

  #takePax(content: Buffer): void {
    const pax = new Map<string, Buffer>();
    const pairs: number[] = [];
    for (const [keyword, value] of parsePaxRecords(content)) {
      if (keyword === "GNU.sparse.offset" || keyword === "GNU.sparse.numbytes") {
        pairs.push(parsePaxInteger(value, keyword));
      } else pax.set(keyword, value);
    }
    this.#extension.pax = pax;
    if (pairs.length > 0) this.#extension.sparsePairs = pairs;
  }

  #startEntry(header: TarHeader): void {
    const extension = this.#extension;
    this.#extension = {};
    if (header.typeFlag === "V") {
      this.#skip(header.size);
      return;
    }
    const entry = buildEntry(header, extension);
    const pax = extension.pax;
    const realSize = pax?.get("GNU.sparse.realsize") ?? pax?.get("GNU.sparse.size");
    if (header.typeFlag === "S") this.#startOldSparse(header, entry);
    else if (realSize === undefined || entry.kind !== "file") this.#startData(entry);
    else this.#startPaxSparse(entry, extension, parsePaxInteger(realSize, "GNU.sparse.size"));
  }

  #startOldSparse(header: TarHeader, entry: Mutable<TarEntry>): void {
    const realSize = parseSparseNumber(header.block, 483);
    const ranges = [...parseOldSparsePairs(header.block, 386, 4)];
    entry.sparse = { realSize, ranges };
    if (header.block[482] === 0) this.#startSparse(entry, ranges, realSize);
    else this.#state = { at: "sparse-extension", entry, ranges };
  }

  #sparseExtension(entry: Mutable<TarEntry>, ranges: SparseRange[], block: Buffer): void {
    ranges.push(...parseOldSparsePairs(block, 0, 21));
    if (ranges.length > maxSparseRanges) throw corrupt("sparse map is too long");
    if (block[504] === 0) this.#startSparse(entry, ranges, entry.sparse?.realSize ?? 0);
  }

  #startPaxSparse(entry: Mutable<TarEntry>, extension: Extension, realSize: number): void {
    const pax = extension.pax;
    if (pax?.get("GNU.sparse.major")?.toString("latin1") === "1") {
      this.#state = { at: "sparse-1.0", entry, realSize };
      this.#need = blockBytes;
      return;
    }
    const map = pax?.get("GNU.sparse.map");
    const numbers = map === undefined ? (extension.sparsePairs ?? []) : parseNumberList(map);
    this.#startSparse(entry, pairUp(numbers), realSize);
  }

  /** Asks for one block more until the whole map is there. */
  #sparse10(entry: Mutable<TarEntry>, realSize: number, bytes: Buffer): void {
    const map = parseSparse10(bytes);
    if (map === undefined) {
      if (bytes.length + blockBytes > Math.min(padded(entry.size), maxMetaBytes))
        throw corrupt("malformed sparse map");
      this.#carry = [Buffer.from(bytes)];
      this.#carryBytes = bytes.length;
      this.#need = bytes.length + blockBytes;
      return;
    }
    entry.size -= map.length;
    this.#startSparse(entry, map.ranges, realSize);
  }

  #startSparse(entry: Mutable<TarEntry>, ranges: readonly SparseRange[], realSize: number): void {
    checkSparseMap(ranges, realSize, entry.size);
    entry.sparse = { realSize, ranges };
    this.#startData(entry);
  }

  #startData(entry: TarEntry): void {
    this.entries += 1;
    this.#sink.entry(entry);
    this.#state = { at: "data" };
    this.#remaining = entry.size;
    this.#padding = padded(entry.size) - entry.size;
    if (entry.size === 0) this.#finishPass();
  }

  #skip(bytes: number): void {
    this.#remaining = padded(bytes);
    if (bytes > 0) this.#state = { at: "padding" };
  }
}

const kindOfFlag: Readonly<Record<string, TarEntryKind>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character-device",
  "4": "block-device",
  "5": "directory",
  "6": "fifo",
  "7": "file",
  S: "file",
};

function buildEntry(header: TarHeader, extension: Extension): Mutable<TarEntry> {
  const pax = extension.pax;
  const text = (keyword: string): string | undefined => {
    const value = pax?.get(keyword);
    return value === undefined ? undefined : parsePaxName(value, keyword);
  };
  const number = (keyword: string): number | undefined => {
    const value = pax?.get(keyword);
    return value === undefined ? undefined : parsePaxInteger(value, keyword);
  };
  const name = text("GNU.sparse.name") ?? text("path") ?? extension.name ?? header.name;
  const kind = entryKind(header.typeFlag, name);
  const mtime = pax?.get("mtime");
  const atime = pax?.get("atime");
  const modified = mtime ? parsePaxTime(mtime) : { seconds: header.mtimeSeconds, nanoseconds: 0 };
  const size = number("size") ?? header.size;
  return {
    kind,
    name,
    linkName: text("linkpath") ?? extension.linkName ?? header.linkName,
    mode: header.mode,
    uid: checkedId(number("uid") ?? header.uid, "owner", name),
    gid: checkedId(number("gid") ?? header.gid, "group", name),
    size: kind === "file" ? size : 0,
    modified,
    accessed: atime ? parsePaxTime(atime) : modified,
    deviceMajor: number("SCHILY.devmajor") ?? header.deviceMajor,
    deviceMinor: number("SCHILY.devminor") ?? header.deviceMinor,
    xattrs: pax === undefined ? noXattrs : xattrsOf(pax),
  };
}

/** A plain file whose name ends in a slash is how tar wrote a directory before there was a flag for it. */
function entryKind(typeFlag: string, name: string): TarEntryKind {
  const kind = kindOfFlag[typeFlag];
  if (kind === undefined)
    throw corrupt(`entry ${quoteName(name)} has the unknown type ${quoteName(typeFlag)}`);
  return typeFlag === "0" && name.endsWith("/") ? "directory" : kind;
}

const noXattrs: ReadonlyMap<string, Uint8Array> = new Map();

function xattrsOf(pax: ReadonlyMap<string, Buffer>): ReadonlyMap<string, Uint8Array> {
  const xattrs = new Map<string, Uint8Array>();
  for (const [keyword, value] of pax) {
    if (keyword.startsWith(xattrPrefix)) xattrs.set(keyword.slice(xattrPrefix.length), value);
  }
  return xattrs;
}

function parseNumberList(value: Buffer): readonly number[] {
  if (value.length === 0) return [];
  return value
    .toString("latin1")
    .split(",")
    .map((part) => parsePaxInteger(Buffer.from(part), "GNU.sparse.map"));
}

function untilNul(bytes: Buffer): string {
  const end = bytes.indexOf(0);
  return bytes.toString("latin1", 0, end < 0 ? bytes.length : end);
}

function padded(bytes: number): number {
  return Math.ceil(bytes / blockBytes) * blockBytes;
}
