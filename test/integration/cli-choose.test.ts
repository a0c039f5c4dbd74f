/**
 * Verbs for containers that nobody has named: --all, --latest, --filter, --cidfile, --ignore; and how ps is sorted.
 */
import { afterAll, beforeAll, beforeEach, expect, test } from "bun:test";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());
beforeEach(() => bocker.ok("rm", "-af"));

const flags = ["--network", "none", "--init", "--stop-timeout", "0"];

async function detached(name: string, ...more: readonly string[]): Promise<string> {
  return bocker.ok("run", "-d", ...flags, "--name", name, ...more, "busybox", "sleep", "1000");
}

/** `name status` of all, by name. */
async function states(): Promise<string> {
  const lines = await bocker.ok("ps", "-a", "--sort", "names", "--format", "{{.Names}} {{.State}}");
  return lines.replaceAll("\n", ", ");
}

const idsOf = (text: string): readonly string[] => text.split("\n").toSorted();

test("--all means the containers that a verb can do something to, and prints their ids", async () => {
  const ids = [await detached("aa"), await detached("bb")].toSorted();
  const created = await bocker.ok("create", "--network", "none", "--name", "cc", "busybox", "true");
  expect(idsOf(await bocker.ok("pause", "--all"))).toEqual(ids);
  expect(await bocker.ok("pause", "-a")).toBe("");
  expect(await states()).toBe("aa paused, bb paused, cc created");
  expect(idsOf(await bocker.ok("unpause", "-a"))).toEqual(ids);
  expect(idsOf(await bocker.ok("restart", "--running", "-t", "0"))).toEqual(ids);
  expect(idsOf(await bocker.ok("stop", "-a"))).toEqual(ids);
  expect(await states()).toBe("aa exited, bb exited, cc created");
  expect(idsOf(await bocker.ok("start", "--all"))).toEqual([...ids, created].toSorted());
  expect(await bocker.ok("wait", "cc")).toBe("0");
  expect(idsOf(await bocker.ok("kill", "-a"))).toEqual(ids);
  expect(idsOf(await bocker.ok("rm", "-a"))).toEqual([...ids, created].toSorted());
  expect(await bocker.ok("ps", "-aq")).toBe("");
});

test("rm --all refuses what runs and removes the rest", async () => {
  const id = await detached("aa");
  const created = await bocker.ok("create", "busybox", "true");
  const { stdout, stderr, exitCode } = await bocker.run("rm", "--all");
  expect({ stdout, exitCode }).toEqual({ stdout: `${created}\n`, exitCode: 1 });
  expect(stderr).toContain(`cannot remove container`);
  expect(await bocker.ok("ps", "-aq", "--no-trunc")).toBe(id);
});

test("--latest, --filter and --cidfile choose", async () => {
  const cidfile = join(bocker.directory, "a.cid");
  const a = await detached("aa", "--label", "team=x", "--cidfile", cidfile);
  const b = await detached("bb", "--label", "team=y");
  expect(await bocker.ok("pause", "-l")).toBe(b);
  expect(await bocker.ok("unpause", "--filter", "label=team")).toBe(b);
  expect(await bocker.ok("kill", "--filter", "label=team=x", "-s", "KILL")).toBe(a);
  expect(await bocker.ok("start", "--cidfile", cidfile)).toBe(a);
  expect(await bocker.ok("stop", "--cidfile", cidfile, "bb")).toBe(`${a}\nbb`);
  expect(await bocker.ok("rm", "--filter", "name=none-such")).toBe("");
  expect(await states()).toBe("aa exited, bb exited");
});

test("start --attach --latest is the container's output and exit code", async () => {
  await bocker.ok("create", "--network", "none", "--name", "aa", "busybox", "sh", "-c", "echo out; exit 4");
  const { stdout, exitCode } = await bocker.run("start", "-a", "-l");
  expect({ stdout, exitCode }).toEqual({ stdout: "out\n", exitCode: 4 });
});

test("--ignore is silent of what is missing, by name and by file", async () => {
  await bocker.ok("create", "--name", "aa", "busybox", "true");
  const { stdout, stderr } = await bocker.run("rm", "--ignore", "absent", "--cidfile", "/absent.cid", "aa");
  expect({ stdout, stderr }).toEqual({ stdout: "aa\n", stderr: "" });
  expect(await bocker.ok("stop", "-i", "absent")).toBe("");
});

const refusals: readonly (readonly [string, string])[] = [
  ["stop", "bocker: 'bocker stop' requires at least 1 argument"],
  ["stop --all=false", "bocker: 'bocker stop' requires at least 1 argument"],
  ["stop --all a", "bocker: no arguments are needed with --all"],
  ["kill --latest a", "bocker: no arguments are needed with --latest"],
  ["pause --filter name=a a", "bocker: no arguments are needed with --filter"],
  ["rm --all --cidfile /absent.cid", "bocker: no arguments are needed with --all"],
  ["rm --cidfile /absent.cid", "bocker: open /absent.cid: no such file or directory"],
  ["restart --all --running", "bocker: --all and --running cannot be used together"],
  ["stop --filter nope=1", "Error: invalid filter 'nope'"],
];
for (const [line, message] of refusals) {
  test(`${line} is refused`, async () => {
    const { stdout, stderr, exitCode } = await bocker.run(...line.split(" "));
    expect({ stdout, exitCode, stderr: stderr.split("\n")[0] }).toEqual({
      stdout: "",
      exitCode: 1,
      stderr: message,
    });
  });
}

test("ps --sort and --noheading", async () => {
  await bocker.ok("create", "--name", "bb", "busybox", "true");
  await bocker.ok("create", "--name", "aa", "busybox", "false");
  const names = async (...words: readonly string[]) =>
    (await bocker.ok("ps", "-a", "--format", "{{.Names}}", ...words)).replaceAll("\n", " ");
  expect(await names()).toBe("aa bb");
  expect(await names("--sort", "created")).toBe("bb aa");
  expect(await names("--sort", "names")).toBe("aa bb");
  expect(await names("--sort", "command")).toBe("aa bb");
  expect(await bocker.ok("ps", "-a", "--noheading", "--format", "table {{.Names}}")).toBe("aa\nbb");
  const plain = await bocker.ok("ps", "-a", "--noheading");
  expect(plain.split("\n").map((line) => line.split(" ").at(-1))).toEqual(["aa", "bb"]);
  const { exitCode, stderr } = await bocker.run("ps", "--sort", "luck");
  expect(exitCode).toBe(125);
  expect(stderr).toContain('invalid argument "luck" for "--sort" flag: "luck" is not a valid value.');
});

test("events --stream=false tells what is known, and ends", async () => {
  await bocker.ok("create", "--name", "told", "busybox", "true");
  const filter = ["--filter", "container=told", "--format", "{{.Action}}"];
  expect(await bocker.ok("events", "--stream=false", ...filter)).toBe("create");
});
