/**
 * Every Dockerfile of test/corpus: it builds, to the config and the files that it says at its end, or it is refused in the
 * words that it says. Most of what they assert they assert themselves, in RUN.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { loadCorpusCase, writeBuildContext } from "../lib/build-context.ts";
import { startGitServer } from "../lib/git-server.ts";
import { openWorkspace } from "../lib/workspace.ts";

const corpus = join(import.meta.dir, "../corpus");
const workspace = openWorkspace();
const context = join(workspace.directory, "context");
const served = "what a server has\n";
const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response(served) });
const git = await startGitServer(join(workspace.directory, "git"), {
  readme: "read me\n",
  "folder/inner": "x\n",
});
const places = {
  CONTEXT: context,
  SERVER: `http://127.0.0.1:${server.port}`,
  SUM: createHash("sha256").update(served).digest("hex"),
  GIT: git.url,
};

beforeAll(async () => {
  mkdirSync(context);
  writeBuildContext(context);
  const bases = {
    golang: "local/golang:1.22",
    node: "local/node:20",
    python: "local/python:3.12",
    nginx: "local/nginx:1.27",
  };
  for (const [name, tag] of Object.entries(bases)) {
    await workspace.ok("build", "-q", "-t", tag, "-f", join(corpus, "base", `${name}.dockerfile`), context);
  }
});

afterAll(async () => {
  server.stop(true);
  await git.stop();
  await workspace[Symbol.asyncDispose]();
});

// In the order of names: a case may be the base of one after it.
const cases = readdirSync(corpus)
  .filter((name) => name.endsWith(".dockerfile"))
  .map((name) => loadCorpusCase(join(corpus, name), places))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

test("the corpus is there", () => {
  expect(cases.length).toBeGreaterThan(60);
});

test.each(cases.map((each) => [each.name, each] as const))("%s", async (name, one) => {
  const file = join(workspace.directory, `${name}.dockerfile`);
  writeFileSync(file, one.text);
  const words = ["build", "--progress=plain", "-t", one.tag, "-f", file, ...one.options, context];
  const { exitCode, stderr } = await workspace.runWith({ env: { CORPUS_SECRET: "s3cret" } }, ...words);
  if (one.fails !== undefined) {
    expect(stderr).toContain(one.fails);
    expect(stderr).toContain("ERROR: failed to build: failed to solve: ");
    expect(exitCode).toBe(1);
    expect((await workspace.run("image", "inspect", one.tag)).exitCode).toBe(1);
    return;
  }
  expect(stderr).not.toContain("ERROR");
  expect(exitCode).toBe(0);
  if (one.config !== undefined) {
    const { Config } = await workspace.inspect(one.tag);
    const shown = Object.fromEntries(Object.keys(one.config).map((key) => [key, Config[key] ?? null]));
    expect(shown).toMatchObject(one.config);
  }
  if (one.tree.length === 0) return;
  const { stdoutBytes } = await workspace.runWith(
    {},
    "build",
    "-q",
    "-o",
    "-",
    "-f",
    file,
    ...one.options,
    context,
  );
  const listed = Bun.spawnSync(["tar", "-t"], { stdin: stdoutBytes }).stdout.toString();
  for (const path of one.tree) expect(listed.split("\n")).toContain(path);
});
