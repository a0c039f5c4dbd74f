import { afterEach, describe, expect, test } from "bun:test";
import { writeSync } from "node:fs";
import { socketpair } from "../../../ffi/socket.ts";
import { Channel } from "../../../src/monitor/channel.ts";
import { type FrameType, FrameType as Type } from "../../../src/monitor/protocol.ts";

const open: Channel[] = [];
afterEach(() => {
  for (const channel of open.splice(0)) channel.close();
});

async function channelPair(): Promise<readonly [Channel, Channel]> {
  const [left, right] = socketpair();
  const pair = [await Channel.connect({ fd: left }), await Channel.connect({ fd: right })] as const;
  open.push(...pair);
  return pair;
}

interface Seen {
  readonly types: FrameType[];
  bytes: number;
  closed: number;
}

function record(channel: Channel, wait?: () => Promise<void> | undefined): Seen {
  const seen: Seen = { types: [], bytes: 0, closed: 0 };
  channel.listen({
    frame: ({ type, payload }) => {
      seen.types.push(type);
      seen.bytes += payload.byteLength;
      return wait?.();
    },
    closed: () => {
      seen.closed++;
    },
  });
  return seen;
}

async function until(condition: () => boolean): Promise<void> {
  for (let tries = 0; !condition() && tries < 10_000; tries++) await Bun.sleep(2);
  expect(condition()).toBe(true);
}

describe("Channel", () => {
  test("carries frames both ways, in order", async () => {
    const [left, right] = await channelPair();
    const [seenLeft, seenRight] = [record(left), record(right)];
    left.send(Type.stdin, Buffer.from("in"));
    left.send(Type.stdinEnd);
    right.send(Type.stdout, Buffer.from("out"));
    await until(() => seenLeft.types.length === 1 && seenRight.types.length === 2);
    expect(seenRight.types).toEqual([Type.stdin, Type.stdinEnd]);
    expect(seenLeft.types).toEqual([Type.stdout]);
  });

  test("keeps what came before anybody listened, and while it was on hold", async () => {
    const [left, right] = await channelPair();
    left.send(Type.started);
    left.send(Type.stdout, Buffer.from("x"));
    left.send(Type.exit);
    await Bun.sleep(10);
    const first: FrameType[] = [];
    right.listen({
      frame: ({ type }) => {
        right.hold();
        first.push(type);
      },
      closed: () => undefined,
    });
    expect(first).toEqual([Type.started]);
    const seen = record(right);
    await until(() => seen.types.length === 2);
    expect(seen.types).toEqual([Type.stdout, Type.exit]);
  });

  test("a busy handler stops the sender, with bounded memory, and loses nothing", async () => {
    const [left, right] = await channelPair();
    const busy = Promise.withResolvers<void>();
    let isBusy = true;
    const seen = record(right, () => (isBusy ? busy.promise : undefined));
    const chunk = new Uint8Array(64 * 1024);
    let sent = 0;
    while (!left.congested) {
      left.send(Type.stdout, chunk);
      sent++;
    }
    const drained = left.drained();
    expect(await Promise.race([drained.then(() => "drained"), Bun.sleep(100).then(() => "full")])).toBe(
      "full",
    );
    expect(seen.types).toHaveLength(1);
    isBusy = false;
    busy.resolve();
    await drained;
    await until(() => seen.types.length === sent);
    expect(seen.bytes).toBe(sent * chunk.byteLength);
  });

  test("says closed once, behind the last frame, even when the handler was slow", async () => {
    const [left, right] = await channelPair();
    const seen = record(right, () => Bun.sleep(20));
    for (let n = 0; n < 5; n++) left.send(Type.stdout, new Uint8Array(1000));
    await left.drained();
    left.close();
    await Bun.sleep(30);
    expect(seen.closed).toBe(0);
    await until(() => seen.closed === 1);
    expect(seen.types).toHaveLength(5);
    expect(seen.closed).toBe(1);
  });

  test("drained() is kept when the other side goes away, and sending is harmless then", async () => {
    const [left, right] = await channelPair();
    const seen = record(left);
    while (!left.congested) left.send(Type.stdout, new Uint8Array(64 * 1024));
    const drained = left.drained();
    right.close();
    await drained;
    await until(() => seen.closed === 1);
    left.send(Type.stdout, new Uint8Array(10));
    expect(left.congested).toBeFalse();
  });

  test("drained() is kept when the other side goes away while frames are on hold", async () => {
    const [left, right] = await channelPair();
    const held = new Promise<void>((resolve) => {
      left.listen({
        frame: () => {
          left.hold();
          resolve();
        },
        closed: () => undefined,
      });
    });
    right.send(Type.start);
    await held;
    right.close();
    // The first bytes may still find the socket open.
    for (let tries = 0; tries < 3; tries++) left.send(Type.error, new Uint8Array(8));
    await left.drained();
  });

  test("ends a connection that speaks another language", async () => {
    const [left, right] = socketpair();
    const channel = await Channel.connect({ fd: left });
    const seen = record(channel);
    writeSync(right, "GET / HTTP/1.1\r\n\r\n");
    await until(() => seen.closed === 1);
    expect(seen.types).toEqual([]);
  });
});
