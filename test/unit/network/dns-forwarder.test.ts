/**
 * Asking servers that are well, dead, slow, lying, or that cut their answers: fakes on this machine's loopback.
 */
import { afterEach, describe, expect, test } from "bun:test";
import { createSocket, type Socket } from "node:dgram";
import { createServer, type Server } from "node:net";
import type { NameServerAddress } from "../../../src/network/ask-server.ts";
import { DnsForwarder, type ForwarderTimes } from "../../../src/network/dns-forwarder.ts";
import { type DnsQuery, parseQuery } from "../../../src/network/dns-message.ts";
import { optBytes, type QueryParts, queryBytes, readMessage, wordBytes } from "./dns-fixture.ts";

const opened: (Socket | Server)[] = [];
afterEach(() => {
  for (const each of opened.splice(0)) each.close();
});

/** What a fake sends back; several messages one after the other, or none. */
type Behaviour = (query: Buffer) => readonly Uint8Array[];

interface Fake extends NameServerAddress {
  readonly asked: Buffer[];
}

async function fakeServer(behaviour: Behaviour, address = "127.0.0.1"): Promise<Fake> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  opened.push(socket);
  // The asker may have its answer from somebody else already, and have gone.
  socket.on("error", () => {});
  const asked: Buffer[] = [];
  socket.on("message", (query, client) => {
    asked.push(query);
    for (const message of behaviour(query)) socket.send(message, client.port, client.address);
  });
  await new Promise<void>((resolve) => socket.bind(0, address, resolve));
  return { address, port: socket.address().port, asked };
}

/** The same port by TCP. */
async function alsoByStream({ address, port }: NameServerAddress, behaviour: Behaviour): Promise<Buffer[]> {
  const asked: Buffer[] = [];
  const server = createServer((connection) => {
    connection.on("error", () => {});
    connection.on("data", (chunk: Buffer) => {
      asked.push(chunk.subarray(2));
      for (const message of behaviour(chunk.subarray(2))) {
        // In two pieces, as networks do.
        connection.write(Uint8Array.from([...wordBytes(message.length), message[0] ?? 0]));
        setImmediate(() => connection.write(message.subarray(1)));
      }
    });
  });
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(port, address, resolve));
  return asked;
}

/** An answer to `query` with one address. */
function answerTo(query: Uint8Array, last: number, code = 0, flags = 0x8180): Uint8Array {
  const bytes = [...query];
  bytes.splice(2, 2, ...wordBytes(flags | code));
  bytes.splice(6, 6, 0, code === 0 ? 1 : 0, 0, 0, 0, 0);
  const end = bytes.indexOf(0, 12) + 5;
  const record = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, last];
  return Uint8Array.from([...bytes.slice(0, end), ...(code === 0 ? record : [])]);
}

const healthy =
  (last: number): Behaviour =>
  (query) => [answerTo(query, last)];
const silent: Behaviour = () => [];
const failing =
  (code: number): Behaviour =>
  (query) => [answerTo(query, 0, code)];

function query(parts: QueryParts = {}): DnsQuery {
  return parseQuery(queryBytes({ name: "Example.org", ...parts })) as DnsQuery;
}

function forwarderTo(
  servers: readonly NameServerAddress[],
  times: Partial<ForwarderTimes> = {},
): DnsForwarder {
  return new DnsForwarder(() => servers, { staggerMs: 40, deadlineMs: 20_000, retryMs: 60_000, ...times });
}

/** Nobody is asked twice, however slow the machine. */
const patient = { staggerMs: 20_000, deadlineMs: 20_000 };

async function answerOf(forwarder: DnsForwarder, asked: DnsQuery = query()) {
  const answer = await forwarder.forward(asked);
  return answer instanceof Uint8Array ? readMessage(answer) : answer;
}

/** A port that nobody listens on: the kernel says so at once. */
async function closedPort(): Promise<NameServerAddress> {
  const { address, port } = await fakeServer(silent);
  await new Promise<void>((resolve) => (opened.pop() as Socket).close(() => resolve()));
  return { address, port };
}

describe("one server", () => {
  test("is asked with an id of ours, the client's spelling and its EDNS, no larger than we take", async () => {
    const server = await fakeServer(healthy(1));
    const answer = await answerOf(forwarderTo([server], patient), query({ rest: optBytes(4096, 0, 0x8000) }));
    expect(answer).toMatchObject({ code: 0, answers: [{ data: "192.0.2.1" }] });
    expect(server.asked).toHaveLength(1);
    const [asked = Buffer.alloc(0)] = server.asked;
    expect(readMessage(asked)).toMatchObject({ flags: 0x0100, name: "Example.org", counts: [1, 0, 0, 1] });
    expect([...asked.subarray(-11)]).toEqual([0, 0, 41, 4, 208, 0, 0, 0x80, 0, 0, 0]);
  });

  test("is asked under other ids and from other ports each time", async () => {
    const ports = new Set<number>();
    const socket = createSocket("udp4");
    opened.push(socket);
    socket.on("error", () => {});
    const ids = new Set<number>();
    socket.on("message", (message, client) => {
      ports.add(client.port);
      ids.add(message.readUInt16BE(0));
      socket.send(answerTo(message, 1), client.port, client.address);
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const forwarder = forwarderTo([{ address: "127.0.0.1", port: socket.address().port }]);
    for (let round = 0; round < 20; round++) await forwarder.forward(query());
    expect(ids.size).toBeGreaterThan(18);
    expect(ports.size).toBeGreaterThan(10);
  });

  test("is asked again when a datagram was lost", async () => {
    let count = 0;
    const server = await fakeServer((message) => (count++ === 0 ? [] : [answerTo(message, 1)]));
    expect(await answerOf(forwarderTo([server]))).toMatchObject({ code: 0 });
  });

  test("over IPv6", async () => {
    if (!(await Bun.file("/proc/self/net/if_inet6").text()).includes(" lo")) return;
    const server = await fakeServer(healthy(6), "::1");
    expect(await answerOf(forwarderTo([server]))).toMatchObject({ answers: [{ data: "192.0.2.6" }] });
  });

  test("that says nothing leaves no answer once the time is up", async () => {
    expect(await answerOf(forwarderTo([await fakeServer(silent)], { deadlineMs: 150 }))).toBeUndefined();
  });

  test("that is not there leaves none at once", async () => {
    const start = performance.now();
    expect(
      await answerOf(forwarderTo([await closedPort()], { staggerMs: 5000, deadlineMs: 5000 })),
    ).toBeUndefined();
    expect(performance.now() - start).toBeLessThan(2500);
  });

  test("none at all leaves none", async () => {
    expect(await answerOf(forwarderTo([]))).toBeUndefined();
  });
});

describe("lies", () => {
  test("with a wrong id, question or type before the truth change nothing", async () => {
    const server = await fakeServer((message) => {
      const wrongId = answerTo(message, 66);
      wrongId[0] = (wrongId[0] ?? 0) ^ 0xff;
      const wrongName = answerTo(message, 67);
      wrongName[13] = 0x58;
      const noAnswer = Buffer.from(message);
      return [wrongId, wrongName, noAnswer, Buffer.from("nonsense"), answerTo(message, 1)];
    });
    expect(await answerOf(forwarderTo([server]))).toMatchObject({ answers: [{ data: "192.0.2.1" }] });
  });

  test("from another address or port do not arrive", async () => {
    const liar = createSocket("udp4");
    opened.push(liar);
    liar.on("error", () => {});
    await new Promise<void>((resolve) => liar.bind(0, "127.0.0.1", resolve));
    const socket = createSocket("udp4");
    opened.push(socket);
    socket.on("error", () => {});
    socket.on("message", (message, client) => {
      liar.send(answerTo(message, 66), client.port, client.address, () => {
        socket.send(answerTo(message, 1), client.port, client.address);
      });
    });
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    const forwarder = forwarderTo([{ address: "127.0.0.1", port: socket.address().port }]);
    expect(await answerOf(forwarder)).toMatchObject({ answers: [{ data: "192.0.2.1" }] });
  });
});

describe("an answer that does not fit", () => {
  test("is fetched by TCP", async () => {
    const server = await fakeServer((message) => [answerTo(message, 0, 0, 0x8380)]);
    const asked = await alsoByStream(server, healthy(2));
    expect(await answerOf(forwarderTo([server], patient))).toMatchObject({
      isTruncated: false,
      answers: [{ data: "192.0.2.2" }],
    });
    expect(asked).toHaveLength(1);
  });

  test("and cannot be fetched is asked of the next server", async () => {
    const cut = await fakeServer((message) => [answerTo(message, 0, 0, 0x8380)]);
    const other = await fakeServer(healthy(3));
    expect(await answerOf(forwarderTo([cut, other]))).toMatchObject({ answers: [{ data: "192.0.2.3" }] });
  });

  test("and comes under a wrong id by TCP is none", async () => {
    const server = await fakeServer((message) => [answerTo(message, 0, 0, 0x8380)]);
    await alsoByStream(server, (message) => {
      const answer = answerTo(message, 66);
      answer[0] = (answer[0] ?? 0) ^ 0xff;
      return [answer];
    });
    expect(await answerOf(forwarderTo([server], { deadlineMs: 200 }))).toBeUndefined();
  });
});

describe("several servers", () => {
  test("the first one's answer counts, the others are not asked", async () => {
    const [first, second] = [await fakeServer(healthy(1)), await fakeServer(healthy(2))];
    expect(await answerOf(forwarderTo([first, second], patient))).toMatchObject({
      answers: [{ data: "192.0.2.1" }],
    });
    expect(second.asked).toHaveLength(0);
  });

  test("a dead one costs one pause, then none: it is asked no more", async () => {
    const [dead, well] = [await fakeServer(silent), await fakeServer(healthy(2))];
    const forwarder = forwarderTo([dead, well], { staggerMs: 100, deadlineMs: 5000 });
    await forwarder.forward(query());
    const before = dead.asked.length;
    for (let round = 0; round < 10; round++)
      expect(await answerOf(forwarder)).toMatchObject({ answers: [{ data: "192.0.2.2" }] });
    expect(dead.asked).toHaveLength(before);
  });

  test("one that lives again is found, and is the first again", async () => {
    let isDead = true;
    const first = await fakeServer((message) => (isDead ? [] : [answerTo(message, 1)]));
    const second = await fakeServer(healthy(2));
    const forwarder = forwarderTo([first, second], { retryMs: 0 });
    expect(await answerOf(forwarder)).toMatchObject({ answers: [{ data: "192.0.2.2" }] });
    isDead = false;
    let data: string | undefined;
    for (let round = 0; round < 50 && data !== "192.0.2.1"; round++) {
      const answer = await answerOf(forwarder);
      data = typeof answer === "object" ? answer.answers[0]?.data : undefined;
    }
    expect(data).toBe("192.0.2.1");
  });

  test("one that is not there is passed over at once", async () => {
    const forwarder = forwarderTo([await closedPort(), await fakeServer(healthy(2))], patient);
    expect(await answerOf(forwarder)).toMatchObject({ answers: [{ data: "192.0.2.2" }] });
  });

  test.each([2, 5])("one that fails with %d is passed over", async (code) => {
    const [failed, well] = [await fakeServer(failing(code)), await fakeServer(healthy(2))];
    const forwarder = forwarderTo([failed, well], patient);
    expect(await answerOf(forwarder)).toMatchObject({ code: 0, answers: [{ data: "192.0.2.2" }] });
  });

  test("that a name does not exist is an answer; nobody else is asked", async () => {
    const [first, second] = [await fakeServer(failing(3)), await fakeServer(healthy(2))];
    expect(await answerOf(forwarderTo([first, second], patient))).toMatchObject({ code: 3 });
    expect(second.asked).toHaveLength(0);
  });

  test("all refusing: the first refusal is the answer", async () => {
    const forwarder = forwarderTo([await fakeServer(failing(5)), await fakeServer(failing(2))]);
    expect(await answerOf(forwarder)).toMatchObject({ code: 5 });
  });

  test("all dead: everyone is still asked", async () => {
    const [first, second] = [await fakeServer(silent), await fakeServer(silent)];
    const forwarder = forwarderTo([first, second], { deadlineMs: 150 });
    expect(await answerOf(forwarder)).toBeUndefined();
    const before = [first.asked.length, second.asked.length] as const;
    expect(await answerOf(forwarder)).toBeUndefined();
    expect(first.asked.length).toBeGreaterThan(before[0]);
    expect(second.asked.length).toBeGreaterThan(before[1]);
  });
});

test("at most 256 queries are under way", async () => {
  const forwarder = forwarderTo([await fakeServer(silent)], { staggerMs: 2000, deadlineMs: 500 });
  const asked = Array.from({ length: 300 }, () => forwarder.forward(query()));
  expect(forwarder.pending).toBe(256);
  const results = await Promise.all(asked);
  expect(results.filter((result) => result === "busy")).toHaveLength(44);
  expect(forwarder.pending).toBe(0);
  expect(await forwarder.forward(query())).toBeUndefined();
});
