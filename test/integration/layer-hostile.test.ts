/**
 * Hostile layers. Each is tried beside a sentinel outside that must stay untouched; what is refused leaves nothing,
 * what is contained stays below the layer's root.
 */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { llistxattr } from "../../ffi/file-metadata.ts";
import { makeGnuLong, makeMember, makePax, makeTar, octal12, type RawMember } from "../lib/tar-maker.ts";
import { type LayerBench, openLayerBench } from "./layer-fixture.ts";

let bench: LayerBench;
let before: string;

beforeEach(() => {
  bench = openLayerBench();
  before = bench.sentinel();
});

afterEach(() => {
  try {
    expect(bench.sentinel()).toBe(before);
  } finally {
    bench[Symbol.dispose]();
  }
});

/** Way up from a layer's root to the sentinel, and its absolute path. */
const up = "../../../outside";
const outside = () => join(bench.paths.root, "../outside");

async function refusal(tar: Buffer, blob?: Uint8Array): Promise<Error> {
  const error = await bench.apply(tar, blob).then(
    () => new Error("was accepted"),
    (thrown) => thrown,
  );
  expect(bench.leftovers()).toEqual([]);
  return error;
}

describe("names that climb out", () => {
  test.each([
    ["a file", { name: `${up}/sentinel`, data: "evil" }],
    ["a directory", { name: `${up}/new/`, type: "5" }],
    ["a symbolic link", { name: "../../x", type: "2", linkName: "y" }],
    ["a detour", { name: "a/b/../../../x", data: "evil" }],
    ["a whiteout", { name: `${up}/.wh.sentinel` }],
    ["an opaque mark", { name: `${up}/.wh..wh..opq` }],
    ["a hard link's target", { name: "a", type: "1", linkName: `${up}/sentinel` }],
    ["a device", { name: "../../../null", type: "3", major: 1, minor: 3 }],
  ] as const)("%s", async (_what, member) => {
    const error = await refusal(makeTar({ name: "first", data: "x" }, member));
    expect(error.message).toMatch(/^cannot apply layer sha256:[0-9a-f]{64}: invalid .*: breakout: /);
  });

  test("in a PAX path and in a GNU long name", async () => {
    const name = `${"../".repeat(60)}tmp/x`;
    expect((await refusal(makeTar(makePax([["path", name]]), { name: "a" }))).message).toContain("breakout");
    expect((await refusal(makeTar(makeGnuLong("L", name), { name: "a" }))).message).toContain("breakout");
  });

  test("whiteouts of . and ..", async () => {
    for (const name of [".wh..", ".wh...", "a/.wh...", "a/.wh.."]) {
      expect((await refusal(makeTar({ name }))).message).toContain("invalid whiteout");
    }
  });
});

describe("names that only look outside", () => {
  test("absolute names are the layer's", async () => {
    const tar = makeTar(
      { name: `${outside()}/sentinel`, data: "inside" },
      { name: "/etc/shadow", data: "mine" },
    );
    await bench.apply(tar);
    expect(readFileSync(bench.path(tar, "etc/shadow"), "utf8")).toBe("mine");
    expect(readFileSync(bench.path(tar, `${outside()}/sentinel`), "utf8")).toBe("inside");
  });

  test("an absolute hard link is resolved from the layer's root", async () => {
    const tar = makeTar(
      { name: "etc/shadow", data: "mine" },
      { name: "copy", type: "1", linkName: "/etc/shadow" },
    );
    await bench.apply(tar);
    expect(readFileSync(bench.path(tar, "copy"), "utf8")).toBe("mine");
  });

  test("symbolic links keep their target, wherever it points", async () => {
    const targets = ["/etc/passwd", "../../../../etc", outside(), "."];
    const tar = makeTar(...targets.map((linkName, index) => ({ name: `l${index}`, type: "2", linkName })));
    await bench.apply(tar);
    expect(targets.map((_target, index) => readlinkSync(bench.path(tar, `l${index}`)))).toEqual(targets);
  });
});

describe("through what an earlier entry left", () => {
  test("a link to a directory outside: the name below it is not there", async () => {
    const link = { name: "link", type: "2", linkName: outside() };
    const error = await refusal(makeTar(link, { name: "link/sentinel", data: "evil" }));
    expect(error.message).toContain('entry "link/sentinel": its parent "link" is not a directory');
  });

  test("a link that climbs: inside, `..` ends at the root", async () => {
    const tar = makeTar(
      { name: "link", type: "2", linkName: "../../.." },
      { name: "link/made", data: "inside" },
    );
    await bench.apply(tar);
    expect(readFileSync(bench.path(tar, "made"), "utf8")).toBe("inside");
  });

  test("a link to a directory of the layer is followed inside", async () => {
    const tar = makeTar(
      { name: "real/", type: "5" },
      { name: "alias", type: "2", linkName: "/real" },
      { name: "alias/file", data: "x" },
    );
    await bench.apply(tar);
    expect(readFileSync(bench.path(tar, "real/file"), "utf8")).toBe("x");
  });

  test("a file over a link replaces the link", async () => {
    const tar = makeTar(
      { name: "victim", data: "kept" },
      { name: "link", type: "2", linkName: "victim" },
      { name: "link", data: "new" },
      { name: "out", type: "2", linkName: join(outside(), "sentinel") },
      { name: "out", data: "new" },
    );
    await bench.apply(tar);
    expect(readFileSync(bench.path(tar, "victim"), "utf8")).toBe("kept");
    expect(lstatSync(bench.path(tar, "out")).isFile()).toBe(true);
  });

  test("a directory over a link replaces it", async () => {
    const tar = makeTar(
      { name: "dir", type: "2", linkName: outside() },
      { name: "dir/", type: "5" },
      { name: "dir/sentinel", data: "inside" },
    );
    await bench.apply(tar);
    expect(lstatSync(bench.path(tar, "dir")).isDirectory()).toBe(true);
  });

  test("a file over a hard link leaves the other name as it is", async () => {
    const tar = makeTar(
      { name: "one", data: "first" },
      { name: "two", type: "1", linkName: "one" },
      { name: "two", data: "second" },
    );
    await bench.apply(tar);
    expect(readFileSync(bench.path(tar, "one"), "utf8")).toBe("first");
    expect(readFileSync(bench.path(tar, "two"), "utf8")).toBe("second");
  });

  test("a file over a device or fifo is not written into it", async () => {
    const tar = makeTar(
      { name: "null", type: "3", major: 1, minor: 3 },
      { name: "null", data: "a file" },
      { name: "pipe", type: "6" },
      { name: "pipe", data: "a file" },
    );
    await bench.apply(tar);
    expect(readFileSync(bench.path(tar, "null"), "utf8")).toBe("a file");
    expect(readFileSync(bench.path(tar, "pipe"), "utf8")).toBe("a file");
  });

  test("hard links to a symbolic link link the link", async () => {
    const tar = makeTar(
      { name: "link", type: "2", linkName: join(outside(), "sentinel") },
      { name: "hard", type: "1", linkName: "link" },
    );
    await bench.apply(tar);
    expect(lstatSync(bench.path(tar, "hard")).isSymbolicLink()).toBe(true);
  });

  test("whiteouts below a link to the outside", async () => {
    const link = { name: "link", type: "2", linkName: outside() };
    expect((await refusal(makeTar(link, { name: "link/.wh.sentinel" }))).message).toContain(
      "not a directory",
    );
    expect((await refusal(makeTar(link, { name: "link/.wh..wh..opq" }))).message).toContain(
      "not a directory",
    );
  });
});

describe("odd names", () => {
  test("newlines, bytes that are no text, leading dashes", async () => {
    const names = [Buffer.from("new\nline"), Buffer.from([0xff, 0xfe, 0x20]), Buffer.from("--help")];
    const tar = makeTar(...names.map((name) => ({ name, data: "x" })));
    await bench.apply(tar);
    const found = readdirSync(bench.path(tar, ""), { encoding: "buffer" }).map((name) =>
      name.toString("hex"),
    );
    expect(found.sort()).toEqual(names.map((name) => name.toString("hex")).sort());
  });

  test("a NUL in a PAX path", async () => {
    const error = await refusal(makeTar(makePax([["path", "a\0b"]]), { name: "a" }));
    expect(error.message).toContain("NUL byte");
  });

  test("a component of 10,000 bytes, and a path of 10,000 bytes", async () => {
    const long = await refusal(makeTar(makePax([["path", "n".repeat(10_000)]]), { name: "a" }));
    expect(long.message).toMatch(/entry "n{80}…n{30}": ENAMETOOLONG/);
    const deep = await refusal(makeTar(makePax([["path", "d/".repeat(5000)]]), { name: "a", type: "5" }));
    expect(deep.message).toContain("ENAMETOOLONG");
  });

  test("the root can only be a directory", async () => {
    for (const name of [".", "/", "./", "a/.."]) {
      const error = await refusal(makeTar({ name, type: "2", linkName: "x" }));
      expect(error.message).toContain("root");
    }
  });
});

describe("damage", () => {
  const good = makeTar(
    { name: "dir/", type: "5" },
    { name: "dir/file", data: "x".repeat(5000) },
    { name: "b" },
  );

  test("every truncation of the stream", async () => {
    for (const length of [100, 512, 700, 1600, 4096, 6656]) {
      const error = await refusal(good, good.subarray(0, length));
      expect(error.message).toMatch(/truncated|digest mismatch/);
    }
  });

  test("truncated and flipped gzip and zstd", async () => {
    const gzip = Buffer.from(Bun.gzipSync(good));
    const zstd = Buffer.from(Bun.zstdCompressSync(good));
    for (const blob of [gzip, zstd]) {
      await refusal(good, blob.subarray(0, blob.length - 9));
      const flipped = Buffer.from(blob);
      flipped[20] = (flipped[20] ?? 0) ^ 0x10;
      expect((await refusal(good, flipped)).message).toMatch(/damaged|checksum|mismatch|truncated/);
    }
  });

  test("content that is not its diffID: got and want, nothing left", async () => {
    const other = makeTar({ name: "other" });
    const error = await refusal(good, other);
    expect(error.message).toMatch(/digest mismatch: got sha256:[0-9a-f]+, want sha256:/);
    expect(error).toMatchObject({ kind: "corrupt" });
  });

  test.each([
    ["a wrong checksum", { name: "a", checksumError: 7 }, "wrong checksum"],
    ["an HTML page", Buffer.from("<html>".padEnd(1024, " ")), "checksum"],
    ["a hard link to nothing", { name: "a", type: "1", linkName: "nowhere" }, "which is not there"],
    ["a hard link to a directory", { name: "a", type: "1", linkName: "dir" }, 'entry "a"'],
    ["a link without a target", { name: "a", type: "2" }, "symbolic link to nothing"],
    ["a parent that is a file", { name: "file/child", data: "x" }, 'its parent "file" is not a directory'],
    ["an unknown type", { name: "a", type: "Q" }, "unknown type"],
    ["a device number out of range", { name: "a", type: "3", major: 5000 }, "out of range"],
  ] as readonly [string, RawMember | Buffer, string][])("%s", async (_what, member, message) => {
    const tar = makeTar({ name: "file", data: "x" }, { name: "dir/", type: "5" }, member);
    expect((await refusal(tar)).message).toContain(message);
  });
});

describe("size", () => {
  const sparse = (realSize: number) => {
    const patch = { 386: octal12(0), 398: octal12(1), 483: octal12(realSize) };
    return makeMember({ name: "huge", type: "S", magic: "ustar  \0", data: "x", patch });
  };

  test("a sparse file of 4 GiB takes no room", async () => {
    const tar = makeTar(sparse(4 * 1024 ** 3));
    await bench.apply(tar);
    const stat = statSync(bench.path(tar, "huge"));
    expect(stat.size).toBe(4 * 1024 ** 3);
    expect(stat.blocks * 512).toBeLessThan(100_000);
  });

  test("sparse files beyond what a file system holds", async () => {
    const base256 = (size: number) => Buffer.from(`80${size.toString(16).padStart(22, "0")}`, "hex");
    const attempt = (size: number) => {
      const patch = { 386: octal12(0), 398: octal12(1), 483: base256(size) };
      return refusal(makeTar({ name: "huge", type: "S", magic: "ustar  \0", data: "x", patch }));
    };
    expect((await attempt(2 ** 45)).message).toContain('entry "huge": EFBIG');
    expect((await attempt(Number.MAX_SAFE_INTEGER)).message).toContain("too large");
    expect((await attempt(2 ** 60)).message).toContain("malformed sparse map");
  });

  test("a gzip bomb runs into the limit, which can be raised", async () => {
    const tar = makeTar({ name: "zeros", data: new Uint8Array(8 << 20) });
    const blob = Bun.gzipSync(tar);
    const error = await bench.apply(tar, blob, { maxLayerBytes: 4 << 20 }).catch((thrown) => thrown);
    expect(error.message).toContain("refused as a decompression bomb: more than 4194304 bytes");
    expect(bench.leftovers()).toEqual([]);
    await bench.apply(tar, blob, { maxLayerBytes: 16 << 20 });
    expect(statSync(bench.path(tar, "zeros")).size).toBe(8 << 20);
  });

  test("a header that promises more than comes", async () => {
    const error = await refusal(makeTar({ name: "a", size: 1 << 30, data: "x" }));
    expect(error.message).toContain("truncated");
  });
});

test("AUFS's own books are left out", async () => {
  const tar = makeTar(
    { name: ".wh..wh.plnk/", type: "5" },
    { name: ".wh..wh.aufs", data: "x" },
    { name: "kept" },
  );
  await bench.apply(tar);
  expect(readdirSync(bench.path(tar, ""))).toEqual(["kept"]);
});

test("overlayfs's own xattrs cannot be smuggled in", async () => {
  const pax = makePax([
    ["SCHILY.xattr.trusted.overlay.redirect", "/etc"],
    ["SCHILY.xattr.trusted.overlay.opaque", "y"],
    ["SCHILY.xattr.user.fine", "kept"],
  ]);
  const tar = makeTar(pax, { name: "dir/", type: "5" });
  await bench.apply(tar);
  expect(llistxattr(bench.path(tar, "dir"))).toEqual(["user.fine"]);
});
