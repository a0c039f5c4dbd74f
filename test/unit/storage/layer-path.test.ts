/** What names in a layer mean. */
import { describe, expect, test } from "bun:test";
import { parentOf, parseLayerName, parseLinkTarget } from "../../../src/storage/layer-path.ts";

describe("parseLayerName", () => {
  test.each([
    ["etc/passwd", "etc/passwd"],
    ["./etc/passwd", "etc/passwd"],
    ["/etc/passwd", "etc/passwd"],
    ["///etc//./passwd/", "etc/passwd"],
    ["a/../b", "b"],
    ["a/b/../../c", "c"],
    ["./", ""],
    [".", ""],
    ["/", ""],
    ["a/..", ""],
    ["..a/b..", "..a/b.."],
    ["...", "..."],
    ["a/.../b", "a/.../b"],
    [".hidden/.b", ".hidden/.b"],
    ["a\nb/\u00ff", "a\nb/\u00ff"],
  ])("%j is the path %j", (name, path) => {
    expect(parseLayerName(name)).toEqual({ kind: "path", path });
  });

  test.each(["..", "../x", "/..", "a/../../x", "./../x", "../../../../etc/passwd", "a/b/../../../c", "..//"])(
    "%j climbs out",
    (name) => {
      expect(() => parseLayerName(name)).toThrow("breakout");
    },
  );

  test.each([
    ["dir/.wh.gone", { kind: "whiteout", path: "dir/gone" }],
    [".wh.gone", { kind: "whiteout", path: "gone" }],
    ["./.wh.gone", { kind: "whiteout", path: "gone" }],
    ["dir/.wh..wh..opq", { kind: "opaque", path: "dir" }],
    [".wh..wh..opq", { kind: "opaque", path: "" }],
    [".wh..wh.plnk/1.2", { kind: "ignored" }],
    [".wh..wh.aufs", { kind: "ignored" }],
    ["dir/.wh..wh.orph", { kind: "ignored" }],
    ["a/.wh.b/c", { kind: "path", path: "a/.wh.b/c" }],
  ] as const)("%j", (name, wanted) => {
    expect(parseLayerName(name)).toEqual(wanted);
  });

  test.each([".wh.", "a/.wh.", ".wh..", "a/.wh...", ".wh..."])("%j hides nothing and is refused", (name) => {
    expect(() => parseLayerName(name)).toThrow("invalid whiteout");
  });

  test("long and strange names are shortened and escaped in the message", () => {
    const name = `../\u0007${"x".repeat(10_000)}`;
    expect(() => parseLayerName(name)).toThrow(/^invalid entry "..\/\\u0007x{70,80}…x{30}": breakout/);
  });
});

test("link targets are names from the root", () => {
  expect(parseLinkTarget("a", "/bin/busybox")).toBe("bin/busybox");
  expect(() => parseLinkTarget("a", "../../etc/shadow")).toThrow(
    'hard link "a" to "../../etc/shadow": breakout',
  );
  expect(() => parseLinkTarget("a", "/")).toThrow("not a file");
});

test("parentOf", () => {
  expect([parentOf("a/b/c"), parentOf("a"), parentOf("")]).toEqual(["a/b", "", ""]);
});
