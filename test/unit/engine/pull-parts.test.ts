import { afterAll, describe, expect, test } from "bun:test";
import { appendFileSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FileFollower } from "../../../src/engine/pull-follow.ts";
import { Slots } from "../../../src/engine/pull-slots.ts";

const folder = mkdtempSync(join(tmpdir(), "bocker-follow-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function readAll(follower: FileFollower): Promise<string> {
  return Buffer.concat(await Array.fromAsync(follower.read())).toString();
}

describe("FileFollower", () => {
  test("reads what is written while it is written, and no byte beyond what was announced", async () => {
    const path = join(folder, "growing");
    writeFileSync(path, "");
    const seen: number[] = [];
    const follower = new FileFollower([path], (bytes) => seen.push(bytes));
    const reading = readAll(follower);
    let written = 0;
    for (const piece of ["hello ", "", "wor", "ld"]) {
      appendFileSync(path, piece);
      written += piece.length;
      follower.advance(written);
      await Bun.sleep(2);
    }
    appendFileSync(path, "not announced");
    follower.finish();
    expect(await reading).toBe("hello world");
    expect(seen.at(-1)).toBe(11);
  });

  test("finds the file under its final name", async () => {
    const [part, whole] = [join(folder, "x.part"), join(folder, "x")];
    writeFileSync(part, "content");
    renameSync(part, whole);
    const follower = new FileFollower([part, whole], () => {});
    follower.advance(7);
    follower.finish();
    expect(await readAll(follower)).toBe("content");
  });

  test("fails with the writer, also before and while it waits", async () => {
    const path = join(folder, "failing");
    writeFileSync(path, "ab");
    const follower = new FileFollower([path], () => {});
    follower.advance(2);
    const reading = readAll(follower);
    await Bun.sleep(5);
    follower.fail(new Error("line broke"));
    await expect(reading).rejects.toThrow("line broke");
    await expect(readAll(follower)).rejects.toThrow("line broke");
  });

  test("an empty file has an end", async () => {
    const path = join(folder, "empty");
    writeFileSync(path, "");
    const follower = new FileFollower([path], () => {});
    follower.finish();
    expect(await readAll(follower)).toBe("");
  });

  test("a file that shrinks is an error and no endless loop", async () => {
    const path = join(folder, "shrunk");
    writeFileSync(path, "");
    const follower = new FileFollower([path], () => {});
    follower.advance(10);
    await expect(readAll(follower)).rejects.toThrow("shrank");
  });
});

describe("Slots", () => {
  test("never runs more than it has, serves in order, and survives failures", async () => {
    const slots = new Slots(2);
    const begun: number[] = [];
    let running = 0;
    let most = 0;
    const work = (at: number) =>
      slots.run(async () => {
        begun.push(at);
        most = Math.max(most, ++running);
        await Bun.sleep(2);
        running--;
        if (at % 3 === 0) throw new Error(`no ${at}`);
        return at;
      });
    const results = await Promise.allSettled(Array.from({ length: 10 }, (_, at) => work(at)));
    expect(most).toBe(2);
    expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(results.filter((result) => result.status === "rejected")).toHaveLength(4);
    expect(slots.busy).toBe(false);
  });
});
