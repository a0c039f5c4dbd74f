/**
 * A TarEntry to the header blocks in front of its data: ustar where it fits, a PAX header where it does not.
 *
 * Reproducible: no user or group names, no access times, keywords in a fixed order. Names are bytes kept one a
 * character. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html
 */
import type { Timespec } from "../../ffi/file-metadata.ts";
import type { SparseRange } from "./sparse-map.ts";
import type { TarEntry, TarEntryKind } from "./tar-entry.ts";
import { blockBytes } from "./tar-header.ts";

const typeFlags: Readonly<Record<TarEntryKind, string>> = {
  file: "0",
  hardlink: "1",
  symlink: "2",
  "character-device": "3",
  "block-device": "4",
  directory: "5",
  fifo: "6",
};

const maxOctal8 = 0o7777777;
const maxOctal12 = 0o77777777777;

/** All header blocks of an entry; `entry.sparse` is not looked at, data must follow in full. */
export function encodeTarEntry(entry: TarEntry): Buffer {
  return encodeWith(entry, paxValues(entry));
}

/**
 * Header blocks and map of a file with holes, in PAX format 1.0: only the bytes of `ranges` follow, one after the
 * other, padded once at the end. GNU tar wants whole blocks in all ranges but the last. https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html
 */
export function encodeSparseEntry(entry: TarEntry, ranges: readonly SparseRange[]): Buffer {
  const last = ranges.at(-1);
  const end = last === undefined ? 0 : last.offset + last.length;
  // A hole at the end shows by an empty range after it: GNU tar goes by the map, not by the size.
  const whole = end < entry.size ? [...ranges, { offset: entry.size, length: 0 }] : ranges;
  const numbers = [whole.length, ...whole.flatMap(({ offset, length }) => [offset, length])];
  const digits = Buffer.from(`${numbers.join("\n")}\n`);
  const map = Buffer.concat([digits, tarPadding(digits.length)]);
  const slash = entry.name.lastIndexOf("/") + 1;
  const stored = {
    ...entry,
    name: `${entry.name.slice(0, slash)}GNUSparseFile.0/${entry.name.slice(slash)}`,
    size: map.length + ranges.reduce((sum, { length }) => sum + length, 0),
  };
  const values = paxValues(stored);
  const put = (keyword: string, value: string) => values.set(keyword, Buffer.from(value, "latin1"));
  put("GNU.sparse.major", "1");
  put("GNU.sparse.minor", "0");
  put("GNU.sparse.name", entry.name);
  put("GNU.sparse.realsize", String(entry.size));
  return Buffer.concat([encodeWith(stored, values), map]);
}

function encodeWith(entry: TarEntry, values: ReadonlyMap<string, Buffer>): Buffer {
  const main = encodeBlock(entry, typeFlags[entry.kind]);
  if (values.size === 0) return main;
  const body = Buffer.concat(
    [...values.keys()].sort().map((keyword) => encodeRecord(keyword, values.get(keyword) ?? Buffer.alloc(0))),
  );
  const pax = encodeBlock({ ...plainEntry, name: "PaxHeaders.0/entry", size: body.length }, "x");
  return Buffer.concat([pax, body, tarPadding(body.length), main]);
}

/** Zeros that fill the last block of `bytes` bytes of data. */
export function tarPadding(bytes: number): Buffer {
  return Buffer.alloc((blockBytes - (bytes % blockBytes)) % blockBytes);
}

/** The two blocks of zeros that end an archive. */
export const tarEndMark: Buffer = Buffer.alloc(2 * blockBytes);

const noTime: Timespec = { seconds: 0, nanoseconds: 0 };
const plainEntry: TarEntry = {
  kind: "file",
  name: "",
  linkName: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  modified: noTime,
  accessed: noTime,
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
};

/** What a ustar header cannot say, by keyword. */
function paxValues(entry: TarEntry): Map<string, Buffer> {
  const values = new Map<string, Buffer>();
  const put = (keyword: string, value: string | number) =>
    values.set(keyword, Buffer.from(String(value), "latin1"));
  if (entry.name.length > 100) put("path", entry.name);
  if (entry.linkName.length > 100) put("linkpath", entry.linkName);
  if (entry.size > maxOctal12) put("size", entry.size);
  if (entry.uid > maxOctal8) put("uid", entry.uid);
  if (entry.gid > maxOctal8) put("gid", entry.gid);
  const { seconds, nanoseconds } = entry.modified;
  if (nanoseconds !== 0 || seconds < 0 || seconds > maxOctal12) put("mtime", renderTime(entry.modified));
  for (const [name, value] of entry.xattrs) values.set(`SCHILY.xattr.${name}`, Buffer.from(value));
  return values;
}

/** Decimal seconds; -1.5 s is { -2 s, 500,000,000 ns }. */
function renderTime({ seconds, nanoseconds }: Timespec): string {
  const total = BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
  const magnitude = total < 0n ? -total : total;
  const fraction = String(magnitude % 1_000_000_000n)
    .padStart(9, "0")
    .replace(/0+$/, "");
  return `${total < 0n ? "-" : ""}${magnitude / 1_000_000_000n}${fraction === "" ? "" : `.${fraction}`}`;
}

/** The length counts its own digits. */
function encodeRecord(keyword: string, value: Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`, "latin1"), value, Buffer.from("\n")]);
  let length = rest.length + 1;
  while (String(length).length + rest.length !== length) length = String(length).length + rest.length;
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

function encodeBlock(entry: TarEntry, typeFlag: string): Buffer {
  const block = Buffer.alloc(blockBytes);
  const octal = (value: number, at: number, width: number, max: number) =>
    block.write((value < 0 || value > max ? 0 : value).toString(8).padStart(width - 1, "0"), at, "latin1");
  block.write(entry.name.slice(0, 100), 0, "latin1");
  octal(entry.mode, 100, 8, maxOctal8);
  octal(entry.uid, 108, 8, maxOctal8);
  octal(entry.gid, 116, 8, maxOctal8);
  octal(entry.size, 124, 12, maxOctal12);
  octal(entry.modified.seconds, 136, 12, maxOctal12);
  block.write("        ", 148, "latin1");
  block.write(typeFlag, 156, "latin1");
  block.write(entry.linkName.slice(0, 100), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(entry.deviceMajor, 329, 8, maxOctal8);
  octal(entry.deviceMinor, 337, 8, maxOctal8);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}
