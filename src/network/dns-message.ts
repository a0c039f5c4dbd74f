/**
 * DNS messages as far as a forwarding resolver needs them: reading queries, writing answers. Pure; RFC 1035 section 4,
 * RFC 6891 for EDNS.
 *
 * Queries come from containers and are hostile: every length is checked, a question's name may not be compressed (there is
 * nothing before it to point at), and nothing that was not understood is passed on. A name's spelling is kept for
 * the answer, since clients compare it bit by bit; it is looked up in lower case.
 */

export const dnsType = { A: 1, PTR: 12, AAAA: 28, OPT: 41, ANY: 255 } as const;
export const dnsCode = {
  NOERROR: 0,
  FORMERR: 1,
  SERVFAIL: 2,
  NXDOMAIN: 3,
  NOTIMP: 4,
  REFUSED: 5,
  BADVERS: 16,
} as const;
export const classInternet = 1;

const headerBytes = 12;
const maxNameBytes = 255;
const maxLabelBytes = 63;
/** Of the header's second word: response, truncated, recursion desired, recursion available, checking disabled. */
const flag = { QR: 0x8000, TC: 0x0200, RD: 0x0100, RA: 0x0080, CD: 0x0010 } as const;
const opcodeMask = 0x7800;
/** What a client without EDNS can take in one datagram. */
const plainUdpBytes = 512;

export interface DnsQuestion {
  /** Lower case, without the last dot; dots and backslashes inside a label are escaped. */
  readonly name: string;
  readonly type: number;
  readonly class: number;
  /** Name, type and class as they were asked. */
  readonly bytes: Uint8Array;
}

export interface DnsQuery {
  readonly id: number;
  /** Opcode, RD and CD: what an answer repeats. */
  readonly flags: number;
  readonly question: DnsQuestion;
  /** Absent: the client knows no EDNS. */
  readonly edns?: DnsEdns;
  /** The longest datagram the client takes. */
  readonly udpBytes: number;
}

export interface DnsEdns {
  readonly version: number;
  readonly dnssecOk: boolean;
}

/** A query that is answered with an error code alone. */
export interface BadQuery {
  readonly id: number;
  readonly flags: number;
  readonly code: number;
}

/** Reads a query. Undefined: it is no query at all (too short, or an answer), and must not be answered. */
export function parseQuery(message: Uint8Array): DnsQuery | BadQuery | undefined {
  if (message.byteLength < headerBytes) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const id = view.getUint16(0);
  const word = view.getUint16(2);
  if ((word & flag.QR) !== 0) return undefined;
  const flags = word & (opcodeMask | flag.RD | flag.CD);
  if ((word & opcodeMask) !== 0) return { id, flags, code: dnsCode.NOTIMP };
  const question = view.getUint16(4) === 1 ? parseQuestion(message, view) : undefined;
  if (question === undefined) return { id, flags, code: dnsCode.FORMERR };
  const records = [view.getUint16(6), view.getUint16(8), view.getUint16(10)] as const;
  const edns = findEdns(view, headerBytes + question.bytes.byteLength, records);
  if (edns === "malformed") return { id, flags, code: dnsCode.FORMERR };
  if (edns === undefined) return { id, flags, question, udpBytes: plainUdpBytes };
  const { udpBytes, ...rest } = edns;
  return { id, flags, question, edns: rest, udpBytes: Math.max(udpBytes, plainUdpBytes) };
}

/** The name that begins at `offset`, uncompressed, and where it ends; undefined when it is malformed. */
export function parseName(
  message: Uint8Array,
  offset: number,
): { readonly name: string; readonly end: number } | undefined {
  const labels: string[] = [];
  for (let at = offset; at - offset < maxNameBytes; ) {
    const length = message[at];
    if (length === 0) return { name: labels.join("."), end: at + 1 };
    if (length === undefined || length > maxLabelBytes || at + 1 + length > message.byteLength)
      return undefined;
    labels.push(labelText(message, at + 1, at + 1 + length));
    at += 1 + length;
  }
  return undefined;
}

/** A name in wire form; undefined when it has none: a label that is empty or longer than 63 bytes, 255 bytes in all. */
export function encodeName(name: string): Uint8Array | undefined {
  const labels = name === "" ? [] : name.split(".");
  const bytes = new Uint8Array(labels.reduce((sum, label) => sum + 1 + label.length, 1));
  if (bytes.byteLength > maxNameBytes) return undefined;
  let at = 0;
  for (const label of labels) {
    if (label.length === 0 || label.length > maxLabelBytes) return undefined;
    bytes[at] = label.length;
    for (let index = 0; index < label.length; index++) bytes[at + 1 + index] = label.charCodeAt(index);
    at += 1 + label.length;
  }
  return bytes;
}

/** A record of the answer; it belongs to the name that was asked for. */
export interface DnsAnswer {
  readonly type: number;
  readonly data: Uint8Array;
}

export interface DnsReply {
  readonly code: number;
  readonly answers: readonly DnsAnswer[];
  readonly ttlSeconds: number;
}

/**
 * The answer to a query in at most `limit` bytes: records that do not fit are left out, and the truncated bit tells the
 * client to ask again over TCP.
 */
export function encodeReply(query: DnsQuery, reply: DnsReply, limit: number): Uint8Array {
  const optBytes = query.edns === undefined ? 0 : optRecordBytes;
  const room = limit - headerBytes - query.question.bytes.byteLength - optBytes;
  const fitting = fitAnswers(reply.answers, room);
  const size = fitting.reduce((sum, { data }) => sum + answerHeadBytes + data.byteLength, 0);
  const message = new Uint8Array(headerBytes + query.question.bytes.byteLength + size + optBytes);
  const isCut = fitting.length < reply.answers.length;
  writeHeader(message, query, reply.code, { isCut, answers: fitting.length });
  const view = new DataView(message.buffer);
  let at = headerBytes + query.question.bytes.byteLength;
  for (const { type, data } of fitting) {
    // A pointer to the question's name, at the end of the header.
    view.setUint16(at, 0xc000 | headerBytes);
    view.setUint16(at + 2, type);
    view.setUint16(at + 4, classInternet);
    view.setUint32(at + 6, reply.ttlSeconds);
    view.setUint16(at + 10, data.byteLength);
    message.set(data, at + answerHeadBytes);
    at += answerHeadBytes + data.byteLength;
  }
  if (query.edns !== undefined) writeOpt(view, at, reply.code >> 4, query.edns.dnssecOk);
  return message;
}

/** The answer to a query that was not understood: its id and the code. */
export function encodeBadReply({ id, flags, code }: BadQuery): Uint8Array {
  const message = new Uint8Array(headerBytes);
  const view = new DataView(message.buffer);
  view.setUint16(0, id);
  view.setUint16(2, flag.QR | flag.RA | flags | code);
  return message;
}

/** The query as it is passed on, made anew under another id: nothing of the client's that was not understood. */
export function encodeQuery({ question, flags, edns }: DnsQuery, id: number, udpBytes: number): Uint8Array {
  const end = headerBytes + question.bytes.byteLength;
  const message = new Uint8Array(end + (edns === undefined ? 0 : optRecordBytes));
  const view = new DataView(message.buffer);
  view.setUint16(0, id);
  view.setUint16(2, flags);
  view.setUint16(4, 1);
  message.set(question.bytes, headerBytes);
  if (edns !== undefined) {
    view.setUint16(10, 1);
    writeOpt(view, end, 0, edns.dnssecOk, udpBytes);
  }
  return message;
}

export interface DnsResponse {
  readonly code: number;
  readonly isTruncated: boolean;
}

/** What a server answered to encodeQuery's message; undefined when this is no answer to exactly that question. */
export function checkResponse(message: Uint8Array, query: DnsQuery, id: number): DnsResponse | undefined {
  if (message.byteLength < headerBytes) return undefined;
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  const word = view.getUint16(2);
  if (view.getUint16(0) !== id || (word & flag.QR) === 0 || (word & opcodeMask) !== 0) return undefined;
  const response = { code: word & 0xf, isTruncated: (word & flag.TC) !== 0 };
  // A server that did not understand the question may leave it out.
  if (view.getUint16(4) === 0 && response.code === dnsCode.FORMERR) return response;
  const question = view.getUint16(4) === 1 ? parseQuestion(message, view) : undefined;
  const isOurs =
    question?.name === query.question.name &&
    question.type === query.question.type &&
    question.class === query.question.class;
  return isOurs ? response : undefined;
}

/**
 * A checked response as the client gets it: under its id, with its own spelling of the name, and cut to the question
 * when it is longer than `limit`.
 */
export function adaptResponse(response: Uint8Array, query: DnsQuery, limit: number): Uint8Array {
  const code = (response[3] ?? 0) & 0xf;
  const hasQuestion = response[4] !== 0 || response[5] !== 0;
  if (!hasQuestion) return encodeReply(query, { code, answers: [], ttlSeconds: 0 }, limit);
  if (response.byteLength > limit) return cutReply(query, code);
  const message = new Uint8Array(response);
  new DataView(message.buffer).setUint16(0, query.id);
  message.set(query.question.bytes, headerBytes);
  return message;
}

const answerHeadBytes = 12;
/** Name u8 (root), type u16, payload size u16, extended code u8, version u8, flags u16, length u16. */
const optRecordBytes = 11;
/** What we take in one datagram: fits every path without fragments (RFC 9715 recommends no more). */
export const ourUdpBytes = 1232;
const dnssecOkFlag = 0x8000;

function cutReply(query: DnsQuery, code: number): Uint8Array {
  const message = encodeReply(query, { code, answers: [], ttlSeconds: 0 }, plainUdpBytes);
  const view = new DataView(message.buffer);
  view.setUint16(2, view.getUint16(2) | flag.TC);
  return message;
}

function parseQuestion(message: Uint8Array, view: DataView): DnsQuestion | undefined {
  const parsed = parseName(message, headerBytes);
  if (parsed === undefined || parsed.end + 4 > message.byteLength) return undefined;
  return {
    name: parsed.name,
    type: view.getUint16(parsed.end),
    class: view.getUint16(parsed.end + 2),
    bytes: message.slice(headerBytes, parsed.end + 4),
  };
}

/** Walks the records behind the question; a query has at most one OPT, in its last section (RFC 6891, 6.1.1). */
function findEdns(
  view: DataView,
  start: number,
  counts: readonly [answers: number, authorities: number, additional: number],
): (DnsEdns & { readonly udpBytes: number }) | "malformed" | undefined {
  let at = start;
  let found: (DnsEdns & { readonly udpBytes: number }) | undefined;
  for (const [section, count] of counts.entries()) {
    for (let index = 0; index < count; index++) {
      const nameEnd = skipName(view, at);
      if (nameEnd === undefined || nameEnd + 10 > view.byteLength) return "malformed";
      const end = nameEnd + 10 + view.getUint16(nameEnd + 8);
      if (end > view.byteLength) return "malformed";
      if (view.getUint16(nameEnd) === dnsType.OPT) {
        if (found !== undefined || section !== 2 || nameEnd !== at + 1) return "malformed";
        found = readOpt(view, nameEnd);
      }
      at = end;
    }
  }
  return found;
}

function readOpt(view: DataView, at: number): DnsEdns & { readonly udpBytes: number } {
  return {
    udpBytes: view.getUint16(at + 2),
    version: view.getUint8(at + 5),
    dnssecOk: (view.getUint16(at + 6) & dnssecOkFlag) !== 0,
  };
}

/** Where a name ends. A pointer ends it and is never followed: it cannot make a loop. */
function skipName(view: DataView, offset: number): number | undefined {
  for (let at = offset; at < view.byteLength && at - offset < maxNameBytes; ) {
    const length = view.getUint8(at);
    if (length === 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > maxLabelBytes) return undefined;
    at += 1 + length;
  }
  return undefined;
}

/** Latin-1 in lower case; an escaped dot cannot be taken for one between labels. */
function labelText(message: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at++) {
    const byte = message[at] ?? 0;
    if (byte === 0x2e || byte === 0x5c) text += "\\";
    text += String.fromCharCode(byte >= 0x41 && byte <= 0x5a ? byte + 0x20 : byte);
  }
  return text;
}

function fitAnswers(answers: readonly DnsAnswer[], room: number): readonly DnsAnswer[] {
  let used = 0;
  const fitting = answers.findIndex(({ data }) => {
    used += answerHeadBytes + data.byteLength;
    return used > room;
  });
  return fitting < 0 ? answers : answers.slice(0, fitting);
}

function writeHeader(
  message: Uint8Array,
  query: DnsQuery,
  code: number,
  { isCut, answers }: { readonly isCut: boolean; readonly answers: number },
): void {
  const view = new DataView(message.buffer);
  view.setUint16(0, query.id);
  view.setUint16(2, flag.QR | flag.RA | query.flags | (isCut ? flag.TC : 0) | (code & 0xf));
  view.setUint16(4, 1);
  view.setUint16(6, answers);
  view.setUint16(10, query.edns === undefined ? 0 : 1);
  message.set(query.question.bytes, headerBytes);
}

function writeOpt(
  view: DataView,
  at: number,
  extendedCode: number,
  dnssecOk: boolean,
  udpBytes: number = ourUdpBytes,
): void {
  view.setUint16(at + 1, dnsType.OPT);
  view.setUint16(at + 3, udpBytes);
  view.setUint8(at + 5, extendedCode);
  view.setUint16(at + 7, dnssecOk ? dnssecOkFlag : 0);
}
