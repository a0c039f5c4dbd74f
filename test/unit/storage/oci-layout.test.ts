/** index.json follows the tags. */
import { afterEach, beforeEach, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readLayoutIndex, removeLayoutTags, setLayoutTag } from "../../../src/storage/oci-layout.ts";
import { describeBytes, openTemporaryRoot, type TemporaryRoot } from "./storage-fixture.ts";

let root: TemporaryRoot;
const one = describeBytes(Buffer.from("one"));
const two = describeBytes(Buffer.from("two"));
const tags = () =>
  readLayoutIndex(root.paths).map(({ digest, annotations }) => [
    annotations?.["org.opencontainers.image.ref.name"],
    digest,
  ]);

beforeEach(() => {
  root = openTemporaryRoot();
});
afterEach(() => root[Symbol.dispose]());

test("a tag is set, moved and removed", async () => {
  await setLayoutTag(root.paths, "docker.io/library/a:1", one);
  await setLayoutTag(root.paths, "docker.io/library/b:1", one);
  await setLayoutTag(root.paths, "docker.io/library/a:1", two);
  expect(tags()).toEqual([
    ["docker.io/library/b:1", one.digest],
    ["docker.io/library/a:1", two.digest],
  ]);
  await removeLayoutTags(root.paths, ["docker.io/library/b:1", "never:there"]);
  expect(tags()).toEqual([["docker.io/library/a:1", two.digest]]);
});

test("many writers lose nothing", async () => {
  await Promise.all(
    Array.from({ length: 30 }, (_unused, index) => setLayoutTag(root.paths, `r/${index}:1`, one)),
  );
  expect(tags()).toHaveLength(30);
});

test("the file is an OCI index, and a damaged one is written anew", async () => {
  await setLayoutTag(root.paths, "r/a:1", one);
  const path = join(root.paths.imageLayout, "index.json");
  expect(JSON.parse(readFileSync(path, "utf8"))).toMatchObject({
    schemaVersion: 2,
    manifests: [{ size: 3 }],
  });
  writeFileSync(path, "{ torn");
  await setLayoutTag(root.paths, "r/b:1", two);
  expect(tags()).toEqual([["r/b:1", two.digest]]);
});
