/**
 * PAX extended headers: bytes to records, and the few values with a syntax of their own.
 *
 * A record is "LENGTH KEYWORD=VALUE\n", LENGTH in decimal and counting itself; the value may hold any byte,
 * newlines and NUL included. https://pubs.opengroup.org/onlinepubs/9799919799/utilities/pax.html#tag_20_94_13_03
 */
import type { Timespec } from "../../ffi/file-metadata.ts";
import { corrupt } from "./tar-header.ts";

/** Order is kept: GNU sparse 0.0 repeats its keywords. */
export type PaxRecord = readonly [keyword: string, value: Buffer];

const blank = 0x20;
const equals = 0x3d;
const newline = 0x0a;

/** Splits an extended header into its records. Throws on anything that is not one. */
export function parsePaxRecords(bytes: Buffer): readonly PaxRecord[] {
  const records: PaxRecord[] = [];
  let start = 0;
  while (start < bytes.length) {
    const lengthEnd = bytes.indexOf(blank, start);
    const digits = lengthEnd < 0 ? "" : bytes.toString("latin1", start, lengthEnd);
    const end = /^[0-9]{1,10}$/.test(digits) ? start + Number(digits) : 0;
    if (end <= lengthEnd || end > bytes.length || bytes[end - 1] !== newline) throw malformed();
    const middle = bytes.indexOf(equals, lengthEnd + 1);
    if (middle <= lengthEnd + 1 || middle >= end) throw malformed();
    records.push([
      bytes.toString("latin1", lengthEnd + 1, middle),
      Buffer.from(bytes.subarray(middle + 1, end - 1)),
    ]);
    start = end;
  }
  return records;
}

function malformed(): Error {
  return corrupt("malformed PAX record");
}

/** "1700000000.25", "-1.5" (a second and a half before 1970): digits below a nanosecond are cut off. */
export function parsePaxTime(value: Buffer): Timespec {
  const match = /^(-?)([0-9]{1,15})(?:\.([0-9]*))?$/.exec(value.toString("latin1"));
  if (match === null) throw corrupt("malformed PAX time");
  const whole = Number(match[2]);
  const fraction = Number((match[3] ?? "").padEnd(9, "0").slice(0, 9));
  if (match[1] === "") return { seconds: whole, nanoseconds: fraction };
  if (fraction === 0) return { seconds: whole === 0 ? 0 : -whole, nanoseconds: 0 };
  return { seconds: -whole - 1, nanoseconds: 1_000_000_000 - fraction };
}

/** A non-negative decimal integer that JavaScript holds exactly. */
export function parsePaxInteger(value: Buffer, keyword: string): number {
  const digits = value.toString("latin1");
  const parsed = /^[0-9]{1,16}$/.test(digits) ? Number(digits) : Number.NaN;
  if (Number.isSafeInteger(parsed)) return parsed;
  throw corrupt(`malformed PAX value of ${keyword}`);
}

/** A path or link target; a NUL would make the kernel see another name than a checker saw. */
export function parsePaxName(value: Buffer, keyword: string): string {
  if (value.includes(0)) throw corrupt(`NUL byte in the PAX value of ${keyword}`);
  return value.toString("latin1");
}
