import { expect, test } from "bun:test";
import { closeSync, mkdirSync, mkdtempSync, openSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { directoryNames } from "../../../src/storage/directory-names.ts";

test("names of an open directory; none once it has been removed; no directory is an error", () => {
  const folder = mkdtempSync(join(tmpdir(), "bocker-names-"));
  const inner = join(folder, "inner");
  mkdirSync(inner);
  const outerFd = openSync(folder, "r");
  const innerFd = openSync(inner, "r");
  writeFileSync(join(folder, "file"), "");
  const fileFd = openSync(join(folder, "file"), "r");
  try {
    expect(directoryNames(outerFd).map(String).sort()).toEqual(["file", "inner"]);
    rmdirSync(inner);
    expect(directoryNames(innerFd)).toEqual([]);
    expect(() => directoryNames(fileFd)).toThrow("ENOTDIR");
  } finally {
    for (const fd of [outerFd, innerFd, fileFd]) closeSync(fd);
    rmSync(folder, { recursive: true });
  }
});
