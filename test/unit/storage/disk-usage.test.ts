/** What a tree takes on the disk, beside what du says. */
import { afterAll, expect, test } from "bun:test";
import {
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deleteTree } from "../../../src/storage/delete-tree.ts";
import { DiskUsage } from "../../../src/storage/disk-usage.ts";
import { writtenBytes } from "../../../src/storage/written-bytes.ts";
import { makeDeepTree } from "../../lib/deep-tree.ts";

const memory = "/dev/shm";
const directory = mkdtempSync(join(tmpdir(), "bocker-usage-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const du = (path: string) => Number(Bun.spawnSync(["du", "-sB1", path]).stdout.toString().split("\t")[0]);

test("is what du counts: blocks, links once, holes not, names that are not UTF-8", () => {
  mkdirSync(join(directory, "tree/deep/er"), { recursive: true });
  const file = (name: string) => join(directory, "tree", name);
  writeFileSync(file("plain"), Buffer.alloc(70_000, 1));
  linkSync(file("plain"), file("deep/again"));
  writeFileSync(file("sparse"), "x");
  truncateSync(file("sparse"), 50_000_000);
  symlinkSync("/etc/passwd", file("link"));
  symlinkSync(".", file("loop"));
  writeFileSync(Buffer.concat([Buffer.from(file("bad-")), Buffer.from([0xff])]), Buffer.alloc(9000, 1));
  expect(new DiskUsage().of(join(directory, "tree"))).toBe(du(join(directory, "tree")));
});

test("counts a file once among several trees, and what is not there as nothing", () => {
  for (const name of ["one", "two"]) mkdirSync(join(directory, name));
  writeFileSync(join(directory, "one/file"), Buffer.alloc(8192, 1));
  linkSync(join(directory, "one/file"), join(directory, "two/file"));
  const usage = new DiskUsage();
  const [one, two] = [usage.of(join(directory, "one")), usage.of(join(directory, "two"))];
  expect(one - two).toBe(8192);
  expect(usage.of(join(directory, "missing"))).toBe(0);
});

test("apparent: the bytes of plain files alone", () => {
  mkdirSync(join(directory, "sizes"));
  writeFileSync(join(directory, "sizes/a"), "12345");
  symlinkSync("somewhere", join(directory, "sizes/link"));
  expect(new DiskUsage({ apparent: true }).of(join(directory, "sizes"))).toBe(5);
});

test("counts below the longest path, and ends in a tree without an end", () => {
  const long = join(directory, "long");
  makeDeepTree(long, 30, "d".repeat(200));
  expect(new DiskUsage().of(long)).toBe(du(long));
  deleteTree(long);
  const endless = mkdtempSync(join(existsSync(memory) ? memory : directory, "bocker-usage-"));
  makeDeepTree(join(endless, "tree"), 5000);
  expect(new DiskUsage().of(endless)).toBeGreaterThanOrEqual(0);
  expect(writtenBytes(endless)).toBe(0);
  expect(deleteTree(endless)).toBe(true);
}, 60_000);
