/** A channel between two loops: order, waiting, and news of an early end in both directions. */
import { expect, test } from "bun:test";
import { ByteChannel } from "../../../src/storage/byte-channel.ts";

const piece = (value: number) => Uint8Array.of(value);

test("pieces come out in order, and the writer waits for the reader", async () => {
  const channel = new ByteChannel();
  let written = 0;
  const writing = (async () => {
    for (let value = 0; value < 50; value++) {
      expect(await channel.push(piece(value))).toBe(true);
      written += 1;
    }
    channel.end();
  })();
  await Promise.resolve();
  await new Promise((resolve) => setImmediate(resolve));
  const ahead = written;
  expect(ahead).toBeLessThan(10);
  const got: number[] = [];
  for await (const [value = -1] of channel) got.push(value);
  await writing;
  expect(got).toEqual(Array.from({ length: 50 }, (_, index) => index));
});

test("a reader that leaves frees the writer", async () => {
  const channel = new ByteChannel();
  const writing = (async () => {
    let count = 0;
    while (await channel.push(piece(count))) count += 1;
    return count;
  })();
  for await (const _ of channel) break;
  expect(await writing).toBeLessThan(10);
});

test("a failure of the writer is the reader's, after which nothing is taken", async () => {
  const channel = new ByteChannel();
  await channel.push(piece(1));
  channel.fail(new Error("broken"));
  expect(Array.fromAsync(channel)).rejects.toThrow("broken");
});

test("end without a piece is an empty stream", async () => {
  const channel = new ByteChannel();
  channel.end();
  expect(await Array.fromAsync(channel)).toEqual([]);
});
