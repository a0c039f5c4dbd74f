/**
 * The executable is Bun's runtime too, and it is run in directories of other people: nothing that lies there may steer
 * it. Bun would by default load `.env` into the environment and run what `bunfig.toml` preloads, as root.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
let foreign: string;
let witness: string;

beforeAll(() => {
  bocker = openWorkspace();
  foreign = join(bocker.directory, "foreign");
  witness = join(foreign, "was-run");
  mkdirSync(foreign);
  const code = `require("node:fs").writeFileSync(${JSON.stringify(witness)}, "");\n`;
  const files = {
    ".env": "FROM_DOTENV=yes\n",
    ".env.local": "FROM_DOTENV=yes\n",
    ".env.production": "FROM_DOTENV=yes\n",
    "preload.ts": code,
    "bunfig.toml": 'preload = ["./preload.ts"]\n[run]\nbun = true\n',
    "package.json": '{ "type": "commonjs", "imports": { "#x": "./preload.ts" } }\n',
    "tsconfig.json": '{ "compilerOptions": { "paths": { "*": ["./preload.ts"] } } }\n',
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(foreign, name), text);
});
afterAll(() => bocker[Symbol.asyncDispose]());

const runThere = (...words: string[]) => bocker.runWith({ cwd: foreign }, ...words);

test("a bunfig.toml of the working directory preloads nothing", async () => {
  const { exitCode, stdout } = await runThere("--version");
  expect({ exitCode, stdout }).toEqual({
    exitCode: 0,
    stdout: expect.stringMatching(/^bocker version /),
  });
  expect(existsSync(witness)).toBe(false);
});

test("a .env of the working directory reaches neither bocker nor its containers", async () => {
  // `-e NAME` passes the CLI's own variable on, and leaves it out where there is none.
  const { exitCode, stdout, stderr } = await runThere(
    "run",
    "--rm",
    "--network",
    "none",
    "-e",
    "FROM_DOTENV",
    "busybox",
    "env",
  );
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  expect(stdout).not.toContain("FROM_DOTENV");
  expect(existsSync(witness)).toBe(false);
});
