import { describe, expect, test } from "bun:test";
import { piecesUntilAborted, untilAborted } from "../../../src/engine/until-aborted.ts";

const never = () => new Promise<never>(() => {});

describe("a promise", () => {
  test("that ends first gives its result or its error", async () => {
    const { signal } = new AbortController();
    expect(await untilAborted(Promise.resolve(7), signal)).toBe(7);
    expect(untilAborted(Promise.reject(new Error("own")), signal)).rejects.toThrow("own");
    expect(await untilAborted(Promise.resolve(8), undefined)).toBe(8);
  });

  test("that is waited for gives way to the signal's reason", async () => {
    const stop = new AbortController();
    const waiting = untilAborted(never(), stop.signal);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(untilAborted(never(), stop.signal)).rejects.toThrow("enough");
  });
});

describe("pieces", () => {
  test("come as they are, and the source is closed when the loop is left", async () => {
    let isClosed = false;
    async function* source() {
      try {
        yield* [1, 2, 3];
      } finally {
        isClosed = true;
      }
    }
    expect(await Array.fromAsync(piecesUntilAborted(source(), undefined))).toEqual([1, 2, 3]);
    for await (const piece of piecesUntilAborted(source(), new AbortController().signal)) {
      if (piece === 2) break;
    }
    expect(isClosed).toBe(true);
  });

  test("that do not come are not waited for", async () => {
    const stop = new AbortController();
    async function* source() {
      yield 1;
      await never();
    }
    const seen: number[] = [];
    const reading = (async () => {
      for await (const piece of piecesUntilAborted(source(), stop.signal)) {
        seen.push(piece);
        stop.abort(new Error("enough"));
      }
    })();
    await expect(reading).rejects.toThrow("enough");
    expect(seen).toEqual([1]);
  });
});
