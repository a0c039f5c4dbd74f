/** Locks that vanish with their work. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, renameSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { lockTransient, tryLockTransient } from "../../../src/storage/transient-lock.ts";
import { openTemporaryRoot, type TemporaryRoot } from "./storage-fixture.ts";

let root: TemporaryRoot;
let path: string;

beforeEach(() => {
  root = openTemporaryRoot();
  mkdirSync(root.paths.tmp, { recursive: true });
  path = join(root.paths.tmp, "x.lock");
});
afterEach(() => root[Symbol.dispose]());

test("one holder at a time, the next when it lets go", async () => {
  const first = await lockTransient(path);
  expect(tryLockTransient(path)).toBeUndefined();
  let got = false;
  const waiting = lockTransient(path).then((lock) => {
    got = true;
    return lock;
  });
  await Bun.sleep(30);
  expect(got).toBe(false);
  first[Symbol.dispose]();
  (await waiting)[Symbol.dispose]();
  expect(existsSync(path)).toBe(true);
});

test("removes its file when asked", async () => {
  (await lockTransient(path, { removeFile: true }))[Symbol.dispose]();
  expect(existsSync(path)).toBe(false);
});

test("two waiters of a removed file never both hold it", async () => {
  let holders = 0;
  let most = 0;
  const worker = async () => {
    for (let round = 0; round < 20; round++) {
      using _lock = await lockTransient(path, { removeFile: true });
      holders += 1;
      most = Math.max(most, holders);
      await Bun.sleep(0);
      holders -= 1;
    }
  };
  await Promise.all([worker(), worker(), worker()]);
  expect(most).toBe(1);
});

test("a file that was renamed while it was locked is left alone", async () => {
  const lock = await lockTransient(path, { removeFile: true });
  renameSync(path, `${path}.done`);
  const other = tryLockTransient(path);
  expect(other).toBeDefined();
  lock[Symbol.dispose]();
  expect(existsSync(path)).toBe(true);
  other?.[Symbol.dispose]();
  unlinkSync(`${path}.done`);
});
