/**
 * Bad input: one clear line, a hint where one helps, the right exit code, and nothing left behind.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

interface Case {
  readonly words: readonly string[];
  readonly exitCode: number;
  readonly says: RegExp;
}

const run = (...flags: string[]): string[] => ["run", "--rm", "--network", "none", ...flags];

const cases: readonly Case[] = [
  { words: ["frobnicate"], exitCode: 1, says: /unknown command: bocker frobnicate/ },
  { words: ["rnu"], exitCode: 1, says: /run/ },
  { words: run("--nmae", "x", "busybox"), exitCode: 125, says: /unknown flag: --nmae[\s\S]*--name/ },
  { words: run("-Z", "busybox"), exitCode: 125, says: /unknown shorthand flag: 'Z' in -Z/ },
  { words: ["run"], exitCode: 1, says: /requires at least 1 argument/ },
  { words: run("--name"), exitCode: 125, says: /flag needs an argument: --name/ },
  { words: run("UPPER"), exitCode: 125, says: /invalid reference format.*lowercase/ },
  { words: run("a b"), exitCode: 125, says: /invalid reference format/ },
  { words: run(":tag"), exitCode: 125, says: /invalid reference format/ },
  { words: run("a@sha256:12"), exitCode: 125, says: /invalid reference format/ },
  { words: run("127.0.0.1:1/x:1"), exitCode: 125, says: /127\.0\.0\.1:1[\s\S]*(refused|unreachable)/i },
  { words: run("--pull", "never", "absent:1"), exitCode: 125, says: /No such image: absent:1/ },
  {
    words: run("--pull", "sometimes", "busybox"),
    exitCode: 125,
    says: /"sometimes".*always|invalid pull option: 'sometimes'/,
  },
  { words: run("./no-such-image.tar"), exitCode: 125, says: /no-such-image\.tar/ },
  { words: run("-m", "5m", "busybox", "true"), exitCode: 125, says: /Minimum memory limit allowed is 6MB/ },
  { words: run("-m", "lots", "busybox", "true"), exitCode: 125, says: /invalid (argument|size).*lots/ },
  { words: run("--cpus", "many", "busybox", "true"), exitCode: 125, says: /many/ },
  {
    words: run("-u", "nobody-here", "busybox", "true"),
    exitCode: 125,
    says: /unable to find user nobody-here/,
  },
  { words: run("-v", ":/x", "busybox", "true"), exitCode: 125, says: /invalid.*:\/x/ },
  { words: run("-v", "a:b", "busybox", "true"), exitCode: 125, says: /invalid.*(absolute|a:b)/ },
  { words: run("-v", "/:/:xx", "busybox", "true"), exitCode: 125, says: /invalid mode.*xx|xx/ },
  {
    words: run("--mount", "type=bind,source=/no/such,target=/x", "busybox", "true"),
    exitCode: 125,
    says: /\/no\/such/,
  },
  { words: run("-p", "80:99999", "busybox", "true"), exitCode: 125, says: /99999/ },
  { words: run("-e", "", "busybox", "true"), exitCode: 125, says: /invalid environment variable/ },
  {
    words: ["run", "--rm", "--network", "absent", "busybox", "true"],
    exitCode: 125,
    says: /network absent not found/,
  },
  {
    words: run("-w", "relative", "busybox", "true"),
    exitCode: 125,
    says: /working directory 'relative' is invalid|absolute/,
  },
  {
    words: run("--name", "bad name", "busybox", "true"),
    exitCode: 125,
    says: /Invalid container name \(bad name\)/,
  },
  { words: run("--security-opt", "nope", "busybox", "true"), exitCode: 125, says: /nope/ },
  { words: run("--cap-add", "SYS_NOPE", "busybox", "true"), exitCode: 125, says: /SYS_NOPE/i },
  { words: run("--ulimit", "nofile=9:3", "busybox", "true"), exitCode: 125, says: /soft.*hard/ },
  { words: run("busybox", ""), exitCode: 127, says: /exec: "": executable file not found in \$PATH/ },
  {
    words: run("--platform", "pdp11", "busybox", "true"),
    exitCode: 125,
    says: /"pdp11": unknown operating system or architecture: invalid argument/,
  },
  { words: run("-f", "/no/such.toml"), exitCode: 125, says: /\/no\/such\.toml/ },
  { words: ["--config", "/no/such.toml", "ps"], exitCode: 1, says: /\/no\/such\.toml/ },
  { words: ["logs"], exitCode: 1, says: /requires (exactly )?(at least )?1 argument/ },
  { words: ["rmi", "absent"], exitCode: 1, says: /No such image: absent/ },
  { words: ["kill", "-s", "NOPE", "x"], exitCode: 1, says: /NOPE|No such container/ },
  { words: ["pull", "127.0.0.1:1/x"], exitCode: 1, says: /127\.0\.0\.1:1/ },
];

describe("says what is wrong", () => {
  for (const { words, exitCode, says } of cases) {
    test(words.join(" "), async () => {
      const outcome = await bocker.run(...words);
      expect(outcome.stderr).toMatch(says);
      expect(outcome.exitCode).toBe(exitCode);
      expect(outcome.stdout).toBe(words[0] === "pull" ? "Using default tag: latest\n" : "");
      expect(outcome.stderr).not.toMatch(/\bat .*(\.ts|bunfs)|undefined|\[object/);
      expect(await bocker.ok("ps", "-aq")).toBe("");
      expect(await bocker.leftovers()).toEqual([]);
    });
  }
});

test("a registry that cannot be reached: how to go on without one", async () => {
  const { stderr } = await bocker.run(...run("127.0.0.1:1/x:1"));
  expect(stderr).toMatch(/hint:/);
});

test("an image for another machine: exec format error explained", async () => {
  const script = join(bocker.directory, "not-a-program");
  writeFileSync(script, Buffer.from("7f454c4602010100", "hex"), { mode: 0o755 });
  const { exitCode, stderr } = await bocker.run(
    ...run("-v", `${script}:/bin/foreign`, "busybox", "/bin/foreign"),
  );
  expect(stderr).toContain("exec format error");
  expect(exitCode).toBe(126);
});

test("a corrupt archive as the image", async () => {
  const file = join(bocker.directory, "broken.tar");
  writeFileSync(file, new Uint8Array(2048).fill(65));
  const { exitCode, stderr } = await bocker.run(...run(file, "true"));
  expect(stderr).toContain("broken.tar");
  expect(exitCode).toBe(125);
});

test("not root: one line that says so", () => {
  const { exitCode, stderr } = Bun.spawnSync(
    [
      "setpriv",
      "--reuid=65534",
      "--regid=65534",
      "--clear-groups",
      process.env.BOCKER_BINARY ?? "dist/bocker",
      "run",
      "busybox",
    ],
    { env: { PATH: process.env.PATH ?? "" } },
  );
  expect(stderr.toString()).toMatch(/root/);
  expect(stderr.toString().trim().split("\n").length).toBeLessThanOrEqual(2);
  expect(exitCode).toBe(125);
});
