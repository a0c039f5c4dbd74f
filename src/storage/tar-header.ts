/**
 * One 512-byte header block of a tar archive to numbers and raw names.
 *
 * The `tar` package checks the sum and decodes octal and base-256 numbers. Its Parser is not used for layers:
 * it hands names and PAX values out as UTF-8 text, which breaks file capabilities (binary values), names that are
 * not UTF-8 and times finer than a millisecond, and it skips sparse files and GNU-format device numbers.
 * Formats: https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html and GNU tar's manual, appendix D.
 */
import { Header } from "tar/header";
import { BockerError, messageOf } from "../errors.ts";

export const blockBytes = 512;

export interface TarHeader {
  /** The type flag as a character; "0" also for the old "\0". */
  readonly typeFlag: string;
  readonly name: string;
  readonly linkName: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly size: number;
  /** Whole seconds; negative before 1970. */
  readonly mtimeSeconds: number;
  readonly deviceMajor: number;
  readonly deviceMinor: number;
  /** The block itself, for the old GNU sparse fields. */
  readonly block: Buffer;
}

/** Decodes a block; undefined for one of zeros (the end mark is two). `offset` is for the error only. */
export function parseTarHeader(block: Buffer, offset: number): TarHeader | undefined {
  const header = decode(block, offset);
  if (header.nullBlock) return undefined;
  if (!header.cksumValid) throw corrupt(`wrong checksum in the header at byte ${offset}`);
  const mtimeSeconds = header.mtime === undefined ? 0 : header.mtime.getTime() / 1000;
  if (header.size === undefined && hasText(block, 124, 12))
    throw corrupt(`bad size in the header at byte ${offset}`);
  if (Number.isNaN(mtimeSeconds)) throw corrupt(`bad time in the header at byte ${offset}`);
  const flag = String.fromCharCode(block[156] ?? 0);
  const name = fullName(block);
  return {
    typeFlag: flag === "\0" ? "0" : flag,
    name,
    linkName: text(block, 157, 100),
    mode: (header.mode ?? 0) & 0o7777,
    uid: checkedId(header.uid ?? 0, "owner", name),
    gid: checkedId(header.gid ?? 0, "group", name),
    size: rawSize(block, header.size),
    mtimeSeconds,
    deviceMajor: number(block, 329),
    deviceMinor: number(block, 337),
    block,
  };
}

function decode(block: Buffer, offset: number): Header {
  try {
    return new Header(block, 0);
  } catch (error) {
    throw corrupt(`bad header at byte ${offset}: ${messageOf(error)}`);
  }
}

/** The package sets the size of a directory to 0, also for a file that is marked only by a slash at its end. */
function rawSize(block: Buffer, decoded: number | undefined): number {
  if (decoded !== 0 || ((block[124] ?? 0) & 0x80) !== 0) return decoded ?? 0;
  return Number.parseInt(text(block, 124, 12).trim(), 8) || 0;
}

/** The 155-byte prefix exists in POSIX archives only; GNU's magic ends in two blanks and keeps times there. */
function fullName(block: Buffer): string {
  const name = text(block, 0, 100);
  if (block.toString("latin1", 257, 263) !== "ustar\0") return name;
  // An old star writes times into the last bytes and a 0 before them.
  const prefix = text(block, 345, block[475] === 0 ? 130 : 155);
  return prefix === "" ? name : `${prefix}/${name}`;
}

/** Device numbers, which the package reads in POSIX archives only; GNU's have them in the same place. */
function number(block: Buffer, offset: number): number {
  if (!block.toString("latin1", 257, 262).startsWith("ustar")) return 0;
  if (((block[offset] ?? 0) & 0x80) !== 0) return block.readUIntBE(offset + 2, 6);
  return Number.parseInt(text(block, offset, 8).trim(), 8) || 0;
}

function text(block: Buffer, offset: number, length: number): string {
  const field = block.toString("latin1", offset, offset + length);
  const end = field.indexOf("\0");
  return end < 0 ? field : field.slice(0, end);
}

function hasText(block: Buffer, offset: number, length: number): boolean {
  return text(block, offset, length).trim() !== "";
}

/** chown(2) takes 32 bits, and the highest value means "leave as it is". */
export function checkedId(id: number, what: "owner" | "group", name: string): number {
  if (Number.isInteger(id) && id >= 0 && id < 0xffff_ffff) return id;
  throw corrupt(`${what} of ${quoteName(name)} is out of range: ${id}`);
}

/** An error about the archive's bytes; who knows the layer's name adds it. */
export function corrupt(message: string): BockerError {
  return new BockerError(message, { kind: "corrupt" });
}

/** A name fit for one line of a message: control characters escaped, the middle of a long one left out. */
export function quoteName(latin1: string): string {
  const shown = Buffer.from(latin1, "latin1").toString("utf8");
  const short = shown.length > 120 ? `${shown.slice(0, 80)}…${shown.slice(-30)}` : shown;
  return JSON.stringify(short);
}
