/** The walk and the tar it makes: order, names that are not text, depth, links at the root, and an unchanging result. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { packTree } from "../../../src/storage/pack-tree.ts";
import { walkTree } from "../../../src/storage/tree-walk.ts";
import { readTar } from "./tar-fixture.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "bocker-walk-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const names = () => [...walkTree(root)].map(({ name }) => name);
const pack = async (latestSeconds?: number) =>
  Buffer.concat(await Array.fromAsync(packTree(root, latestSeconds === undefined ? {} : { latestSeconds })));

describe("walk", () => {
  test("sorted by bytes, directories before what is in them", () => {
    for (const name of ["b", "a/z", "a.b", "a/b/c"]) {
      mkdirSync(join(root, name, ".."), { recursive: true });
      writeFileSync(join(root, name), "");
    }
    expect(names()).toEqual(["./", "a/", "a/b/", "a/b/c", "a/z", "a.b", "b"]);
  });

  test("names that are not UTF-8, and a path longer than the kernel takes", () => {
    const bytes = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x0a, 0x20])]);
    writeFileSync(bytes, "");
    const deep = "d".repeat(200);
    // dash keeps the whole path and gives up at PATH_MAX; a chain of relative renames does not.
    const script = `echo end > end; i=0; while [ $i -lt 30 ]; do mkdir t; for m in ${deep} end; do test -e $m && mv $m t/; done; mv t ${deep}; i=$((i+1)); done; true`;
    expect(Bun.spawnSync(["sh", "-c", script], { cwd: root }).exitCode).toBe(0);
    const walked = names();
    expect(walked).toContain("\xff\n ");
    expect(walked.at(-2)).toBe(`${`${deep}/`.repeat(30)}end`);
    Bun.spawnSync(["rm", "-rf", root]);
  });

  test("links are named, never entered", () => {
    symlinkSync("/etc", join(root, "link"));
    expect(names()).toEqual(["./", "link"]);
  });

  test("descriptors are given back when the walk is left", () => {
    mkdirSync(join(root, "a/b/c"), { recursive: true });
    for (let round = 0; round < 20; round++)
      for (const { name } of walkTree(root)) if (name === "a/b/c/") break;
    expect(descriptorsBelow(root)).toEqual([]);
  });
});

/** What this process has open there. */
function descriptorsBelow(path: string): string[] {
  const places = readdirSync("/proc/self/fd").map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      // The one that listed them.
      return "";
    }
  });
  return places.filter((place) => place.startsWith(path));
}

describe("tar", () => {
  test("the same tree is the same bytes, and times are cut", async () => {
    writeFileSync(join(root, "f"), "data");
    utimesSync(join(root, "f"), 2_000_000_000, 2_000_000_000.5);
    writeFileSync(join(root, "old"), "");
    utimesSync(join(root, "old"), 5, 5);
    expect((await pack(1_000_000)).equals(await pack(1_000_000))).toBe(true);
    const times = new Map(readTar(await pack(1_000_000)).map(({ entry }) => [entry.name, entry.modified]));
    expect(times.get("f")).toEqual({ seconds: 1_000_000, nanoseconds: 0 });
    expect(times.get("old")).toEqual({ seconds: 5, nanoseconds: 0 });
    expect(readTar(await pack()).find(({ entry }) => entry.name === "f")?.entry.modified).toEqual({
      seconds: 2_000_000_000,
      nanoseconds: 500_000_000,
    });
  });

  test("the second name of a file is a link to the first", async () => {
    writeFileSync(join(root, "z"), "data");
    Bun.spawnSync(["ln", join(root, "z"), join(root, "a")]);
    expect(readTar(await pack()).map(({ entry }) => [entry.name, entry.kind, entry.linkName])).toEqual([
      ["./", "directory", ""],
      ["a", "file", ""],
      ["z", "hardlink", "a"],
    ]);
  });

  test("sockets are left out", async () => {
    const server = Bun.listen({ unix: join(root, "s"), socket: { data() {} } });
    expect(readTar(await pack()).map(({ entry }) => entry.name)).toEqual(["./"]);
    server.stop(true);
  });
});
