/** --user against passwd and group files, honest and hostile: runc's answers and words. */
import { describe, expect, test } from "bun:test";
import { parseGroup, parsePasswd, resolveUser } from "../../../src/spec/user.ts";

const passwd = `root:x:0:0:root:/root:/bin/sh
# a comment
daemon:x:1:1::/usr/sbin:/usr/sbin/nologin
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
alice:x:1000:1000:Alice,,,:/home/alice:/bin/bash
homeless:x:1001:1001:::
1234:x:77:77:numeric name:/home/n:/bin/sh
`;
const group = `root:x:0:
wheel:x:10:root,alice
docker:x:999:alice
www-data:x:33:
alice:x:1000:
5000:x:55:
`;

describe("resolveUser", () => {
  test.each([
    ["", { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root" }],
    ["root", { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root" }],
    ["0", { uid: 0, gid: 0, additionalGids: [0, 10], home: "/root" }],
    ["alice", { uid: 1000, gid: 1000, additionalGids: [1000, 10, 999], home: "/home/alice" }],
    ["1000", { uid: 1000, gid: 1000, additionalGids: [1000, 10, 999], home: "/home/alice" }],
    ["alice:docker", { uid: 1000, gid: 999, additionalGids: [999], home: "/home/alice" }],
    ["alice:33", { uid: 1000, gid: 33, additionalGids: [33], home: "/home/alice" }],
    ["4242", { uid: 4242, gid: 0, additionalGids: [0], home: "/" }],
    ["4242:4343", { uid: 4242, gid: 4343, additionalGids: [4343], home: "/" }],
    [":docker", { uid: 0, gid: 999, additionalGids: [999], home: "/root" }],
    ["alice:", { uid: 1000, gid: 1000, additionalGids: [1000, 10, 999], home: "/home/alice" }],
    ["homeless", { uid: 1001, gid: 1001, additionalGids: [1001], home: "/" }],
    // A number is always an id, even where a user has it for a name; a group's name comes first.
    ["1234", { uid: 1234, gid: 0, additionalGids: [0], home: "/" }],
    ["0:5000", { uid: 0, gid: 55, additionalGids: [55], home: "/root" }],
    ["2147483647:2147483647", { uid: 2147483647, gid: 2147483647, additionalGids: [2147483647], home: "/" }],
  ])("%p", (spec, expected) => {
    expect(resolveUser(spec, passwd, group)).toEqual(expected);
  });

  test.each([
    ["bob", "unable to find user bob: no matching entries in passwd file"],
    ["alice:staff", "unable to find group staff: no matching entries in group file"],
    ["2147483648", "uids and gids must be in range 0-2147483647"],
    ["-1", "uids and gids must be in range 0-2147483647"],
    ["0:2147483648", "uids and gids must be in range 0-2147483647"],
  ])("%p is refused", (spec, message) => {
    expect(() => resolveUser(spec, passwd, group)).toThrow(message);
  });

  test("--group-add by name and number, once each", () => {
    expect(resolveUser("alice", passwd, group, ["www-data", "10", "4711"]).additionalGids).toEqual([
      1000, 10, 999, 33, 4711,
    ]);
    expect(() => resolveUser("alice", passwd, group, ["nobody-knows"])).toThrow(
      "Unable to find group nobody-knows: no matching entries in group file",
    );
  });

  test("an image without the files: root and numbers work, names do not", () => {
    expect(resolveUser("", "", "")).toEqual({ uid: 0, gid: 0, additionalGids: [0], home: "/" });
    expect(resolveUser("65534:65534", "", "").uid).toBe(65534);
    expect(() => resolveUser("nobody", "", "")).toThrow("unable to find user nobody");
  });
});

describe("hostile files", () => {
  test("lines that make no sense are passed over", () => {
    const text = [
      "evil",
      "evil:x",
      "evil:x:::",
      "evil:x:abc:0::/:/bin/sh",
      "evil:x:-1:0::/:/bin/sh",
      "evil:x:0x0:0::/:/bin/sh",
      "evil:x:99999999999:0::/:/bin/sh",
      ":x:0:0::/:/bin/sh",
      "\0\0\0",
      `good:x:5:6::${"/long".repeat(10_000)}:`,
    ].join("\n");
    expect(parsePasswd(text).map(({ name, uid }) => [name, uid])).toEqual([["good", 5]]);
    expect(() => resolveUser("evil", text, "")).toThrow("unable to find user evil");
  });

  test("the first entry of a name or an id wins", () => {
    const text = "a:x:1:1::/first:\na:x:0:0::/second:\nb:x:1:9::/third:\n";
    expect(resolveUser("a", text, "")).toMatchObject({ uid: 1, home: "/first" });
    expect(resolveUser("1", text, "")).toMatchObject({ gid: 1, home: "/first" });
  });

  test("groups with empty and spaced members, carriage returns", () => {
    expect(parseGroup("g:x:5:a,,b,\r\nh:x:6\n  i:x:7:c\n")).toEqual([
      { name: "g", gid: 5, members: ["a", "b"] },
      { name: "h", gid: 6, members: [] },
      { name: "i", gid: 7, members: ["c"] },
    ]);
  });

  test("a hundred thousand lines are no matter", () => {
    const text = Array.from({ length: 100_000 }, (_, i) => `u${i}:x:${i + 10}:1::/:`).join("\n");
    expect(resolveUser("u99999", text, "").uid).toBe(100_009);
  });
});
