/**
 * DNS messages for tests, made and read here by other code than the one under test.
 */

export interface QueryParts {
  readonly id?: number;
  /** The header's second word; 0x0100 is RD. */
  readonly flags?: number;
  readonly name?: string;
  readonly type?: number;
  readonly class?: number;
  /** The four counts of the header. */
  readonly counts?: readonly [number, number, number, number];
  /** What follows the question. */
  readonly rest?: readonly number[];
}

/** A query, wrong in whatever way the parts say. */
export function queryBytes(parts: QueryParts = {}): Uint8Array {
  const { id = 0x1234, flags = 0x0100, name = "web", type = 1, rest = [] } = parts;
  const counts = parts.counts ?? [1, 0, 0, rest.length > 0 ? 1 : 0];
  const words = [id, flags, ...counts].flatMap(wordBytes);
  return Uint8Array.from([
    ...words,
    ...nameBytes(name),
    ...wordBytes(type),
    ...wordBytes(parts.class ?? 1),
    ...rest,
  ]);
}

/** An OPT record (RFC 6891, 6.1.2). */
export function optBytes(udpBytes: number, version = 0, flags = 0): number[] {
  return [0, ...wordBytes(41), ...wordBytes(udpBytes), 0, version, ...wordBytes(flags), 0, 0];
}

export function nameBytes(name: string): number[] {
  const labels = name === "" ? [] : name.split(".");
  return [...labels.flatMap((label) => [label.length, ...Buffer.from(label, "latin1")]), 0];
}

export function wordBytes(value: number): number[] {
  return [(value >> 8) & 0xff, value & 0xff];
}

export interface ReadMessage {
  readonly id: number;
  readonly flags: number;
  readonly code: number;
  readonly isTruncated: boolean;
  readonly counts: readonly number[];
  /** As it is spelled in the question. */
  readonly name: string;
  readonly answers: readonly { readonly type: number; readonly ttl: number; readonly data: string }[];
}

/** Reads an answer of ours or of a fake server; addresses as dotted bytes, anything else in hex. */
export function readMessage(message: Uint8Array): ReadMessage {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const flags = view.getUint16(2);
  const counts = [4, 6, 8, 10].map((at) => view.getUint16(at));
  const question = counts[0] === 0 ? { name: "", end: 12 } : readName(message, 12);
  let at = counts[0] === 0 ? 12 : question.end + 4;
  const answers = Array.from({ length: counts[1] ?? 0 }, () => {
    const { end } = readName(message, at);
    const length = view.getUint16(end + 8);
    const data = message.slice(end + 10, end + 10 + length);
    at = end + 10 + length;
    const text = length === 4 ? data.join(".") : Buffer.from(data).toString("hex");
    return { type: view.getUint16(end), ttl: view.getUint32(end + 4), data: text };
  });
  return {
    id: view.getUint16(0),
    flags,
    code: flags & 0xf,
    isTruncated: (flags & 0x0200) !== 0,
    counts,
    name: question.name,
    answers,
  };
}

function readName(message: Uint8Array, start: number): { name: string; end: number } {
  const labels: string[] = [];
  let at = start;
  for (;;) {
    const length = message[at] ?? 0;
    if (length >= 0xc0) return { name: labels.join("."), end: at + 2 };
    if (length === 0) return { name: labels.join("."), end: at + 1 };
    labels.push(Buffer.from(message.slice(at + 1, at + 1 + length)).toString("latin1"));
    at += 1 + length;
  }
}
