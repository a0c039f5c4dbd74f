/** docker's table of where a copy goes, from its documentation of cp and moby's PrepareArchiveCopy. */
import { describe, expect, test } from "bun:test";
import {
  assertsDirectory,
  type CopySource,
  type CopyTarget,
  isContents,
  planCopy,
} from "../../../src/engine/copy-rule.ts";

const file: CopySource = { isDirectory: false, base: "f", contentsOnly: false };
const directory: CopySource = { isDirectory: true, base: "d", contentsOnly: false };
const contents: CopySource = { isDirectory: true, base: "d", contentsOnly: true };
const missing = (asserted = false): CopyTarget => ({
  path: "/a/b",
  kind: "missing",
  assertsDirectory: asserted,
});
const there = (kind: "directory" | "other", asserted = false): CopyTarget => ({
  path: "/a/b",
  kind,
  assertsDirectory: asserted,
});

describe("planCopy", () => {
  const plans: readonly (readonly [string, CopySource, CopyTarget, string, string])[] = [
    ["a file to a new name", file, missing(), "/a", "b"],
    ["a file over a file", file, there("other"), "/a", "b"],
    ["a file into a directory", file, there("directory"), "/a/b", "f"],
    ["a directory to a new name", directory, missing(), "/a", "b"],
    ["a directory to a new name with a slash", directory, missing(true), "/a", "b"],
    ["a directory into a directory", directory, there("directory", true), "/a/b", "d"],
    ["contents into a directory", contents, there("directory"), "/a/b", ""],
    ["contents to a new name", contents, missing(), "/a", "b"],
  ];
  for (const [what, source, target, into, name] of plans) {
    test(what, () => expect(planCopy(source, target)).toEqual({ directory: into, name }));
  }

  const refusals: readonly (readonly [string, CopySource, CopyTarget, string])[] = [
    ["a file to a missing directory", file, missing(true), "no such directory"],
    ["a file to a file that is called a directory", file, there("other", true), "not a directory"],
    ["a directory over a file", directory, there("other"), "cannot copy directory"],
    ["contents over a file", contents, there("other"), "cannot copy directory"],
  ];
  for (const [what, source, target, phrase] of refusals) {
    test(what, () => expect(() => planCopy(source, target)).toThrow(phrase));
  }
});

test("what a path says about itself", () => {
  const said = ["a", "a/", "a/.", ".", "/", "a/..", "a.", "//"].map((path) => [
    path,
    assertsDirectory(path),
    isContents(path),
  ]);
  expect(said).toEqual([
    ["a", false, false],
    ["a/", true, false],
    ["a/.", true, true],
    [".", true, true],
    ["/", true, true],
    ["a/..", false, false],
    ["a.", false, false],
    ["//", true, true],
  ]);
});
