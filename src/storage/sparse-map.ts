/**
 * Where the data of a sparse file lies: the four notations of GNU tar to one list of ranges.
 *
 * Pure. https://www.gnu.org/software/tar/manual/html_section/Sparse-Formats.html. Old GNU keeps the map in the
 * header and in extension blocks; PAX 0.0 in repeated keywords, 0.1 in one keyword, 1.0 in front of the data.
 */
import { corrupt } from "./tar-header.ts";

/** Bytes `offset` … `offset + length` of the file hold data; all else reads as zeros. */
export interface SparseRange {
  readonly offset: number;
  readonly length: number;
}

const pairBytes = 24;
const maxRanges = 1 << 20;
/** What ftruncate takes from JavaScript; no file system holds as much. */
const maxFileBytes = 2 ** 52 - 1;

/** The pairs of an old GNU header (4 from byte 386) or extension block (21 from byte 0), up to the first empty. */
export function parseOldSparsePairs(block: Buffer, start: number, count: number): readonly SparseRange[] {
  const ranges: SparseRange[] = [];
  for (let at = start; ranges.length < count && block[at] !== 0; at += pairBytes) {
    ranges.push({ offset: parseSparseNumber(block, at), length: parseSparseNumber(block, at + 12) });
  }
  return ranges;
}

/** A 12-byte number of a GNU header: octal, or base-256 when the first bit is set. */
export function parseSparseNumber(block: Buffer, at: number): number {
  const first = block[at] ?? 0;
  const parsed =
    (first & 0x80) !== 0
      ? Number(BigInt(`0x${block.toString("hex", at + 1, at + 12)}`))
      : Number.parseInt(block.toString("latin1", at, at + 12), 8);
  if (Number.isSafeInteger(parsed) && parsed >= 0) return parsed;
  throw corrupt("malformed sparse map");
}

/** Alternating offsets and lengths to ranges: PAX 0.0 and 0.1. */
export function pairUp(numbers: readonly number[]): readonly SparseRange[] {
  if (numbers.length % 2 !== 0) throw corrupt("malformed sparse map");
  const ranges: SparseRange[] = [];
  for (let at = 0; at < numbers.length; at += 2) {
    ranges.push({ offset: numbers[at] ?? 0, length: numbers[at + 1] ?? 0 });
  }
  return ranges;
}

/**
 * Reads the map in front of a PAX 1.0 file's data: decimal numbers, one a line, the count of pairs first, padded
 * with zeros to a block. Returns undefined when `bytes` end too early, else the ranges and the map's length.
 */
export function parseSparse10(bytes: Buffer): { ranges: readonly SparseRange[]; length: number } | undefined {
  let at = 0;
  const next = (): number | undefined => {
    const end = bytes.indexOf(0x0a, at);
    if (end < 0) return undefined;
    const digits = bytes.toString("latin1", at, end);
    if (!/^[0-9]{1,16}$/.test(digits)) throw corrupt("malformed sparse map");
    at = end + 1;
    return Number(digits);
  };
  const count = next();
  if (count === undefined) return undefined;
  if (count > maxRanges) throw corrupt(`sparse map of ${count} ranges is too long`);
  const numbers: number[] = [];
  while (numbers.length < count * 2) {
    const value = next();
    if (value === undefined) return undefined;
    numbers.push(value);
  }
  return { ranges: pairUp(numbers), length: Math.ceil(at / 512) * 512 };
}

/** Refuses maps that overlap, run backwards, leave the file or do not account for the data that follows. */
export function checkSparseMap(ranges: readonly SparseRange[], realSize: number, dataBytes: number): void {
  if (realSize > maxFileBytes) throw corrupt(`a sparse file of ${realSize} bytes is too large`);
  let end = 0;
  let total = 0;
  for (const range of ranges) {
    const rangeEnd = range.offset + range.length;
    if (range.offset < end || rangeEnd > realSize || !Number.isSafeInteger(rangeEnd)) {
      throw corrupt("sparse map does not fit its file");
    }
    end = rangeEnd;
    total += range.length;
  }
  if (total !== dataBytes) throw corrupt("sparse map does not fit its data");
}
