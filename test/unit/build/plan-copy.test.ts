import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  closeSync,
  constants,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type CopyRequest, digestOfPlan, planCopy } from "../../../src/build/copy/plan-copy.ts";
import { parseIgnoreFile } from "../../../src/build/ignore-file.ts";
import { layerTree, type SourceTree } from "../../../src/build/source-tree.ts";
import { type CopyEffect, plainCopy } from "../../../src/build/stage-state.ts";
import { readTar } from "../storage/tar-fixture.ts";

let folder = "";
const open: number[] = [];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-copy-"));
});
afterEach(() => {
  for (const fd of open.splice(0)) closeSync(fd);
  rmSync(folder, { recursive: true });
});

/** Files by name: text, a link (`-> target`), or a directory (a name with a slash at its end). */
function makeTree(name: string, files: Readonly<Record<string, string>>): number {
  const root = join(folder, name);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    const place = join(root, path);
    mkdirSync(path.endsWith("/") ? place : dirname(place), { recursive: true });
    if (path.endsWith("/")) continue;
    if (content.startsWith("-> ")) symlinkSync(content.slice(3), place);
    else writeFileSync(place, content, { mode: 0o640 });
  }
  const fd = openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  open.push(fd);
  return fd;
}

interface Words extends Partial<CopyEffect> {
  readonly ignore?: string;
  readonly target?: Readonly<Record<string, string>>;
  readonly owner?: { readonly uid: number; readonly gid: number };
}

const files = {
  "a.txt": "a",
  "b.txt": "b",
  "dir/one": "1",
  "dir/sub/two": "22",
  link: "-> dir/one",
  out: "-> ../../../etc/passwd",
};

function planOf(
  words: Words,
  from: Readonly<Record<string, string>> = files,
  name = "context",
  root?: number,
) {
  const { ignore = "", target, owner, ...effect } = words;
  const tree: SourceTree = {
    root: makeTree(name, from),
    ignore: parseIgnoreFile(ignore, ".dockerignore"),
    label: "context",
    isContext: true,
  };
  return planCopy(requestOf(effect, tree, target === undefined ? root : makeTree("target", target), owner));
}

function requestOf(
  effect: Partial<CopyEffect>,
  tree: SourceTree,
  targetRoot: number | undefined,
  owner: Words["owner"],
): CopyRequest {
  const whole: CopyEffect = {
    ...plainCopy,
    location: { line: 1, endLine: 1 },
    sources: [],
    ...effect,
  };
  const sources = whole.sources.map((path) => ({ tree, path }));
  return { effect: whole, sources, targetRoot, owner, seconds: 1_000_000_000 };
}

const packed = (words: Words) =>
  readTar(Buffer.concat([...planOf(words).pack()])).map(({ entry, data }) => ({
    ...entry,
    content: data.toString(),
  }));
/** As packed(), of a tree that is not the context. */
function packedFrom(tree: SourceTree, words: Words) {
  const { target, owner, ...effect } = words;
  const request = requestOf(
    effect,
    tree,
    target === undefined ? undefined : makeTree("target", target),
    owner,
  );
  return readTar(Buffer.concat([...planCopy(request).pack()])).map(({ entry }) => entry);
}
const names = (words: Words) => packed(words).map(({ name }) => name);

test("directories above what is copied are said again as they are: a layer that did not would make them root's", () => {
  const target = makeTree("kept", { "home/user/": "", "other/": "" });
  chmodSync(join(folder, "kept/home/user"), 0o2710);
  chownSync(join(folder, "kept/home/user"), 1000, 1001);
  const plan = planOf(
    { sources: ["a.txt"], destination: "/home/user/", owner: { uid: 5, gid: 5 } },
    files,
    "context",
    target,
  );
  const entries = readTar(Buffer.concat([...plan.pack()])).map(({ entry }) => entry);
  expect(entries.map(({ name, mode, uid, gid }) => [name, mode, uid, gid])).toEqual([
    ["home/", 0o755, 0, 0],
    ["home/user/", 0o2710, 1000, 1001],
    ["home/user/a.txt", 0o640, 5, 5],
  ]);
  expect(entries.every(({ modified }) => modified.seconds <= 1_000_000_000)).toBe(true);
});

describe("places", () => {
  test.each<readonly [string, Words, readonly string[]]>([
    ["a file takes the place", { sources: ["a.txt"], destination: "/x" }, ["x"]],
    [
      "a file into what must be a directory",
      { sources: ["a.txt"], destination: "/d/e/" },
      ["d/", "d/e/", "d/e/a.txt"],
    ],
    [
      "a file into a directory that is there",
      { sources: ["a.txt"], destination: "/d", target: { "d/": "" } },
      ["d/", "d/a.txt"],
    ],
    ["a file in place of a file", { sources: ["a.txt"], destination: "/f", target: { f: "old" } }, ["f"]],
    [
      "through a link of the target's",
      { sources: ["a.txt"], destination: "/l/", target: { l: "-> /real", "real/": "" } },
      ["real/", "real/a.txt"],
    ],
    [
      "a link that leads nowhere is made good",
      { sources: ["a.txt"], destination: "/l/x", target: { l: "-> run/y" } },
      ["run/", "run/y/", "run/y/x"],
    ],
    [
      "a link never leads out",
      { sources: ["a.txt"], destination: "/l/", target: { l: "-> ../../.." } },
      ["a.txt"],
    ],
    [
      "a directory's contents",
      { sources: ["dir"], destination: "/d" },
      ["d/", "d/one", "d/sub/", "d/sub/two"],
    ],
    [
      "directories that are there stay as they are",
      { sources: ["dir"], destination: "/d/", target: { "d/sub/": "" } },
      ["d/", "d/one", "d/sub/", "d/sub/two"],
    ],
    [
      "everything",
      { sources: ["."], destination: "/w/", ignore: "dir\nout\nlink" },
      ["w/", "w/a.txt", "w/b.txt"],
    ],
    ["a pattern", { sources: ["*.txt"], destination: "/d/" }, ["d/", "d/a.txt", "d/b.txt"]],
    ["a pattern in the middle", { sources: ["d?r/*"], destination: "/d/" }, ["d/", "d/one", "d/two"]],
    ["a pattern that nothing matches", { sources: ["*.nope"], destination: "/d/" }, []],
    ["several", { sources: ["a.txt", "dir"], destination: "/" }, ["a.txt", "one", "sub/", "sub/two"]],
    [
      "what a link leads to, under the link's name",
      { sources: ["link"], destination: "/d/" },
      ["d/", "d/link"],
    ],
    ["above the context there is nothing", { sources: ["../../a.txt"], destination: "/x" }, ["x"]],
    [
      "with parents",
      { sources: ["dir/sub/two", "a.txt"], destination: "/p/", parents: true },
      ["p/", "p/dir/", "p/dir/sub/", "p/dir/sub/two", "p/a.txt"],
    ],
    [
      "with parents below a pivot",
      { sources: ["dir/./sub/two"], destination: "/p/", parents: true },
      ["p/", "p/sub/", "p/sub/two"],
    ],
    [
      "with parents at any depth below a pattern as pivot",
      { sources: ["d*/./**/two", "./**/o*e"], destination: "/p/", parents: true, ignore: "link" },
      ["p/", "p/sub/", "p/sub/two", "p/dir/", "p/dir/one"],
    ],
    [
      "what is in a directory that is named too comes once",
      { sources: ["**/s*", "**/two"], destination: "/p/", parents: true, exclude: [] },
      ["p/", "p/dir/", "p/dir/sub/", "p/dir/sub/two", "p/dir/sub/two"],
    ],
    [
      "with parents, a pattern that matches nothing: the destination alone",
      { sources: ["dir/./nothing*"], destination: "/p/q", parents: true },
      ["p/", "p/q/"],
    ],
    ["a pattern that matches nothing, without parents", { sources: ["nothing*"], destination: "/p" }, []],
    [
      "without what is excluded",
      { sources: ["dir", "a.txt"], destination: "/d/", exclude: ["sub", "*.txt"] },
      ["d/", "d/one"],
    ],
  ])("%s", (_, words, wanted) => {
    expect(names(words)).toEqual([...wanted]);
  });

  test("an ignored directory is made for the sake of an exception in it", () => {
    expect(names({ sources: ["."], destination: "/w/", ignore: "*\n!dir/sub/two" })).toEqual([
      "w/",
      "w/dir/",
      "w/dir/sub/",
      "w/dir/sub/two",
    ]);
  });

  test("a link inside a directory stays a link; outside of the tree there is nothing", () => {
    const [entry] = packed({ sources: ["."], destination: "/", ignore: "*\n!link" });
    expect([entry?.name, entry?.linkName]).toEqual(["link", "dir/one"]);
    expect(() => names({ sources: ["out"], destination: "/x" })).toThrow('"/out": not found');
  });

  test.each<readonly [string, Words, string]>([
    [
      "nothing of that name",
      { sources: ["nope"] },
      'failed to compute cache key: failed to calculate checksum of ref context: "/nope": not found',
    ],
    ["left out", { sources: ["a.txt"], ignore: "\n*.txt" }, '"/a.txt": not found'],
    [
      "left out again after an exception",
      { sources: ["a.txt"], ignore: "*\n!*.txt\na.txt" },
      '"/a.txt": not found',
    ],
    [
      "left out with the directory that it is in",
      { sources: ["dir/sub/two"], ignore: "*\n!dir\ndir/sub" },
      '"/dir/sub/two": not found',
    ],
    [
      "a directory of which nothing is taken back in",
      { sources: ["dir"], ignore: "**\n!dir/none" },
      '"/dir": not found',
    ],
    ["behind an ignored link", { sources: ["link"], ignore: "dir" }, '"/link": not found'],
    [
      "a file in the way of a directory",
      { sources: ["dir"], destination: "/d", target: { d: "" } },
      "cannot copy to non-directory: /d",
    ],
    [
      "a file on the way",
      { sources: ["a.txt"], destination: "/d/x", target: { d: "" } },
      "mkdir /d: not a directory",
    ],
    ["no mode", { sources: ["a.txt"], chmod: "u+q" }, 'invalid chmod parameter: "u+q"'],
  ])("%s", (_, words, reason) => {
    expect(() => names(words)).toThrow(reason);
  });
});

describe("an archive's files", () => {
  const ofArchive = (target: Words["target"]) => {
    const tree: SourceTree = {
      ...layerTree(makeTree("archive", { "x/one": "1", y: "2" }), "a.tar"),
      isArchive: true,
    };
    return packedFrom(tree, { sources: ["."], destination: "/", ...(target && { target }) }).map(
      ({ name, kind }) => [name, kind],
    );
  };

  test("take the places of directories, files and links that are in their way", () => {
    const wanted = [
      ["x/", "directory"],
      ["x/one", "file"],
      ["y", "file"],
    ];
    expect(ofArchive({ x: "a file", "y/z/": "" })).toEqual(wanted);
    // What the link led to is not in the directory that replaces it.
    expect(ofArchive({ x: "-> old", "old/one/": "" })).toEqual(wanted);
  });

  test("a copied file takes no directory's place", () => {
    const target = { "d/a.txt/": "" };
    expect(() => names({ sources: ["a.txt"], destination: "/d/", target })).toThrow(
      "cannot replace to directory /d/a.txt with file",
    );
  });
});

describe("attributes", () => {
  test("a context's files are root's, with the mode that they have", () => {
    const [entry] = packed({ sources: ["a.txt"], destination: "/x" });
    expect(entry).toMatchObject({
      mode: 0o640,
      uid: 0,
      gid: 0,
      content: "a",
      modified: { seconds: 1_000_000_000, nanoseconds: 0 },
    });
  });

  test("owner and mode are set on all that is made", () => {
    const entries = packed({
      sources: ["dir"],
      destination: "/d",
      owner: { uid: 5, gid: 6 },
      chmod: "u=rwX,go=",
    });
    expect(entries.map(({ name, mode, uid, gid }) => [name, mode.toString(8), uid, gid])).toEqual([
      ["d/", "755", 5, 6],
      ["d/one", "600", 5, 6],
      ["d/sub/", "700", 5, 6],
      ["d/sub/two", "600", 5, 6],
    ]);
  });

  test("directories on the way have an octal mode of --chmod, without its set-id bits", () => {
    const entries = packed({ sources: ["a.txt"], destination: "/d/e/x", chmod: "4770" });
    expect(entries.map(({ name, mode }) => [name, mode.toString(8)])).toEqual([
      ["d/", "770"],
      ["d/e/", "770"],
      ["d/e/x", "4770"],
    ]);
  });

  test("a directory that is made for another's contents is root's and 0755, not as that one", () => {
    const root = makeTree("stage", { "dir/sub/one": "1" });
    chmodSync(join(folder, "stage/dir"), 0o700);
    for (const name of ["dir", "dir/sub"]) chownSync(join(folder, "stage", name), 100, 200);
    const entries = packedFrom(layerTree(root, "stage"), { sources: ["dir"], destination: "/d" });
    expect(entries.map(({ name, mode, uid, gid }) => [name, mode, uid, gid]).slice(0, 2)).toEqual([
      ["d/", 0o755, 0, 0],
      ["d/sub/", 0o755, 100, 200],
    ]);
  });

  test("documents", () => {
    const entries = packed({ documents: [{ name: "conf", content: "é\n" }], destination: "/etc/" });
    expect(entries.map(({ name, mode, content }) => [name, mode, content])).toEqual([
      ["etc/", 0o755, ""],
      ["etc/conf", 0o644, "é\n"],
    ]);
  });

  test("the digest says names, modes and bytes, not times nor who reads", () => {
    const digest = (content: string, name: string) =>
      digestOfPlan(planOf({ sources: ["."], destination: "/x/" }, { f: content, "d/g": "g" }, name));
    const first = digest("one", "first");
    utimesSync(join(folder, "first", "f"), 5, 5);
    expect(digest("one", "second")).toBe(first);
    expect(digest("two", "third")).not.toBe(first);
    expect(lstatSync(join(folder, "first", "f")).mtimeMs).toBe(5000);
  });
});
