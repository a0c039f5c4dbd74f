/** Honest layers: every attribute arrives, whiteouts become overlayfs's, layers are applied once. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { lgetxattr } from "../../ffi/file-metadata.ts";
import { applyLayer, applyUnknownLayer } from "../../src/storage/apply-layer.ts";
import { hasLayer, layerPath, loadLayerFacts } from "../../src/storage/layer-directory.ts";
import { packTree } from "../../src/storage/pack-tree.ts";
import { makePax, makeTar, octal12 } from "../lib/tar-maker.ts";
import { diffIDOf, type LayerBench, openLayerBench } from "./layer-fixture.ts";

let bench: LayerBench;
beforeEach(() => {
  bench = openLayerBench();
});
afterEach(() => bench[Symbol.dispose]());

describe("attributes", () => {
  test("owner, mode and time, setuid after the owner", async () => {
    const tar = makeTar(
      { name: "su", mode: 0o4755, uid: 1000, gid: 50, mtime: 1_500_000_000, data: "#!" },
      { name: "dir/", type: "5", mode: 0o3770, uid: 7, gid: 8, mtime: 1_400_000_000 },
      { name: "dir/late", mode: 0, mtime: -1000 },
      { name: "link", type: "2", linkName: "su", uid: 5, gid: 6, mtime: 1_300_000_000 },
    );
    await bench.apply(tar);
    const facts = (name: string) => {
      const { mode, uid, gid, mtimeMs } = lstatSync(bench.path(tar, name));
      return [(mode & 0o7777).toString(8), uid, gid, mtimeMs / 1000];
    };
    expect(facts("su")).toEqual(["4755", 1000, 50, 1_500_000_000]);
    expect(facts("dir")).toEqual(["3770", 7, 8, 1_400_000_000]);
    expect(facts("dir/late")).toEqual(["0", 0, 0, -1000]);
    expect(facts("link").slice(1)).toEqual([5, 6, 1_300_000_000]);
  });

  test("times to the nanosecond, before 1970 too", async () => {
    const tar = makeTar(
      makePax([["mtime", "-1.000000001"]]),
      { name: "a" },
      makePax([["mtime", "1700000000.5"]]),
      {
        name: "b/",
        type: "5",
      },
    );
    await bench.apply(tar);
    expect(lstatSync(bench.path(tar, "a"), { bigint: true }).mtimeNs).toBe(-1_000_000_001n);
    expect(lstatSync(bench.path(tar, "b"), { bigint: true }).mtimeNs).toBe(1_700_000_000_500_000_000n);
  });

  test("file capabilities survive byte for byte", async () => {
    // CAP_DAC_OVERRIDE | CAP_FOWNER (0x0a: a newline) | CAP_SETUID (0x80: no text), effective.
    const capability = Buffer.from("010000028a00000000000000" + "0000000000000000", "hex");
    const tar = makeTar(makePax([["SCHILY.xattr.security.capability", capability]]), {
      name: "ping",
      uid: 3,
      data: "x",
    });
    await bench.apply(tar);
    expect(Buffer.from(lgetxattr(bench.path(tar, "ping"), "security.capability") ?? [])).toEqual(capability);
  });

  test("devices, fifos and hard links", async () => {
    const tar = makeTar(
      { name: "zero", type: "3", major: 1, minor: 5, mode: 0o666 },
      { name: "disk", type: "4", major: 259, minor: 70_000, mode: 0o660, gid: 6 },
      { name: "pipe", type: "6", mode: 0o600 },
      { name: "one", data: "same" },
      { name: "sub/two", type: "1", linkName: "./one" },
    );
    await bench.apply(tar);
    const zero = lstatSync(bench.path(tar, "zero"));
    expect([zero.isCharacterDevice(), zero.rdev, zero.mode & 0o777]).toEqual([true, 0x105, 0o666]);
    const disk = Bun.spawnSync(["stat", "-c", "%F %Hr %Lr %a", bench.path(tar, "disk")]).stdout.toString();
    expect(disk.trim()).toBe("block special file 259 70000 660");
    expect(lstatSync(bench.path(tar, "pipe")).isFIFO()).toBe(true);
    expect(statSync(bench.path(tar, "one")).ino).toBe(statSync(bench.path(tar, "sub/two")).ino);
  });

  test("sparse files have their holes", async () => {
    const patch = { 386: octal12(1 << 20), 398: octal12(5), 483: octal12(2 << 20) };
    const tar = makeTar({ name: "s", type: "S", magic: "ustar  \0", data: "hello", patch });
    await bench.apply(tar);
    const bytes = readFileSync(bench.path(tar, "s"));
    expect(bytes.length).toBe(2 << 20);
    expect(bytes.subarray(1 << 20, (1 << 20) + 5).toString()).toBe("hello");
    expect(bytes.reduce((sum, byte) => sum + byte, 0)).toBe(
      Buffer.from("hello").reduce((sum, byte) => sum + byte, 0),
    );
    expect(statSync(bench.path(tar, "s")).blocks * 512).toBeLessThan(64 * 1024);
  });
});

describe("order", () => {
  test("missing parents are made, and described later", async () => {
    const tar = makeTar(
      { name: "a/b/c", data: "x" },
      { name: "a/", type: "5", mode: 0o700, uid: 9, mtime: 1000 },
    );
    await bench.apply(tar);
    const a = statSync(bench.path(tar, "a"));
    expect([a.mode & 0o777, a.uid, a.mtimeMs]).toEqual([0o700, 9, 1_000_000]);
    expect(statSync(bench.path(tar, "a/b")).mode & 0o777).toBe(0o755);
  });

  test("missing parents are root's, also below a setgid directory", async () => {
    const tar = makeTar({ name: "s/", type: "5", mode: 0o2775, gid: 50 }, { name: "s/made/file", gid: 9 });
    await bench.apply(tar);
    const made = statSync(bench.path(tar, "s/made"));
    expect([made.mode & 0o7777, made.gid, statSync(bench.path(tar, "s/made/file")).gid]).toEqual([
      0o755, 0, 9,
    ]);
  });

  test("the last of several entries wins, whatever the earlier were", async () => {
    const tar = makeTar(
      { name: "x", data: "one" },
      { name: "x", data: "two" },
      { name: "y/", type: "5" },
      { name: "y/child", data: "gone" },
      { name: "y", data: "a file now" },
      { name: "z", type: "2", linkName: "x" },
      { name: "z/", type: "5", mode: 0o711 },
      { name: "z/inside", data: "new" },
    );
    await bench.apply(tar);
    expect(readFileSync(bench.path(tar, "x"), "utf8")).toBe("two");
    expect(readFileSync(bench.path(tar, "y"), "utf8")).toBe("a file now");
    expect(readdirSync(bench.path(tar, "z"))).toEqual(["inside"]);
  });

  test("a directory described twice keeps its children", async () => {
    const tar = makeTar(
      { name: "d/", type: "5" },
      { name: "d/f", data: "x" },
      { name: "d/", type: "5", mode: 0o700 },
    );
    await bench.apply(tar);
    expect(readdirSync(bench.path(tar, "d"))).toEqual(["f"]);
  });
});

describe("whiteouts", () => {
  const isWhiteout = (path: string) => {
    const stat = lstatSync(path);
    return stat.isCharacterDevice() && stat.rdev === 0;
  };
  const isOpaque = (path: string) =>
    Buffer.from(lgetxattr(path, "trusted.overlay.opaque") ?? []).toString() === "y";

  test("become overlayfs's", async () => {
    const tar = makeTar({ name: "dir/.wh.gone" }, { name: ".wh.top" }, { name: "fresh/.wh..wh..opq" });
    await bench.apply(tar);
    expect(isWhiteout(bench.path(tar, "dir/gone"))).toBe(true);
    expect(isWhiteout(bench.path(tar, "top"))).toBe(true);
    expect(isOpaque(bench.path(tar, "fresh"))).toBe(true);
  });

  test("do not hide files of their own layer, and make its directories new", async () => {
    const tar = makeTar(
      { name: "file", data: "stays" },
      { name: ".wh.file" },
      { name: ".wh.dir" },
      { name: "dir/child", data: "stays" },
      { name: "other/", type: "5" },
      { name: ".wh.other" },
    );
    await bench.apply(tar);
    expect(readFileSync(bench.path(tar, "file"), "utf8")).toBe("stays");
    expect(readFileSync(bench.path(tar, "dir/child"), "utf8")).toBe("stays");
    expect([isOpaque(bench.path(tar, "dir")), isOpaque(bench.path(tar, "other"))]).toEqual([true, true]);
  });
});

describe("application", () => {
  const tar = makeTar({ name: "./", type: "5", mode: 0o700 }, { name: "a", data: "0123456789" });

  test("facts are kept beside the layer", async () => {
    const facts = await bench.apply(tar);
    expect(facts).toEqual({
      diffID: diffIDOf(tar),
      sizeBytes: 10,
      entries: 2,
      describesRoot: true,
      opaqueRoot: false,
    });
    expect(loadLayerFacts(bench.paths, diffIDOf(tar))).toEqual(facts);
    expect(statSync(layerPath(bench.paths, diffIDOf(tar))).mode & 0o777).toBe(0o700);
  });

  test.each(["gzip", "zstd", "xz", "none"])("a %s blob", async (format) => {
    const packers = {
      gzip: Bun.gzipSync,
      zstd: Bun.zstdCompressSync,
      none: (bytes: Buffer<ArrayBuffer>) => bytes,
    };
    const xz = (bytes: Buffer<ArrayBuffer>) => Bun.spawnSync(["xz", "-c"], { stdin: bytes }).stdout;
    const pack = format === "xz" ? xz : packers[format as keyof typeof packers];
    await bench.apply(tar, pack(tar));
    expect(readFileSync(bench.path(tar, "a"), "utf8")).toBe("0123456789");
  });

  test("several at once unpack once, and a stream is not read for a layer that is there", async () => {
    const results = await Promise.all([bench.apply(tar), bench.apply(tar), bench.apply(tar)]);
    expect(new Set(results.map((facts) => JSON.stringify(facts))).size).toBe(1);
    expect(readdirSync(bench.paths.tmp)).toEqual([]);
    let read = false;
    async function* stream() {
      read = true;
      yield tar;
    }
    await applyLayer({ paths: bench.paths, blob: stream(), diffID: diffIDOf(tar) });
    expect(read).toBe(false);
  });

  test("from a stream while it arrives", async () => {
    async function* slow() {
      for (let at = 0; at < tar.length; at += 700) {
        await Bun.sleep(1);
        yield tar.subarray(at, at + 700);
      }
    }
    await applyLayer({ paths: bench.paths, blob: slow(), diffID: diffIDOf(tar) });
    expect(hasLayer(bench.paths, diffIDOf(tar))).toBe(true);
  });

  test("a stream that breaks is the error, and nothing is left", async () => {
    async function* broken() {
      yield tar.subarray(0, 700);
      throw new Error("connection lost");
    }
    const applying = applyLayer({ paths: bench.paths, blob: broken(), diffID: diffIDOf(tar) });
    await expect(applying).rejects.toThrow("connection lost");
    expect(bench.leftovers()).toEqual([]);
  });

  test("memory stays flat for a layer of 300 MB", async () => {
    async function* large() {
      const chunk = Buffer.alloc(1 << 20, "x");
      yield makeTar({ name: "big", size: 300 << 20 }).subarray(0, 512);
      for (let count = 0; count < 300; count++) yield chunk;
    }
    let peakKb = 0;
    const watch = setInterval(() => {
      const found = Bun.spawnSync([
        "pgrep",
        "-P",
        String(process.pid),
        "-f",
        "layer-apply",
      ]).stdout.toString();
      for (const pid of found.split("\n").filter((line) => line !== "")) {
        const status = Bun.spawnSync(["grep", "VmHWM", `/proc/${pid}/status`]).stdout.toString();
        peakKb = Math.max(peakKb, Number(/([0-9]+) kB/.exec(status)?.[1] ?? 0));
      }
    }, 50);
    const facts = await applyUnknownLayer(bench.paths, large(), "big.tar").finally(() =>
      clearInterval(watch),
    );
    expect(facts.sizeBytes).toBe(300 << 20);
    expect(peakKb).toBeGreaterThan(10_000);
    expect(peakKb).toBeLessThan(200_000);
  }, 60_000);
});

test("a tree that is packed and applied is the same tree", async () => {
  const tree = join(bench.paths.root, "../tree");
  mkdirSync(tree);
  const script = `
    mkdir -p a/b 'with space'; echo hi > a/file; ln a/file a/hard; ln -s ../a/file a/b/sym; mkfifo a/fifo
    mknod a/null c 1 3; printf x > "$(printf 'nl\\nff\\377')"; chown 12:34 a/b; chmod 4711 a/file
    touch -d '1960-01-01 00:00:00.123456789' a/file; truncate -s 1M a/holes; touch -d @1234567890.5 a
  `;
  expect(Bun.spawnSync(["sh", "-ec", script], { cwd: tree }).exitCode).toBe(0);
  chmodSync(tree, 0o711);
  const facts = await applyUnknownLayer(bench.paths, packTree(tree), "tree");
  const list = (directory: string) =>
    Bun.spawnSync(["sh", "-c", "find . -printf '%p %y %m %U:%G %s %T@ %l %n\\n' | sort"], { cwd: directory })
      .stdout;
  expect(list(layerPath(bench.paths, facts.diffID)).toString()).toBe(list(tree).toString());
  const again = await applyUnknownLayer(bench.paths, packTree(tree), "tree");
  expect(again.diffID).toBe(facts.diffID);
});
