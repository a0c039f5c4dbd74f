/** `--rootfs`: a directory of the host in place of an image, as it is or under an overlay. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let root: string;
beforeAll(async () => {
  bocker = openWorkspace();
  root = join(bocker.directory, "tree");
  mkdirSync(root);
  const source = await bocker.ok("create", "busybox", "true");
  const archive = (await bocker.run("export", source)).stdoutBytes;
  Bun.spawnSync(["tar", "-x", "-C", root], { stdin: archive });
  await bocker.ok("rm", source);
});
afterAll(() => bocker[Symbol.asyncDispose]());

const run = (...words: readonly string[]) => bocker.run("run", "--rm", "--network", "none", ...words);

test("the first argument is the root, and what is written there is written", async () => {
  expect((await run("--rootfs", root, "sh", "-c", "echo hi >/written; cat /written")).stdout).toBe("hi\n");
  expect(readFileSync(join(root, "written"), "utf8")).toBe("hi\n");
  expect((await run("--rootfs", root, "cat", "/written")).stdout).toBe("hi\n");
});

test("a path beside the current directory", async () => {
  const options = { cwd: bocker.directory };
  const { stdout } = await bocker.runWith(
    options,
    "run",
    "--rm",
    "--network",
    "none",
    "--rootfs",
    "tree",
    "pwd",
  );
  expect(stdout).toBe("/\n");
});

describe(":O", () => {
  test("leaves the directory as it is; diff, cp and export know what was written", async () => {
    const id = await bocker.ok(
      ...["create", "--network", "none", "--rootfs", `${root}:O`, "sh", "-c", "echo over >>/over; cat /over"],
    );
    expect(await bocker.ok("start", "-a", id)).toBe("over");
    expect(await bocker.ok("start", "-a", id)).toBe("over\nover");
    expect(existsSync(join(root, "over"))).toBe(false);
    expect(await bocker.ok("diff", id)).toBe("A /over");
    await bocker.ok("cp", `${id}:/over`, join(bocker.directory, "copied"));
    expect(readFileSync(join(bocker.directory, "copied"), "utf8")).toBe("over\nover\n");
    const archive = (await bocker.run("export", id)).stdoutBytes;
    expect(Bun.spawnSync(["tar", "-t"], { stdin: archive }).stdout.toString()).toContain("over\n");
    await bocker.ok("rm", id);
  });
});

test("inspect, ps and TOML tell of the directory; the store is not asked for an image", async () => {
  const id = await bocker.ok("create", "--name", "tree", "--rootfs", root, "true");
  const shown = await bocker.inspect(id);
  expect([shown.Image, shown.Rootfs, shown.Config.Image]).toEqual(["", root, root]);
  expect(await bocker.ok("ps", "-a", "--format", "{{.Image}}")).toBe(root);
  expect(await bocker.ok("inspect", "--format", "toml", id)).toContain("rootfs = true");
  expect((await bocker.run("system", "check")).exitCode).toBe(0);
  const toml = join(bocker.directory, "tree.toml");
  writeFileSync(toml, `rootfs = true\nimage = "${root}"\ncommand = ["echo", "by file"]\nnetwork = "none"\n`);
  expect(await bocker.ok("run", "--rm", "-f", toml)).toBe("by file");
  await bocker.ok("rm", "tree");
  expect(existsSync(join(root, "bin"))).toBe(true);
});

test("-w and a volume through links that go into a missing directory and out again", async () => {
  symlinkSync("/missing/../tmp", join(root, "detour"));
  expect((await run("--rootfs", "-w", "/detour/made", `${root}:O`, "pwd")).stdout).toBe("/tmp/made\n");
  expect((await run("--rootfs", "-v", "/detour/mounted", `${root}:O`, "ls", "/tmp")).stdout).toBe(
    "mounted\n",
  );
});

test("--dry-run says what is opened", async () => {
  const plan = (given: string) => bocker.ok("run", "--dry-run", "--rootfs", given, "true");
  expect(await plan(root)).toContain(`open_tree("${root}", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC) = rootfs`);
  expect(await plan(`${root}:O`)).toContain(`"lowerdir+", "${root}"`);
});

describe("refusals", () => {
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [
      ["/no/such/tree", "true"],
      /cannot use "\/no\/such\/tree" as the root file system: no such file or directory/,
    ],
    [["/etc/passwd", "true"], /cannot use "\/etc\/passwd" as the root file system: not a directory/],
    [["/tmp:idmap", "true"], /:idmap is not supported/],
    [["/tmp"], /no command specified/],
  ];
  for (const [words, says] of cases) {
    test(words.join(" "), async () => {
      const { exitCode, stderr } = await run("--rootfs", ...words);
      expect(stderr).toMatch(says);
      expect(exitCode).toBe(125);
      expect(await bocker.ok("ps", "-aq")).toBe("");
    });
  }

  test("commit, and diff where nothing keeps changes apart", async () => {
    const id = await bocker.ok("create", "--rootfs", root, "true");
    expect((await bocker.run("commit", id, "x")).stderr).toContain(
      "cannot commit a container that uses an exploded rootfs",
    );
    expect((await bocker.run("diff", id)).stderr).toContain("cannot tell what container");
    await bocker.ok("rm", id);
  });
});
