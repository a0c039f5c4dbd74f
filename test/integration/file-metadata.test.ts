/** The wrappers around xattrs, times, nodes and copying, against what other programs see. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import {
  closeSync,
  lstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makedev } from "../../ffi/file.ts";
import {
  bytePath,
  clearProtection,
  futimens,
  lchown,
  lgetxattr,
  llistxattr,
  lsetxattr,
  mknod,
  seekData,
  seekHole,
  utimensat,
} from "../../ffi/file-metadata.ts";

let directory: string;
let file: string;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bocker-metadata-"));
  file = join(directory, "file");
  writeFileSync(file, "0123456789");
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("xattrs of any length come back, on a link its own", () => {
  const long = new Uint8Array(2000).fill(0xfe);
  lsetxattr(file, "user.long", long);
  lsetxattr(file, "user.empty", new Uint8Array(0));
  expect(Buffer.from(lgetxattr(file, "user.long") ?? [])).toEqual(Buffer.from(long));
  expect(lgetxattr(file, "user.empty")).toHaveLength(0);
  expect(lgetxattr(file, "user.absent")).toBeUndefined();
  expect([...llistxattr(file)].sort()).toEqual(["user.empty", "user.long"]);
  const link = join(directory, "link");
  symlinkSync(file, link);
  lsetxattr(link, "trusted.mark", Buffer.from("l"));
  expect(llistxattr(link)).toEqual(["trusted.mark"]);
  expect(lgetxattr(file, "trusted.mark")).toBeUndefined();
});

test("errors name call and errno", () => {
  expect(() => lgetxattr(join(directory, "absent"), "user.x")).toThrow("lgetxattr");
  expect(() => lsetxattr(join(directory, "absent"), "user.x", Buffer.from("1"))).toThrow("no such file");
});

test("times to the nanosecond, by path and by descriptor, before 1970 too", () => {
  utimensat(file, { seconds: 5, nanoseconds: 7 }, { seconds: -2, nanoseconds: 999_999_999 });
  const stat = lstatSync(file, { bigint: true });
  expect([stat.atimeNs, stat.mtimeNs]).toEqual([5_000_000_007n, -1_000_000_001n]);
  const fd = openSync(file, "r");
  futimens(fd, { seconds: 1, nanoseconds: 2 }, { seconds: 3, nanoseconds: 4 });
  closeSync(fd);
  expect(lstatSync(file, { bigint: true }).mtimeNs).toBe(3_000_000_004n);
});

test("a link's owner and time are its own", () => {
  const link = join(directory, "link");
  symlinkSync(file, link);
  lchown(link, 11, 12);
  utimensat(link, { seconds: 1, nanoseconds: 0 }, { seconds: 2, nanoseconds: 0 });
  expect([lstatSync(link).uid, lstatSync(link).gid, lstatSync(link).mtimeMs]).toEqual([11, 12, 2000]);
  expect(statSync(file).uid).toBe(process.getuid?.() ?? -1);
});

test("names that are no text, and none with a NUL", () => {
  const name = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0xff, 0x0a])]).toString("latin1");
  mknod(bytePath(name), 0o010644, 0);
  expect(lstatSync(Buffer.from(name, "latin1")).isFIFO()).toBe(true);
  expect(() => bytePath("a\0b")).toThrow("NUL");
});

test("device numbers as stat(1) shows them", () => {
  const node = join(directory, "node");
  mknod(node, 0o020600, makedev({ major: 300, minor: 70_001 }));
  expect(Bun.spawnSync(["stat", "-c", "%Hr %Lr", node]).stdout.toString()).toBe("300 70001\n");
});

test("data and holes are found", () => {
  const sparse = join(directory, "sparse");
  Bun.spawnSync([
    "sh",
    "-c",
    `truncate -s 1M ${sparse} && printf x | dd of=${sparse} bs=1 seek=524288 conv=notrunc 2>&1`,
  ]);
  const from = openSync(sparse, "r");
  expect(seekData(from, 0)).toBe(524_288);
  expect(seekHole(from, 524_288)).toBeGreaterThan(524_288);
  expect(seekData(from, 600_000)).toBeUndefined();
  closeSync(from);
});

test("immutable files can be freed", () => {
  expect(Bun.spawnSync(["chattr", "+i", file]).exitCode).toBe(0);
  expect(() => writeFileSync(file, "x")).toThrow();
  const fd = openSync(file, "r");
  expect([clearProtection(fd), clearProtection(fd)]).toEqual([true, false]);
  closeSync(fd);
  writeFileSync(file, "x");
});
