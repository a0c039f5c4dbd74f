import { describe, expect, test } from "bun:test";
import { mountFlagsOf, parseMountOptions } from "../../../src/launch/mount-option.ts";

describe("mount options", () => {
  test.each([
    [["ro", "nosuid"], { set: ["MOUNT_ATTR_RDONLY", "MOUNT_ATTR_NOSUID"], clear: [] }],
    [["ro", "rw"], { set: [], clear: ["MOUNT_ATTR_RDONLY"] }],
    [["rw", "ro"], { set: ["MOUNT_ATTR_RDONLY"], clear: [] }],
    [["noatime"], { set: ["MOUNT_ATTR_NOATIME"], clear: ["MOUNT_ATTR__ATIME"] }],
    [["noatime", "strictatime"], { set: ["MOUNT_ATTR_STRICTATIME"], clear: ["MOUNT_ATTR__ATIME"] }],
    [["rro", "rnosuid"], { recursiveSet: ["MOUNT_ATTR_RDONLY", "MOUNT_ATTR_NOSUID"], set: [] }],
    [["bind"], { bind: true, recursive: false }],
    [["rbind"], { bind: true, recursive: true }],
    [["rprivate"], { propagation: { flag: "MS_PRIVATE", recursive: true } }],
    [["shared"], { propagation: { flag: "MS_SHARED", recursive: false } }],
    [["defaults", "async", ""], { data: [], set: [], clear: [] }],
    [["tmpcopyup"], { copyUp: true, data: [] }],
    [
      ["size=64m", "mode=1777"],
      {
        data: [
          { key: "size", value: "64m" },
          { key: "mode", value: "1777" },
        ],
      },
    ],
    [
      ["newinstance", "sync"],
      {
        data: [
          { key: "newinstance", value: null },
          { key: "sync", value: null },
        ],
      },
    ],
    [["context=a=b,c"], { data: [{ key: "context", value: "a=b,c" }] }],
  ])("%j", (words, expected) => {
    expect(parseMountOptions(words)).toMatchObject(expected as object);
  });

  test("the old call's flags are the same attributes", () => {
    expect(mountFlagsOf(["MOUNT_ATTR_RDONLY", "MOUNT_ATTR_NODEV", "MOUNT_ATTR__ATIME"])).toEqual([
      "MS_RDONLY",
      "MS_NODEV",
    ]);
  });
});
