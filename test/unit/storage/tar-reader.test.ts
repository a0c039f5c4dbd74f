/** The tar reader on archives of every dialect, in chunks of every size, and on damaged ones. */
import { describe, expect, test } from "bun:test";
import { makeGnuLong, makeMember, makePax, makeTar, octal12 } from "../../lib/tar-maker.ts";
import { readOne, readTar } from "./tar-fixture.ts";

const mixed = makeTar(
  { name: "./", type: "5", mode: 0o755 },
  { name: "etc/", type: "5", mode: 0o700, uid: 3, gid: 4 },
  { name: "etc/passwd", data: "root:x:0:0\n" },
  makePax([["path", `long/${"n".repeat(300)}`]]),
  { data: "x".repeat(1500) },
  { name: "link", type: "2", linkName: "etc/passwd" },
  makeGnuLong("L", `gnu/${"m".repeat(200)}`),
  makeGnuLong("K", "k".repeat(150)),
  { type: "2", magic: "ustar  \0" },
  { name: "empty" },
);

describe("framing", () => {
  const whole = readTar(mixed);

  test("reads entries and data in order", () => {
    expect(whole.map(({ entry, data }) => [entry.kind, entry.name.slice(0, 12), data.length])).toEqual([
      ["directory", "./", 0],
      ["directory", "etc/", 0],
      ["file", "etc/passwd", 11],
      ["file", "long/nnnnnnn", 1500],
      ["symlink", "link", 0],
      ["symlink", "gnu/mmmmmmmm", 0],
      ["file", "empty", 0],
    ]);
    expect(whole[5]?.entry.linkName).toBe("k".repeat(150));
    expect(whole[2]?.data.toString()).toBe("root:x:0:0\n");
  });

  test.each([1, 7, 511, 512, 513, 1024, 4000])("the same in chunks of %i bytes", (chunkBytes) => {
    expect(readTar(mixed, chunkBytes)).toEqual([...whole]);
  });

  test("every truncation inside an entry is an error", () => {
    const tar = makeTar({ name: "a", data: "x".repeat(600) }, { name: "b", data: "y" });
    // Between entries, or in the padding behind the last byte of one: umoci's layers end there.
    const complete = (length: number) => length === 0 || (length > 1111 && length <= 1536) || length > 2048;
    for (let length = 0; length < 3072; length += 128) {
      const read = () => readTar(tar.subarray(0, length));
      if (complete(length) && length <= 2560) expect(read).not.toThrow();
      else expect(read).toThrow("truncated");
    }
  });

  test("ignores what follows the end mark", () => {
    expect(readTar(Buffer.concat([makeTar({ name: "a" }), Buffer.from("garbage".repeat(99))]))).toHaveLength(
      1,
    );
  });

  test("a single block of zeros inside is damage", () => {
    const tar = Buffer.concat([makeMember({ name: "a" }), Buffer.alloc(512), makeMember({ name: "b" })]);
    expect(() => readTar(tar)).toThrow("block of zeros");
  });

  test("a header that describes no entry must be followed by one", () => {
    expect(() => readTar(makePax([["path", "a"]]))).toThrow("truncated");
  });
});

describe("header fields", () => {
  test.each([
    ["a file of the old format", { magic: "", type: "\0" }, { kind: "file" }],
    ["a directory of the old format", { name: "d/", magic: "", type: "0" }, { kind: "directory" }],
    ["a contiguous file", { type: "7" }, { kind: "file" }],
    ["a name with a prefix", { name: "b", prefix: "a/long" }, { name: "a/long/b" }],
    ["no prefix in GNU's format", { name: "b", prefix: "x", magic: "ustar  \0" }, { name: "b" }],
    ["setuid", { mode: 0o104755 }, { mode: 0o4755 }],
    ["a large owner", { uid: 3_000_000, gid: 4_000_000_000 }, { uid: 3_000_000, gid: 4_000_000_000 }],
    ["a negative time", { mtime: -86_400 }, { modified: { seconds: -86_400, nanoseconds: 0 } }],
    [
      "a device",
      { type: "3", major: 5, minor: 1 },
      { kind: "character-device", deviceMajor: 5, deviceMinor: 1 },
    ],
    [
      "a GNU device",
      { type: "4", major: 8, minor: 300, magic: "ustar  \0" },
      { deviceMajor: 8, deviceMinor: 300 },
    ],
    ["a fifo", { type: "6" }, { kind: "fifo" }],
    ["a hard link", { type: "1", linkName: "x" }, { kind: "hardlink", linkName: "x" }],
  ] as const)("%s", (_what, member, wanted) => {
    expect(readOne(makeTar(member))).toMatchObject(wanted);
  });

  test("names keep their bytes", () => {
    const name = Buffer.from([0xff, 0x41, 0x0a, 0xc3, 0xa9]);
    expect(Buffer.from(readOne(makeTar({ name })).name, "latin1")).toEqual(name);
  });

  test("links, directories and devices have no data, whatever their size says", () => {
    for (const type of ["1", "2", "3", "5", "6"]) {
      const members = readTar(makeTar({ name: "a", type, linkName: "b", size: 999 }, { name: "after" }));
      expect(members.map(({ entry }) => entry.name)).toEqual(["a", "after"]);
    }
  });

  test.each([
    ["a wrong checksum", { checksumError: 1 }, "wrong checksum"],
    ["an unknown type", { type: "Z" }, "unknown type"],
    ["a negative size", { size: -512 }, "bad size"],
    ["a size that is no number", { patch: { 124: Buffer.from("hello world\0") } }, "bad size"],
    ["an owner of all ones", { uid: 0xffff_ffff }, "out of range"],
    ["a time beyond any calendar", { mtime: 2 ** 52 }, "bad time"],
  ] as const)("refuses %s", (_what, member, message) => {
    expect(() => readTar(makeTar(member))).toThrow(message);
  });
});

describe("PAX", () => {
  const withPax = (...records: (readonly [string, string | Uint8Array])[]) =>
    readOne(makeTar(makePax(records), { name: "short", data: "abc" }));

  test("overrides name, target, owner and time to the nanosecond", () => {
    const entry = withPax(
      ["path", "päth"],
      ["linkpath", "l"],
      ["uid", "2000000000"],
      ["gid", "7"],
      ["mtime", "1700000000.123456789"],
      ["atime", "-1.5"],
    );
    expect(entry).toMatchObject({ uid: 2_000_000_000, gid: 7, linkName: "l" });
    expect(Buffer.from(entry.name, "latin1").toString()).toBe("päth");
    expect(entry.modified).toEqual({ seconds: 1_700_000_000, nanoseconds: 123_456_789 });
    expect(entry.accessed).toEqual({ seconds: -2, nanoseconds: 500_000_000 });
  });

  test("xattrs keep newlines, NULs and bytes that are no text", () => {
    const value = Buffer.from([1, 0, 0, 2, 0x0a, 0x80, 0xff, 0, 0x3d]);
    const entry = withPax(["SCHILY.xattr.security.capability", value], ["SCHILY.xattr.user.a=b", ""]);
    expect(Buffer.from(entry.xattrs.get("security.capability") ?? [])).toEqual(value);
  });

  test("a value may hold a newline", () => {
    expect(withPax(["path", "a\nb"]).name).toBe("a\nb");
  });

  test("counts for one entry only, and a global header for none", () => {
    const tar = makeTar(
      makePax([["path", "global"]], "g"),
      makePax([["path", "first"]]),
      { name: "x" },
      { name: "second" },
    );
    expect(readTar(tar).map(({ entry }) => entry.name)).toEqual(["first", "second"]);
  });

  test("size rules over the header's", () => {
    const tar = makeTar(makePax([["size", "3"]]), { name: "a", data: "abc", size: 0 }, { name: "b" });
    expect(readTar(tar).map(({ data }) => data.toString())).toEqual(["abc", ""]);
  });

  test.each([
    ["a length that lies", Buffer.from("99 path=a\n"), "malformed PAX record"],
    ["no length", Buffer.from("path=a\n"), "malformed PAX record"],
    ["no newline", Buffer.from("9 path=ab"), "malformed PAX record"],
    ["no keyword", Buffer.from("5 =a\n"), "malformed PAX record"],
    ["a NUL in a name", Buffer.from("12 path=a\0b\n"), "NUL byte"],
    ["a time that is none", Buffer.from("14 mtime=soon\n"), "malformed PAX time"],
    ["a negative size", Buffer.from("11 size=-1\n"), "malformed PAX value"],
  ])("refuses %s", (_what, data, message) => {
    const pax = makeMember({ name: "p", type: "x", data });
    expect(() => readTar(makeTar(pax, { name: "a" }))).toThrow(message);
  });

  test("refuses headers that are too long to keep in memory", () => {
    expect(() => readTar(makeMember({ type: "x", size: 2 << 20 }))).toThrow("too long");
  });
});

describe("sparse files", () => {
  const data = "A".repeat(512) + "B".repeat(512);
  const wanted = {
    realSize: 1 << 20,
    ranges: [
      { offset: 0, length: 512 },
      { offset: 65_536, length: 512 },
    ],
  };
  const real = String(1 << 20);

  test("old GNU format", () => {
    const patch = {
      386: octal12(0),
      398: octal12(512),
      410: octal12(65_536),
      422: octal12(512),
      483: octal12(1 << 20),
    };
    const tar = makeTar({ name: "s", type: "S", magic: "ustar  \0", data, patch }, { name: "after" });
    const [member, after] = readTar(tar);
    expect(member?.entry.sparse).toEqual(wanted);
    expect(member?.data.toString()).toBe(data);
    expect(after?.entry.name).toBe("after");
  });

  test("old GNU format with an extension block", () => {
    const starts = Array.from({ length: 6 }, (_unused, index) => index * 4096);
    const pairs = starts.flatMap((offset) => [octal12(offset), octal12(1)]);
    const patch = { 386: Buffer.concat(pairs.slice(0, 8)), 482: Buffer.from([1]), 483: octal12(30_000) };
    const header = makeMember({ name: "s", type: "S", magic: "ustar  \0", size: 6, patch });
    const extension = Buffer.concat([...pairs.slice(8)], 512);
    const tar = Buffer.concat([
      header,
      extension,
      Buffer.from("abcdef"),
      Buffer.alloc(506),
      makeTar({ name: "after" }),
    ]);
    const [member, after] = readTar(tar, 100);
    expect(member?.entry.sparse?.ranges.map(({ offset }) => offset)).toEqual(starts);
    expect(member?.data.toString()).toBe("abcdef");
    expect(after?.entry.name).toBe("after");
  });

  test.each([
    [
      "0.0",
      [
        ["GNU.sparse.size", real],
        ["GNU.sparse.offset", "0"],
        ["GNU.sparse.numbytes", "512"],
        ["GNU.sparse.offset", "65536"],
        ["GNU.sparse.numbytes", "512"],
      ],
      data,
    ],
    [
      "0.1",
      [
        ["GNU.sparse.size", real],
        ["GNU.sparse.map", "0,512,65536,512"],
      ],
      data,
    ],
    [
      "1.0",
      [
        ["GNU.sparse.major", "1"],
        ["GNU.sparse.minor", "0"],
        ["GNU.sparse.name", "s"],
        ["GNU.sparse.realsize", real],
      ],
      `${"2\n0\n512\n65536\n512\n".padEnd(512, "\0")}${data}`,
    ],
  ] as const)("PAX %s", (_version, records, body) => {
    const [member, after] = readTar(makeTar(makePax(records), { name: "s", data: body }, { name: "after" }));
    expect(member?.entry.sparse).toEqual(wanted);
    expect(member?.data.toString()).toBe(data);
    expect(after?.entry.name).toBe("after");
  });

  test("PAX 1.0 with a map of several blocks", () => {
    const count = 100;
    const lines = [count, ...Array.from({ length: count }, (_unused, index) => `${index * 10_000}\n1`)].join(
      "\n",
    );
    const map = `${lines}\n`;
    const body = map.padEnd(Math.ceil(map.length / 512) * 512, "\0") + "z".repeat(count);
    const pax = makePax([
      ["GNU.sparse.major", "1"],
      ["GNU.sparse.realsize", "2000000"],
    ]);
    const [member, after] = readTar(makeTar(pax, { name: "s", data: body }, { name: "after" }), 333);
    expect(member?.entry.sparse?.ranges).toHaveLength(count);
    expect(member?.data).toHaveLength(count);
    expect(after?.entry.name).toBe("after");
  });

  test.each([
    ["ranges that overlap", "0,512,100,512", data],
    ["a range behind the end", "0,512,1048500,512", data],
    ["data that is not accounted for", "0,512", data],
    ["an odd map", "0,512,1", data],
    ["words", "a,b", data],
  ])("refuses %s", (_what, map, body) => {
    const pax = makePax([
      ["GNU.sparse.size", real],
      ["GNU.sparse.map", map],
    ]);
    expect(() => readTar(makeTar(pax, { name: "s", data: body }))).toThrow();
  });
});
