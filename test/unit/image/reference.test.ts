import { describe, expect, test } from "bun:test";
import { digestOf } from "../../../src/image/digest.ts";
import {
  canonicalName,
  familiarName,
  familiarRepository,
  isReference,
  parseReference,
  parseTag,
  repoDigest,
  splitCanonicalName,
  withDefaultTag,
} from "../../../src/image/reference.ts";

const hex = "a".repeat(64);
const digest = `sha256:${hex}`;

describe("parseReference", () => {
  // typed, canonical (tag defaulted), familiar (as typed)
  const table: [string, string, string][] = [
    ["alpine", "docker.io/library/alpine:latest", "alpine"],
    ["alpine:3.20", "docker.io/library/alpine:3.20", "alpine:3.20"],
    ["library/alpine", "docker.io/library/alpine:latest", "alpine"],
    ["docker.io/alpine", "docker.io/library/alpine:latest", "alpine"],
    ["index.docker.io/alpine", "docker.io/library/alpine:latest", "alpine"],
    ["docker.io/library/alpine:x", "docker.io/library/alpine:x", "alpine:x"],
    ["bitnami/redis", "docker.io/bitnami/redis:latest", "bitnami/redis"],
    ["library/a/b", "docker.io/library/a/b:latest", "library/a/b"],
    ["localhost/x", "localhost/x:latest", "localhost/x"],
    ["localhost:5000/x", "localhost:5000/x:latest", "localhost:5000/x"],
    ["localhost:5000/a/b/c:T_1.2-x", "localhost:5000/a/b/c:T_1.2-x", "localhost:5000/a/b/c:T_1.2-x"],
    ["[::1]:5000/x:1", "[::1]:5000/x:1", "[::1]:5000/x:1"],
    ["Registry/x", "Registry/x:latest", "Registry/x"],
    ["quay.io/podman/hello", "quay.io/podman/hello:latest", "quay.io/podman/hello"],
    [`alpine@${digest}`, `docker.io/library/alpine@${digest}`, `alpine@${digest}`],
    [`alpine:3@${digest}`, `docker.io/library/alpine:3@${digest}`, `alpine:3@${digest}`],
    ["a__b/c-_d".replace("-_", "--"), "docker.io/a__b/c--d:latest", "a__b/c--d"],
    ["foo:5000", "docker.io/library/foo:5000", "foo:5000"],
  ];
  test.each(table)("%s", (typed, canonical, familiar) => {
    const reference = parseReference(typed);
    expect(canonicalName(withDefaultTag(reference))).toBe(canonical);
    expect(familiarName(reference)).toBe(familiar);
    // Both forms mean the same image again.
    expect(parseReference(familiarName(reference))).toEqual(reference);
    expect(parseReference(canonicalName(reference))).toEqual(reference);
  });

  const invalid = "invalid reference format";
  const bad: [string, string][] = [
    ["", invalid],
    ["Alpine", `${invalid}: repository name (library/Alpine) must be lowercase`],
    ["localhost:5000/Foo", `${invalid}: repository name (Foo) must be lowercase`],
    ["alpine:", invalid],
    [":3", invalid],
    ["alpine:a:b", invalid],
    ["-alpine", invalid],
    ["alpine/", invalid],
    ["/alpine", invalid],
    ["a//b", invalid],
    ["a/../b", invalid],
    ["al pine", invalid],
    ["a..b", invalid],
    ["a___b", invalid],
    ["alpine@", invalid],
    ["alpine@sha256:abc", invalid],
    [`alpine@sha256:${"a".repeat(40)}`, "invalid checksum digest length"],
    [`alpine@md5:${"a".repeat(32)}`, "unsupported digest algorithm"],
    [`alpine@sha256:${"A".repeat(64)}`, "invalid checksum digest format"],
    [`alpine@${digest}@${digest}`, invalid],
    ["http://localhost/x", invalid],
    ["alpine\nx", invalid],
    ["alpine\0", invalid],
    [hex, `invalid repository name (${hex}), cannot specify 64-byte hexadecimal strings`],
    ["a".repeat(300), "repository name must not be more than 255 characters"],
    ["a".repeat(100_000), invalid],
    [`alpine:${"t".repeat(129)}`, invalid],
  ];
  test.each(bad)("refuses %p", (typed, message) => {
    expect(() => parseReference(typed)).toThrow(
      expect.objectContaining({ message, kind: "invalid-reference" }),
    );
    expect(isReference(typed)).toBe(false);
  });

  test("is quick on text made to make patterns backtrack", () => {
    const begin = performance.now();
    for (const text of ["a-".repeat(500), "a.".repeat(500), `${"a/".repeat(500)}!`, "_".repeat(1000)]) {
      expect(isReference(text)).toBe(false);
    }
    expect(performance.now() - begin).toBeLessThan(5000);
  });
});

test("a tag alone, as in pull NAME TAG", () => {
  expect(String(parseTag("3.20"))).toBe("3.20");
  expect(() => parseTag("a b")).toThrow("invalid reference format");
  expect(() => parseTag(".a")).toThrow("invalid reference format");
});

test("names for the REPOSITORY column and RepoDigests", () => {
  const reference = parseReference("alpine:3");
  expect(familiarRepository(reference)).toBe("alpine");
  const id = digestOf("x");
  expect(repoDigest(reference, id)).toBe(`docker.io/library/alpine@${id}`);
});

test("taking a name apart that we wrote ourselves gives what parsing it gives", () => {
  const texts = [
    "alpine",
    "alpine:3.20",
    "localhost:5000/a/b/c:T_1.2-x",
    "[::1]:5000/x:1",
    `x@${digest}`,
    `h.io/x:1@${digest}`,
  ];
  for (const text of texts) {
    const parsed = parseReference(text);
    const { digest: _digest, ...named } = parsed;
    expect(splitCanonicalName(canonicalName(parsed))).toEqual(named);
  }
});
