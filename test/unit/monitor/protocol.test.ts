import { describe, expect, test } from "bun:test";
import { BockerError } from "../../../src/errors.ts";
import { type Frame, FrameDecoder } from "../../../src/monitor/frame-decoder.ts";
import {
  decodeCount,
  decodeJson,
  decodeSize,
  encodeCount,
  encodeFrame,
  encodeJson,
  encodeSize,
  FrameType,
  fromWireError,
  maxPayloadBytes,
  toWireError,
  type WireError,
} from "../../../src/monitor/protocol.ts";

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const shown = (frames: readonly Frame[]): string[] =>
  frames.map(({ type, payload }) => `${type}:${new TextDecoder().decode(payload)}`);

describe("frames", () => {
  const stream = Buffer.concat([
    encodeFrame(FrameType.stdout, bytes("one")),
    encodeFrame(FrameType.stdinEnd),
    encodeFrame(FrameType.stderr, bytes("three")),
  ]);
  const all = ["18:one", "4:", "19:three"];

  test("are the same however the bytes are cut", () => {
    for (let cut = 0; cut <= stream.byteLength; cut++) {
      const decoder = new FrameDecoder();
      const frames = [...decoder.push(stream.subarray(0, cut)), ...decoder.push(stream.subarray(cut))];
      expect(shown(frames)).toEqual(all);
    }
  });

  test("arrive byte by byte too", () => {
    const decoder = new FrameDecoder();
    expect(shown([...stream].flatMap((byte) => decoder.push(Uint8Array.of(byte))))).toEqual(all);
  });

  test("have a header of type and little-endian length", () => {
    expect([...encodeFrame(FrameType.signal, Uint8Array.of(15))]).toEqual([6, 1, 0, 0, 0, 15]);
  });

  test("of an unknown type or of absurd length are refused before anything is kept", () => {
    const long = new Uint8Array(5);
    long[0] = FrameType.stdin;
    new DataView(long.buffer).setUint32(1, maxPayloadBytes + 1, true);
    expect(() => new FrameDecoder().push(Uint8Array.of(99, 0, 0, 0, 0))).toThrow("not a frame: type 99");
    expect(() => new FrameDecoder().push(long)).toThrow("not a frame: type 3");
    expect(() => new FrameDecoder().push(bytes("GET / HTTP/1.1"))).toThrow(RangeError);
  });
});

describe("payloads", () => {
  test("sizes and counts survive", () => {
    for (const size of [
      { rows: 24, columns: 80 },
      { rows: 0, columns: 65_535 },
    ]) {
      expect(decodeSize(encodeSize(size))).toEqual(size);
    }
    for (const count of [0, 1, 65_536, 2 ** 32 - 1]) expect(decodeCount(encodeCount(count))).toBe(count);
  });

  test("of the wrong length are refused", () => {
    expect(() => decodeSize(new Uint8Array(3))).toThrow("payload of 3 bytes, not 4");
    expect(() => decodeCount(new Uint8Array(5))).toThrow("payload of 5 bytes, not 4");
  });
});

describe("errors on the wire", () => {
  test("keep message, kind, exit code, hint, details and causes", () => {
    const thrown = new BockerError('exec: "nope": not found', {
      kind: "command-not-found",
      exitCode: 127,
      hint: "look at PATH",
      details: { path: "/bin" },
      cause: new Error("outer", { cause: new Error("ENOENT") }),
    });
    const back = fromWireError(decodeJson<WireError>(encodeJson(toWireError(thrown))));
    expect(back).toBeInstanceOf(BockerError);
    expect(back).toMatchObject({
      message: thrown.message,
      kind: thrown.kind,
      exitCode: 127,
      hint: "look at PATH",
    });
    expect(back.details).toEqual({ path: "/bin" });
    expect((back.cause as Error).message).toBe("outer");
    expect(((back.cause as Error).cause as Error).message).toBe("ENOENT");
  });

  test("anything else that was thrown becomes an internal error without exit code", () => {
    expect(toWireError("plain")).toEqual({ message: "plain", kind: "internal", details: {} });
    expect(fromWireError(toWireError(new TypeError("x"))).exitCode).toBeUndefined();
  });
});
