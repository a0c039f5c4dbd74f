/** cp between host and containers: docker's rules of names, both ways, running and stopped, and no way out by links. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { makeTar } from "../lib/oci-image.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let host: string;
beforeAll(async () => {
  bocker = openWorkspace();
  host = join(bocker.directory, "host");
  mkdirSync(join(host, "dir/sub"), { recursive: true });
  writeFileSync(join(host, "file"), "text\n");
  writeFileSync(join(host, "dir/sub/deep"), "deep\n");
  symlinkSync("file", join(host, "link"));
  Bun.spawnSync(["mknod", join(host, "node"), "c", "1", "3"]);
  Bun.spawnSync(["mkfifo", join(host, "fifo")]);
  symlinkSync("node", join(host, "link-to-node"));
  const flags = ["-d", "--network", "none", "--name", "web", "-v", "data:/data", "-v", `${host}:/fixed:ro`];
  await bocker.ok("run", ...flags, "busybox", "sleep", "1000");
});
afterAll(() => bocker[Symbol.asyncDispose]());

const cp = (...words: readonly string[]) => bocker.runWith({ cwd: host }, "cp", ...words);
const inside = (...command: readonly string[]) => bocker.ok("exec", "web", ...command);

async function copied(...words: readonly string[]): Promise<void> {
  const { exitCode, stdout, stderr } = await cp(...words);
  expect([exitCode, stdout, stderr]).toEqual([0, "", ""]);
}

describe("into a container", () => {
  test("a file: onto a new name, into a directory, over a file", async () => {
    await copied("file", "web:/tmp/named");
    await copied("file", "web:/tmp");
    await copied("dir/sub/deep", "web:/tmp/file");
    expect(await inside("cat", "/tmp/named", "/tmp/file")).toBe("text\ndeep");
    await copied("./file", "web:tmp/relative");
    expect(await inside("cat", "/tmp/relative")).toBe("text");
  });

  test("a directory: under its name, as a new name, its contents", async () => {
    await inside("mkdir", "/into");
    await copied("dir", "web:/into");
    await copied("dir", "web:/into/new");
    await copied("dir/.", "web:/into");
    expect((await inside("find", "/into", "-type", "f")).split("\n").sort()).toEqual([
      "/into/dir/sub/deep",
      "/into/new/sub/deep",
      "/into/sub/deep",
    ]);
  });

  test("owner, mode and links stay; -L follows", async () => {
    const path = join(host, "owned");
    writeFileSync(path, "");
    chownSync(path, 1234, 4321);
    chmodSync(path, 0o4751);
    await copied("owned", "web:/tmp/owned");
    expect(await inside("stat", "-c", "%u:%g %a", "/tmp/owned")).toBe("1234:4321 4751");
    await copied("link", "web:/tmp/link");
    await copied("-L", "link", "web:/tmp/followed");
    expect(await inside("readlink", "/tmp/link")).toBe("file");
    expect(await inside("cat", "/tmp/followed")).toBe("text");
    rmSync(path);
  });

  test("into a volume, and a tar from standard input", async () => {
    await copied("file", "web:/data/");
    const tar = makeTar([{ name: "a/" }, { name: "a/b", content: "from a tar" }]);
    const { exitCode, stderr } = await bocker.runWith({ stdin: tar }, "cp", "-", "web:/data");
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(await inside("cat", "/data/file", "/data/a/b")).toBe("text\nfrom a tar");
    expect(readdirSync(join(bocker.root, "volume/data/_data")).sort()).toEqual(["a", "file"]);
  });
});

describe("out of a container", () => {
  test("files, directories, contents, links", async () => {
    const out = join(host, "out");
    await inside("sh", "-c", "mkdir -p /src/sub && echo one > /src/sub/one && ln -s sub/one /src/ln");
    await copied("web:/src", "out");
    expect(readFileSync(join(out, "sub/one"), "utf8")).toBe("one\n");
    expect(readlinkSync(join(out, "ln"))).toBe("sub/one");
    await copied("web:/src", "out");
    expect(existsSync(join(out, "src/sub/one"))).toBe(true);
    await copied("web:/src/.", "out/src/again");
    expect(existsSync(join(out, "src/again/sub/one"))).toBe(true);
    await copied("-L", "web:/src/ln", "out/ln2");
    expect(lstatSync(join(out, "ln2")).isFile()).toBe(true);
    rmSync(out, { recursive: true });
  });

  test("files belong to who copies, with -a to whom they belonged", async () => {
    await inside("sh", "-c", "touch /tmp/theirs && chown 77:78 /tmp/theirs");
    await copied("web:/tmp/theirs", "mine");
    await copied("-a", "web:/tmp/theirs", "theirs");
    const owner = (name: string) => [statSync(join(host, name)).uid, statSync(join(host, name)).gid];
    expect([owner("mine"), owner("theirs")]).toEqual([
      [process.getuid?.() ?? -1, process.getgid?.() ?? -1],
      [77, 78],
    ]);
    rmSync(join(host, "mine"));
    rmSync(join(host, "theirs"));
  });

  test("- is a tar on standard output", async () => {
    const { exitCode, stdoutBytes } = await cp("web:/etc/passwd", "-");
    expect(exitCode).toBe(0);
    const list = Bun.spawnSync(["tar", "tf", "-"], { stdin: Buffer.from(stdoutBytes) });
    expect(list.stdout.toString()).toBe("passwd\n");
  });
});

describe("refusals", () => {
  const refused: readonly (readonly [words: readonly string[], phrase: string])[] = [
    [["web:/nope", "."], "Could not find the file /nope in container web"],
    [["nope", "web:/"], "nope: no such file or directory"],
    [["file", "web:/nope/deep/x"], "Could not find the file /nope/deep in container web"],
    [["file", "web:/nope/"], "no such directory"],
    [["dir", "web:/etc/passwd"], "cannot copy directory"],
    [["file", "web:/etc/passwd/"], "not a directory"],
    [["web:/etc/passwd/", "."], "not a directory"],
    [["web:/etc/passwd", "/nonexistent/x"], 'invalid output path: directory "/nonexistent" does not exist'],
    [["file", "web:/fixed/x"], "mounted volume is marked read-only"],
    [
      ["file", "web:/dev/null"],
      'destination "web:/dev/null" must be a directory or a regular file: got a device',
    ],
    [["web:/etc/passwd", "node"], 'node" must be a directory or a regular file: got a device'],
    [
      ["web:/etc/passwd", "link-to-node"],
      'link-to-node" must be a directory or a regular file: got a device',
    ],
    [["web:/etc/passwd", "fifo"], 'fifo" must be a directory or a regular file: got an irregular file'],
    [["web:/etc/passwd", "/dev/stdout"], '"/dev/stdout" must be a directory or a regular file'],
    [["web:/a", "other:/b"], "copying between containers is not supported"],
    [["a", "b"], "must specify at least one container source"],
    [["", "web:/"], "source can not be empty"],
    [["file", ""], "destination can not be empty"],
    [["file", "absent:/x"], "No such container: absent"],
    [["-", "web:/etc/passwd"], 'destination "web:/etc/passwd" must be a directory'],
  ];
  for (const [words, phrase] of refused) {
    test(words.join(" "), async () => {
      const { exitCode, stdout, stderr } = await cp(...words);
      expect([exitCode, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(phrase);
    });
  }

  test("a directory stays one, and a file too", async () => {
    await inside("sh", "-c", "mkdir -p /kinds/file && touch /kinds/dir");
    expect((await cp("file", "web:/kinds")).stderr).toContain(
      'cannot overwrite directory "/kinds/file" with non-directory',
    );
    expect((await cp("dir", "web:/kinds")).stderr).toContain(
      'cannot overwrite non-directory "/kinds/dir" with directory',
    );
  });

  test("a read-only root", async () => {
    const flags = ["-d", "--network", "none", "--read-only", "--name", "ro", "-v", "data:/data"];
    await bocker.ok("run", ...flags, "busybox", "sleep", "1000");
    expect((await cp("file", "ro:/tmp/x")).stderr).toContain("container rootfs is marked read-only");
    await copied("file", "ro:/data/through");
    await bocker.ok("rm", "-f", "ro");
  });

  test("what is no tar", async () => {
    const { exitCode, stderr } = await bocker.runWith({ stdin: "x".repeat(2000) }, "cp", "-", "web:/tmp");
    expect(exitCode).toBe(1);
    expect(stderr).toContain("Error: ");
  });
});

describe("links lead nowhere outside", () => {
  test("of a container, whichever way they point", async () => {
    const secret = join(host, "secret");
    writeFileSync(secret, "the host's\n");
    await inside(
      "sh",
      "-c",
      `mkdir -p /trap && ln -s ${host} /trap/abs && ln -s ../../../../../..${host} /trap/up`,
    );
    await inside("ln", "-s", secret, "/trap/file");
    for (const link of ["abs", "up"]) {
      const into = await cp("file", `web:/trap/${link}/planted`);
      expect([into.exitCode, into.stderr]).toEqual([1, expect.stringContaining("Could not find the file")]);
      const from = await cp(`web:/trap/${link}/secret`, "stolen");
      expect([from.exitCode, from.stderr]).toEqual([1, expect.stringContaining("Could not find the file")]);
    }
    expect((await cp("-L", "web:/trap/file", "stolen")).exitCode).toBe(1);
    expect((await cp("web:/proc/1/root/etc/hostname", "stolen")).exitCode).toBe(1);
    expect([existsSync(join(host, "planted")), existsSync(join(host, "stolen"))]).toEqual([false, false]);
  });

  test("of an archive: a member cannot be written through a link that came before it", async () => {
    // The container hands out a tree in which a directory was a link a moment ago; here the tar says both.
    await inside("sh", "-c", `mkdir -p /evil && ln -s ${host} /evil/way`);
    await copied("web:/evil", "evil");
    expect(readlinkSync(join(host, "evil/way"))).toBe(host);
    await inside("sh", "-c", "rm /evil/way && mkdir /evil/way && echo x > /evil/way/planted");
    const { exitCode, stderr } = await cp("web:/evil/.", "evil");
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("cannot overwrite non-directory")]);
    expect(existsSync(join(host, "planted"))).toBe(false);
  });
});

test("a stopped container: both ways, its volumes too, and nothing stays mounted", async () => {
  const flags = ["--name", "idle", "-v", "idle-data:/made/here", "-v", `${host}:/fixed:ro`];
  await bocker.ok("create", "--network", "none", ...flags, "busybox", "cat", "/tmp/file", "/made/here/file");
  await copied("file", "idle:/tmp");
  await copied("file", "idle:/made/here");
  expect(readdirSync(join(bocker.root, "volume/idle-data/_data"))).toEqual(["file"]);
  expect((await cp("file", "idle:/fixed/x")).stderr).toContain("mounted volume is marked read-only");
  expect(readFileSync("/proc/self/mounts", "utf8")).not.toContain(bocker.directory);
  expect(await bocker.ok("start", "-a", "idle")).toBe("text\ntext");
  await copied("idle:/tmp/file", "back");
  expect(readFileSync(join(host, "back"), "utf8")).toBe("text\n");
  await bocker.ok("rm", "idle");
});
