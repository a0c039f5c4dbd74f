/**
 * Reading hostile queries and writing answers that clients take: lengths, pointers, EDNS, spelling, truncation.
 */
import { describe, expect, test } from "bun:test";
import {
  adaptResponse,
  type BadQuery,
  checkResponse,
  type DnsQuery,
  dnsCode,
  encodeBadReply,
  encodeName,
  encodeQuery,
  encodeReply,
  parseName,
  parseQuery,
} from "../../../src/network/dns-message.ts";
import { nameBytes, optBytes, queryBytes, readMessage, wordBytes } from "./dns-fixture.ts";

function good(message: Uint8Array): DnsQuery {
  const query = parseQuery(message);
  if (query === undefined || "code" in query) throw new Error(`not a query: ${JSON.stringify(query)}`);
  return query;
}

function codeOf(message: Uint8Array): number | undefined {
  return (parseQuery(message) as BadQuery | undefined)?.code;
}

describe("a query", () => {
  test("is read, in lower case, its spelling kept", () => {
    const query = good(queryBytes({ name: "WeB.Front", type: 28 }));
    expect(query).toMatchObject({ id: 0x1234, flags: 0x0100, udpBytes: 512 });
    expect(query.question).toMatchObject({ name: "web.front", type: 28, class: 1 });
    expect(readMessage(encodeReply(query, reply([]), 512)).name).toBe("WeB.Front");
  });

  test("of the root has an empty name", () => {
    expect(good(queryBytes({ name: "" })).question.name).toBe("");
  });

  test("with a dot inside a label is not the one with two labels", () => {
    const message = queryBytes({ name: "abc" });
    message[14] = 0x2e;
    expect(good(message).question.name).toBe("a\\.c");
  });

  test("may have EDNS, whose size counts from 512 on", () => {
    expect(good(queryBytes({ rest: optBytes(4096, 0, 0x8000) }))).toMatchObject({
      udpBytes: 4096,
      edns: { version: 0, dnssecOk: true },
    });
    expect(good(queryBytes({ rest: optBytes(100) })).udpBytes).toBe(512);
  });

  test("may have other records before EDNS", () => {
    const record = [
      ...nameBytes("x"),
      ...wordBytes(1),
      ...wordBytes(1),
      0,
      0,
      0,
      0,
      ...wordBytes(4),
      1,
      2,
      3,
      4,
    ];
    const message = queryBytes({ rest: [...record, ...optBytes(1400)], counts: [1, 0, 1, 1] });
    expect(good(message).udpBytes).toBe(1400);
  });

  test("that is an answer, or too short, is not answered", () => {
    expect(parseQuery(queryBytes({ flags: 0x8100 }))).toBeUndefined();
    for (let length = 0; length < 12; length++)
      expect(parseQuery(queryBytes().slice(0, length))).toBeUndefined();
  });

  test.each<[string, Uint8Array, number]>([
    ["of another operation", queryBytes({ flags: 0x2800 }), dnsCode.NOTIMP],
    ["with no question", queryBytes({ counts: [0, 0, 0, 0] }), dnsCode.FORMERR],
    ["with two questions", queryBytes({ counts: [2, 0, 0, 0] }), dnsCode.FORMERR],
    ["whose name has no end", queryBytes().slice(0, 15), dnsCode.FORMERR],
    ["whose type is cut off", queryBytes().slice(0, 19), dnsCode.FORMERR],
    ["whose name points at itself", pointingAt(12), dnsCode.FORMERR],
    ["whose name points at the header", pointingAt(0), dnsCode.FORMERR],
    ["with a label of 64 bytes", queryBytes({ name: "a".repeat(64) }), dnsCode.FORMERR],
    ["with a name of 256 bytes", queryBytes({ name: new Array(128).fill("a").join(".") }), dnsCode.FORMERR],
    ["with records that are not there", queryBytes({ counts: [1, 0, 0, 65_535] }), dnsCode.FORMERR],
    ["with a record that is cut off", queryBytes({ rest: optBytes(512).slice(0, 10) }), dnsCode.FORMERR],
    ["with a record longer than the rest", queryBytes({ rest: [...optBytes(512).slice(0, 9), 255, 255] }), 1],
    ["with two EDNS", queryBytes({ rest: [...optBytes(512), ...optBytes(512)], counts: [1, 0, 0, 2] }), 1],
    [
      "with EDNS among the answers",
      queryBytes({ rest: optBytes(512), counts: [1, 1, 0, 0] }),
      dnsCode.FORMERR,
    ],
  ])("%s is refused", (_what, message, code) => {
    expect(codeOf(message)).toBe(code);
    const answer = readMessage(encodeBadReply(parseQuery(message) as BadQuery));
    expect(answer).toMatchObject({ id: 0x1234, code, counts: [0, 0, 0, 0] });
  });

  test("of a name of 255 bytes is the longest", () => {
    const name = [...new Array(126).fill("a"), "a"].join(".");
    expect(good(queryBytes({ name })).question.name).toBe(name);
  });

  test("of random bytes never throws, nor does one cut or changed anywhere", () => {
    const random = randomBytes(42);
    const whole = queryBytes({ name: "a.b.c", rest: optBytes(1232) });
    for (let round = 0; round < 20_000; round++) {
      const message = round % 2 === 0 ? random(round % 300) : mutate(whole, random(4));
      const query = parseQuery(message);
      if (query === undefined) continue;
      const answer =
        "code" in query ? encodeBadReply(query) : encodeReply(query, reply([[1, 2, 3, 4]]), query.udpBytes);
      expect(readMessage(answer).id).toBe(((message[0] ?? 0) << 8) | (message[1] ?? 0));
      if (!("code" in query)) expect(good(encodeQuery(query, 7, 1232)).question).toEqual(query.question);
    }
  });
});

describe("a name", () => {
  test("is the same after writing and reading", () => {
    for (const name of ["", "web", "web.front", "a".repeat(63), "x_y-1.z"]) {
      const bytes = encodeName(name) ?? new Uint8Array(0);
      expect(parseName(bytes, 0)).toEqual({ name, end: bytes.byteLength });
    }
  });

  test("that DNS cannot say has no bytes", () => {
    for (const name of ["a..b", ".", "a".repeat(64), new Array(128).fill("a").join(".")])
      expect(encodeName(name)).toBeUndefined();
  });
});

describe("an answer", () => {
  const query = good(queryBytes({ name: "web" }));

  test("repeats id, question and the wish for recursion, which is available", () => {
    expect(readMessage(encodeReply(query, reply([[10, 0, 0, 2]]), 512))).toEqual({
      id: 0x1234,
      flags: 0x8180,
      code: 0,
      isTruncated: false,
      counts: [1, 1, 0, 0],
      name: "web",
      answers: [{ type: 1, ttl: 600, data: "10.0.0.2" }],
    });
  });

  test("that does not fit has what fits, and says so", () => {
    const many = Array.from({ length: 100 }, (_, index) => [10, 0, 0, index]);
    const answer = encodeReply(query, reply(many), 512);
    expect(answer.byteLength).toBeLessThanOrEqual(512);
    expect(readMessage(answer)).toMatchObject({ isTruncated: true, counts: [1, 30, 0, 0] });
    expect(readMessage(encodeReply(query, reply(many), 65_535))).toMatchObject({ isTruncated: false });
  });

  test("has EDNS when the query had, and the high bits of its code in there", () => {
    const asked = good(queryBytes({ rest: optBytes(4096, 1, 0x8000) }));
    const answer = encodeReply(asked, { code: dnsCode.BADVERS, answers: [], ttlSeconds: 0 }, 512);
    expect(readMessage(answer)).toMatchObject({ code: 0, counts: [1, 0, 0, 1] });
    expect([...answer.slice(-11)]).toEqual([0, 0, 41, 4, 208, 1, 0, 0x80, 0, 0, 0]);
  });
});

describe("a server's response", () => {
  const query = good(queryBytes({ name: "Example.org", rest: optBytes(512) }));
  const asked = encodeQuery(query, 99, 1232);
  const response = (change: (view: DataView) => void): Uint8Array => {
    const message = new Uint8Array(asked);
    const view = new DataView(message.buffer);
    view.setUint16(2, 0x8180);
    change(view);
    return message;
  };

  test("counts when id and question are those that were asked", () => {
    expect(
      checkResponse(
        response(() => {}),
        query,
        99,
      ),
    ).toEqual({ code: 0, isTruncated: false });
    const lowerCase = response((view) => view.setUint8(13, 0x65));
    expect(checkResponse(lowerCase, query, 99)).toEqual({ code: 0, isTruncated: false });
  });

  test.each<[string, (view: DataView) => void]>([
    ["another id", (view) => view.setUint16(0, 98)],
    ["a query", (view) => view.setUint16(2, 0x0100)],
    ["another operation", (view) => view.setUint16(2, 0xa800)],
    ["another name", (view) => view.setUint8(14, 0x79)],
    ["another type", (view) => view.setUint16(25, 28)],
    ["another class", (view) => view.setUint16(27, 3)],
    ["no question", (view) => view.setUint16(4, 0)],
    ["two questions", (view) => view.setUint16(4, 2)],
  ])("is none with %s", (_what, change) => {
    expect(checkResponse(response(change), query, 99)).toBeUndefined();
  });

  test("that is too short is none", () => {
    for (let length = 0; length < 29; length++)
      expect(checkResponse(response(() => {}).slice(0, length), query, 99)).toBeUndefined();
  });

  test("reaches the client under its id, in its spelling, cut when too long", () => {
    const other = response((view) => view.setUint8(13, 0x65));
    expect(readMessage(adaptResponse(other, query, 512))).toMatchObject({ id: 0x1234, name: "Example.org" });
    const cut = adaptResponse(other, query, 20);
    expect(readMessage(cut)).toMatchObject({ id: 0x1234, isTruncated: true, counts: [1, 0, 0, 1] });
  });

  test("without its question is answered with the code alone", () => {
    const bare = Uint8Array.from([0, 99, 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(checkResponse(bare, query, 99)).toEqual({ code: 1, isTruncated: false });
    expect(readMessage(adaptResponse(bare, query, 512))).toMatchObject({
      id: 0x1234,
      code: 1,
      name: "Example.org",
    });
  });
});

function reply(addresses: readonly (readonly number[])[]) {
  const answers = addresses.map((address) => ({ type: 1, data: Uint8Array.from(address) }));
  return { code: dnsCode.NOERROR, answers, ttlSeconds: 600 };
}

function pointingAt(offset: number): Uint8Array {
  return Uint8Array.from([...queryBytes().slice(0, 12), 0xc0, offset, 0, 1, 0, 1]);
}

/** The same bytes in every run (Lehmer's generator). */
function randomBytes(seed: number): (length: number) => Uint8Array {
  let state = seed;
  const next = () => {
    state = (state * 48_271) % 0x7fffffff;
    return state & 0xff;
  };
  return (length) => Uint8Array.from({ length }, next);
}

function mutate(message: Uint8Array, [where = 0, value = 0, cut = 0, also = 0]: Uint8Array): Uint8Array {
  const changed = new Uint8Array(message);
  changed[where % changed.byteLength] = value;
  changed[also % changed.byteLength] = cut;
  return cut % 3 === 0 ? changed.slice(0, cut % changed.byteLength) : changed;
}
