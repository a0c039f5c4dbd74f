/**
 * Containers written down: `run -f`, `create -f`, `inspect --format toml` and back, `run --dry-run`, and errors that
 * point at the line.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

function writeToml(text: string): string {
  const file = join(bocker.directory, `c${Bun.hash(text).toString(36)}.toml`);
  writeFileSync(file, text);
  return file;
}

test("run -f runs it; flags win over the file", async () => {
  const file = writeToml(
    'image = "busybox"\ncommand = ["sh", "-c", "echo $A $B $(hostname)"]\nnetwork = "none"\nhostname = "filed"\nenv = ["A=1", "B=2"]\nrm = true\n',
  );
  expect((await bocker.run("run", "-f", file)).stdout).toBe("1 2 filed\n");
  expect((await bocker.run("run", "-f", file, "-h", "flagged", "-e", "B=3")).stdout).toBe("1 3 flagged\n");
});

test("create -f, then start", async () => {
  const file = writeToml(
    'image = "busybox"\nname = "made"\ncommand = ["echo", "from a file"]\nnetwork = "none"\n',
  );
  await bocker.ok("create", "-f", file);
  expect((await bocker.run("start", "-a", "made")).stdout).toBe("from a file\n");
  await bocker.ok("rm", "made");
});

test("what inspect writes makes the same container again", async () => {
  const flags = [
    ...[
      "--name",
      "orig",
      "--network",
      "none",
      "-e",
      "A=x y",
      "-w",
      "/tmp",
      "-u",
      "1:1",
      "-h",
      "h",
      "--read-only",
      "--init",
    ],
    ...[
      "-m",
      "64m",
      "--cpus",
      "0.5",
      "--pids-limit",
      "50",
      "-l",
      "k=v",
      "-v",
      "/tmp:/host:ro",
      "--cap-drop",
      "CHOWN",
    ],
    ...["--ulimit", "nofile=64:64", "--entrypoint", "sh", "--stop-signal", "SIGINT"],
  ];
  await bocker.ok("create", ...flags, "busybox", "-c", "id");
  const first = await bocker.ok("inspect", "--format", "toml", "orig");
  await bocker.ok("rm", "orig");
  await bocker.ok("create", "-f", writeToml(first));
  const second = await bocker.ok("inspect", "--format", "toml", "orig");
  expect(second).toBe(first);
  await bocker.ok("rm", "orig");
});

describe("errors point at the place", () => {
  test("line, caret, what was expected, nearest key, and several at once", async () => {
    const file = writeToml('image = "busybox"\nhostnmae = "x"\nread-only = "yes"\n');
    const { exitCode, stderr } = await bocker.run("run", "-f", file);
    expect(exitCode).toBe(125);
    expect(stderr).toContain(`${file}:2:`);
    expect(stderr).toContain(`${file}:3:`);
    expect(stderr).toContain("hostname");
    expect(stderr).toMatch(/^ *\^+$|\n[ |\d]*\^/m);
    expect(stderr).toMatch(/boolean|true or false/);
  });

  test("a file that is not TOML", async () => {
    const file = writeToml('image = "busybox\n');
    const { exitCode, stderr } = await bocker.run("run", "-f", file);
    expect(exitCode).toBe(125);
    expect(stderr).toContain(`${file}:1:`);
  });
});

describe("--dry-run", () => {
  test("prints the plan and changes nothing", async () => {
    const before = [...readdirSync(bocker.root, { recursive: true })]
      .filter((name) => !/state\.db/.test(String(name)))
      .sort();
    const { exitCode, stdout } = await bocker.run(
      "run",
      "--dry-run",
      "--rm",
      "-m",
      "64m",
      "-v",
      "/tmp:/t:ro",
      "busybox",
      "echo",
      "x",
    );
    expect(exitCode).toBe(0);
    for (const word of ["clone3", "CLONE_NEWPID", "mount", "pivot_root", "execve", "proc"])
      expect(stdout).toContain(word);
    expect(stdout).toContain(bocker.bridge);
    expect(stdout.split("\n").length).toBeGreaterThan(30);
    expect(await bocker.ok("ps", "-aq")).toBe("");
    expect(
      [...readdirSync(bocker.root, { recursive: true })]
        .filter((name) => !/state\.db/.test(String(name)))
        .sort(),
    ).toEqual(before);
    expect(await bocker.leftovers()).toEqual([]);
  });
});
