/** Which trees a host has, read from the kernel's texts of four kinds of host. */
import { describe, expect, test } from "bun:test";
import {
  type CgroupMount,
  controllerDirectory,
  hierarchyOf,
  parseCgroupMounts,
  parseProcessCgroups,
  resolveCgroup,
  unifiedDirectory,
} from "../../../src/cgroup/hierarchy.ts";

const v2 = `24 1 254:0 / / rw,relatime - ext4 /dev/vda rw
30 24 0:26 / /sys/fs/cgroup rw,nosuid,nodev,noexec,relatime shared:9 - cgroup2 cgroup2 rw,nsdelegate,memory_recursiveprot
`;
const v1 = `31 23 0:28 / /sys/fs/cgroup ro - tmpfs tmpfs ro,mode=755
32 31 0:29 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,release_agent=/lib/systemd/agent,name=systemd
33 31 0:30 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory,clone_children
`;
const hybrid = `${v1}38 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw
`;

describe("parseCgroupMounts", () => {
  test("v1: controllers that share a tree, a named tree, options that are no controllers", () => {
    expect(parseCgroupMounts(v1)).toEqual([
      { version: 1, directory: "/sys/fs/cgroup/systemd", controllers: ["name=systemd"] },
      { version: 1, directory: "/sys/fs/cgroup/cpu,cpuacct", controllers: ["cpu", "cpuacct"] },
      { version: 1, directory: "/sys/fs/cgroup/memory", controllers: ["memory"] },
    ]);
  });

  test("a tree that is mounted twice counts once", () => {
    const again = "90 1 0:31 /docker/x /mnt/memory rw - cgroup cgroup rw,memory,clone_children\n";
    expect(parseCgroupMounts(v1 + again)).toHaveLength(3);
  });

  test("spaces in mount points are unescaped, broken lines are passed over", () => {
    const text =
      "30 24 0:26 / /my\\040cgroups\\134x rw - cgroup2 none rw\n\n- cgroup2\n30 - cgroup2 x rw\ngarbage\n";
    expect(parseCgroupMounts(text).map(({ directory }) => directory)).toEqual(["/my cgroups\\x"]);
  });
});

describe("hierarchyOf", () => {
  test.each([
    ["v2", v2],
    ["v1", v1],
    ["hybrid", hybrid],
    ["none", "24 1 254:0 / / rw - ext4 /dev/vda rw\n"],
  ] as const)("%s", (mode, text) => {
    expect(hierarchyOf(parseCgroupMounts(text), ["cpu", "memory"]).mode).toBe(mode);
  });

  test("v2's controllers come from its root", () => {
    const hierarchy = hierarchyOf(parseCgroupMounts(v2), ["cpu", "memory"]);
    expect(hierarchy.mounts).toEqual([
      { version: 2, directory: "/sys/fs/cgroup", controllers: ["cpu", "memory"] },
    ]);
  });
});

describe("resolveCgroup", () => {
  const hierarchy = hierarchyOf(parseCgroupMounts(hybrid), []);
  const directories = (mounts: readonly CgroupMount[]): readonly string[] =>
    mounts.map(({ directory }) => directory);

  test("the same path in every tree", () => {
    const cgroup = resolveCgroup(hierarchy, "bocker//abc/");
    expect(cgroup.path).toBe("/bocker/abc");
    expect(directories(cgroup.directories)).toEqual([
      "/sys/fs/cgroup/systemd/bocker/abc",
      "/sys/fs/cgroup/cpu,cpuacct/bocker/abc",
      "/sys/fs/cgroup/memory/bocker/abc",
      "/sys/fs/cgroup/unified/bocker/abc",
    ]);
    expect(controllerDirectory(cgroup, "cpuacct")?.directory).toBe("/sys/fs/cgroup/cpu,cpuacct/bocker/abc");
    expect(controllerDirectory(cgroup, "pids")).toBeUndefined();
    expect(unifiedDirectory(cgroup)).toBe("/sys/fs/cgroup/unified/bocker/abc");
  });

  test.each([
    ["/bocker/../../etc", 'invalid cgroup path "/bocker/../../etc"'],
    ["/", 'invalid cgroup path "/"'],
    ["", 'invalid cgroup path ""'],
    ["a\nb", "invalid cgroup path"],
    ["system.slice:bocker:abc", "systemd's slice:prefix:name is not supported"],
  ])("%j is refused", (path, message) => {
    expect(() => resolveCgroup(hierarchy, path)).toThrow(message);
  });

  test("without any tree", () => {
    expect(() => resolveCgroup({ mode: "none", mounts: [] }, "/bocker/x")).toThrow("none is mounted");
  });
});

test("where a process is", () => {
  const paths = parseProcessCgroups("9:name=systemd:/\n2:cpu,cpuacct:/bocker/x\n0::/bocker/a:b\nrubbish\n");
  expect([...paths]).toEqual([
    ["name=systemd", "/"],
    ["cpu", "/bocker/x"],
    ["cpuacct", "/bocker/x"],
    ["", "/bocker/a:b"],
  ]);
});
