/** What the encoder writes, the reader and GNU tar read. */
import { expect, test } from "bun:test";
import { encodeTarEntry, tarEndMark, tarPadding } from "../../../src/storage/tar-encode.ts";
import type { TarEntry } from "../../../src/storage/tar-entry.ts";
import { readTar } from "./tar-fixture.ts";

const plain: TarEntry = {
  kind: "file",
  name: "a",
  linkName: "",
  mode: 0o644,
  uid: 0,
  gid: 0,
  size: 0,
  modified: { seconds: 0, nanoseconds: 0 },
  accessed: { seconds: 0, nanoseconds: 0 },
  deviceMajor: 0,
  deviceMinor: 0,
  xattrs: new Map(),
};

const entries: readonly Partial<TarEntry>[] = [
  {},
  { kind: "directory", name: "dir/", mode: 0o1777 },
  { name: "n".repeat(100) },
  { name: "n".repeat(101) },
  { name: `long/${"\u00ff".repeat(5000)}\n` },
  { kind: "symlink", linkName: "t".repeat(4000), mode: 0o777 },
  { kind: "hardlink", linkName: "other" },
  { uid: 2_097_151, gid: 2_097_152 },
  { mode: 0o6755, modified: { seconds: 1_700_000_000, nanoseconds: 5 } },
  { modified: { seconds: -2, nanoseconds: 500_000_000 } },
  { modified: { seconds: -1, nanoseconds: 0 } },
  { modified: { seconds: 9_000_000_000, nanoseconds: 0 } },
  { kind: "character-device", deviceMajor: 10, deviceMinor: 229 },
  { kind: "fifo" },
  {
    xattrs: new Map([
      ["user.b", Buffer.from([0, 10, 255])],
      ["security.capability", Buffer.alloc(20, 7)],
    ]),
  },
];

test.each(entries)("%#: comes back as it was", (changes) => {
  const entry: TarEntry = { ...plain, ...changes };
  const [member] = readTar(Buffer.concat([encodeTarEntry(entry), tarEndMark]));
  const { xattrs, accessed: _notWritten, ...wanted } = entry;
  expect(member?.entry).toMatchObject(wanted);
  expect([...(member?.entry.xattrs.keys() ?? [])].sort()).toEqual([...xattrs.keys()].sort());
  for (const [name, value] of entry.xattrs) {
    expect(Buffer.from(member?.entry.xattrs.get(name) ?? [])).toEqual(Buffer.from(value));
  }
});

test("data follows its header, padded to a block", () => {
  const data = Buffer.from("hello");
  const tar = Buffer.concat([encodeTarEntry({ ...plain, size: 5 }), data, tarPadding(5), tarEndMark]);
  expect(tar.length % 512).toBe(0);
  expect(readTar(tar)[0]?.data.toString()).toBe("hello");
  expect([tarPadding(0), tarPadding(512), tarPadding(513)].map(({ length }) => length)).toEqual([0, 0, 511]);
});

test("the same entry gives the same bytes, whatever the order of its xattrs", () => {
  const a = Buffer.from("a");
  const one = encodeTarEntry({
    ...plain,
    xattrs: new Map([
      ["user.x", a],
      ["user.y", a],
    ]),
  });
  const two = encodeTarEntry({
    ...plain,
    xattrs: new Map([
      ["user.y", a],
      ["user.x", a],
    ]),
  });
  expect(one.equals(two)).toBe(true);
});
