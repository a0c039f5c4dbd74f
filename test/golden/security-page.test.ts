/** SECURITY.md: each test and source it names is there, and each escape test is named. */
import { expect, test } from "bun:test";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../lib/source-tree.ts";

const page = readFileSync(join(repositoryRoot, "SECURITY.md"), "utf8");

test("every file it names exists", () => {
  const named = [...page.matchAll(/`((?:test|src|ffi)\/[^`]+)`|\]\(([^)]+)\)/g)].map(
    (match) => match[1] ?? match[2] ?? "",
  );
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((path) => !existsSync(join(repositoryRoot, path)))).toEqual([]);
});

test("every escape test is in its list", () => {
  const tests = readdirSync(join(repositoryRoot, "test/integration")).filter((name) =>
    name.startsWith("escape-"),
  );
  expect(tests.length).toBeGreaterThan(0);
  expect(tests.filter((name) => !page.includes(`test/integration/${name}`))).toEqual([]);
});
