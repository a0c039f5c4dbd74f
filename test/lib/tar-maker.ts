/**
 * Tar archives from raw header bytes, for tests: every field can be made as wrong as a test wants it.
 *
 * Shares no code with src/storage, so that a mistake there cannot hide here.
 */

export interface RawMember {
  readonly name?: string | Buffer;
  /** "0" file, "1" hard link, "2" symbolic link, "3" "4" devices, "5" directory, "6" fifo, "x" PAX … */
  readonly type?: string;
  readonly mode?: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly mtime?: number;
  readonly linkName?: string | Buffer;
  readonly data?: string | Uint8Array;
  /** What the header says, where it differs from the data. */
  readonly size?: number;
  readonly major?: number;
  readonly minor?: number;
  /** "ustar\0" + "00" (POSIX) when absent; "ustar  \0" is GNU's; "" is the old format. */
  readonly magic?: string;
  readonly prefix?: string;
  /** Added to the right checksum. */
  readonly checksumError?: number;
  /** Bytes put into the header last, before the checksum: offset to bytes. */
  readonly patch?: Readonly<Record<number, Uint8Array>>;
}

const block = 512;

/** One header block and its padded data. */
export function makeMember(member: RawMember): Buffer {
  const data = Buffer.from(member.data ?? "");
  const header = Buffer.alloc(block);
  put(header, 0, member.name ?? "file", 100);
  putNumber(header, 100, 8, member.mode ?? 0o644);
  putNumber(header, 108, 8, member.uid ?? 0);
  putNumber(header, 116, 8, member.gid ?? 0);
  putNumber(header, 124, 12, member.size ?? data.length);
  putNumber(header, 136, 12, member.mtime ?? 1_600_000_000);
  put(header, 156, member.type ?? "0", 1);
  put(header, 157, member.linkName ?? "", 100);
  put(header, 257, member.magic ?? "ustar\x0000", 8);
  putNumber(header, 329, 8, member.major ?? 0);
  putNumber(header, 337, 8, member.minor ?? 0);
  if (member.prefix !== undefined) put(header, 345, member.prefix, 155);
  for (const [offset, bytes] of Object.entries(member.patch ?? {})) header.set(bytes, Number(offset));
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0) + (member.checksumError ?? 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return Buffer.concat([header, data, Buffer.alloc((block - (data.length % block)) % block)]);
}

/** Members and the end mark. */
export function makeTar(...members: readonly (RawMember | Buffer)[]): Buffer<ArrayBuffer> {
  const parts = members.map((member) => (Buffer.isBuffer(member) ? member : makeMember(member)));
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}

export type PaxValue = string | Uint8Array;

/** A PAX header for the member that follows; pairs, since keywords may repeat. */
export function makePax(records: readonly (readonly [string, PaxValue])[], type = "x"): Buffer {
  const body = Buffer.concat(records.map(([keyword, value]) => makePaxRecord(keyword, value)));
  return makeMember({ name: "PaxHeaders/x", type, data: body });
}

export function makePaxRecord(keyword: string, value: PaxValue): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), Buffer.from(value), Buffer.from("\n")]);
  for (let digits = 1; ; digits++) {
    const length = String(rest.length + digits);
    if (length.length === digits) return Buffer.concat([Buffer.from(length), rest]);
  }
}

/** GNU's long name ("L") or long link ("K") for the member that follows. */
export function makeGnuLong(type: "L" | "K", name: string | Buffer): Buffer {
  const data = Buffer.concat([Buffer.from(name), Buffer.alloc(1)]);
  return makeMember({ name: "././@LongLink", type, data, magic: "ustar  \0" });
}

/** A GNU sparse header field: twelve octal digits, the last a NUL. */
export function octal12(value: number): Buffer {
  return Buffer.from(`${value.toString(8).padStart(11, "0")}\0`, "latin1");
}

function put(header: Buffer, offset: number, value: string | Buffer, width: number): void {
  Buffer.from(value).copy(header, offset, 0, width);
}

/** Octal, or base-256 when it is negative or does not fit. */
function putNumber(header: Buffer, offset: number, width: number, value: number): void {
  const digits = value.toString(8);
  if (value >= 0 && digits.length < width) {
    header.write(`${digits.padStart(width - 1, "0")}\0`, offset, "latin1");
    return;
  }
  let rest = BigInt.asUintN(8 * width, BigInt(value));
  for (let at = offset + width - 1; at >= offset; at--) {
    header[at] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  if (value >= 0) header[offset] = 0x80;
}
