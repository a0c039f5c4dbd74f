/** Deleting what a container has made: depth, links, names that are not text, and what is not a directory. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deleteTree } from "../../../src/storage/delete-tree.ts";
import { makeDeepTree } from "../../lib/deep-tree.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bocker-delete-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("takes no longer for depth than for width: a remover that begins anew at every level needs minutes", () => {
  // In memory where there is a place: a disk that others are busy with says nothing about the remover.
  const place = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "bocker-delete-"));
  try {
    makeDeepTree(join(place, "tree"), 20_000);
    expect(deleteTree(join(place, "tree"))).toBe(true);
    expect(existsSync(join(place, "tree"))).toBe(false);
  } finally {
    deleteTree(place);
  }
}, 60_000);

test("removes links and not what they lead to, and names that are not UTF-8", () => {
  const outside = join(directory, "outside");
  mkdirSync(outside);
  writeFileSync(join(outside, "kept"), "");
  const tree = join(directory, "tree");
  mkdirSync(join(tree, "inner"), { recursive: true });
  symlinkSync(outside, join(tree, "inner/link"));
  symlinkSync("nowhere", join(tree, "dangling"));
  writeFileSync(Buffer.concat([Buffer.from(`${tree}/inner/`), Buffer.from([0xff, 0x0a])]), "");
  expect(Bun.spawnSync(["mkfifo", join(tree, "fifo")]).exitCode).toBe(0);
  expect(deleteTree(tree)).toBe(true);
  expect(existsSync(tree)).toBe(false);
  expect(existsSync(join(outside, "kept"))).toBe(true);
});

test("a file, a link and nothing at all", () => {
  const path = join(directory, "it");
  writeFileSync(path, "");
  expect(deleteTree(path)).toBe(true);
  symlinkSync(directory, path);
  expect(deleteTree(path)).toBe(true);
  expect(existsSync(directory)).toBe(true);
  expect(deleteTree(path)).toBe(true);
});
