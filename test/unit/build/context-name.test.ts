import { describe, expect, test } from "bun:test";
import { parseContextName, parseGitRemote } from "../../../src/build/context/context-name.ts";

describe("a context's name", () => {
  test.each([
    [".", { kind: "directory", path: "." }],
    ["/srv/app", { kind: "directory", path: "/srv/app" }],
    ["-", { kind: "stdin" }],
    ["http://example.com/context.tar.gz", { kind: "url", url: "http://example.com/context.tar.gz" }],
    ["https://example.com/Dockerfile", { kind: "url", url: "https://example.com/Dockerfile" }],
    ["./git@odd", { kind: "directory", path: "./git@odd" }],
  ] as const)("%s", (word, name) => {
    expect(parseContextName(word)).toEqual(name);
  });

  test.each([
    ["https://example.com/x.git", "https://example.com/x.git", undefined, undefined],
    ["https://example.com/x.git#main", "https://example.com/x.git", "main", undefined],
    ["https://example.com/x.git#main:sub/dir", "https://example.com/x.git", "main", "sub/dir"],
    ["https://example.com/x.git#:sub/", "https://example.com/x.git", undefined, "sub"],
    ["git@example.com:owner/x", "git@example.com:owner/x", undefined, undefined],
    ["git://example.com/x#v1", "git://example.com/x", "v1", undefined],
    ["ssh://git@example.com/x.git", "ssh://git@example.com/x.git", undefined, undefined],
    ["github.com/owner/x", "https://github.com/owner/x", undefined, undefined],
    ["https://example.com/x.git?branch=dev&subdir=a", "https://example.com/x.git", "refs/heads/dev", "a"],
    ["https://example.com/x.git?tag=v1", "https://example.com/x.git", "refs/tags/v1", undefined],
  ])("the repository %s", (word, url, ref, subdirectory) => {
    expect(parseGitRemote(word)).toMatchObject({ url, ref, subdirectory } as object);
  });

  test.each([
    ["https://example.com/x.git#--upload-pack=evil", "invalid git reference"],
    ["https://example.com/x.git#a b", "invalid git reference"],
    ["https://example.com/x.git#main:../../etc", "leads out of the repository"],
    ["https://example.com/x.git?ref=a&branch=b", "exclude each other"],
    ["https://example.com/x.git?what=1", 'unexpected query "what"'],
    ["https://example.com/x.git?ref=a&ref=b", "given twice"],
    ["https://example.com/x.git?ref=a#b", "either a fragment or a query"],
    ["https://example.com/x.git?submodules=perhaps", 'invalid boolean "perhaps"'],
  ])("refuses %s", (word, reason) => {
    expect(() => parseGitRemote(word)).toThrow(reason);
  });
});
