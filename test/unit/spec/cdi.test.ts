/**
 * What CDI edits make of a Spec.
 */
import { describe, expect, test } from "bun:test";
import { applyCdiEdits } from "../../../src/spec/cdi.ts";
import type { Spec, SpecDevice } from "../../../src/spec/oci.ts";

const plain: Spec = {
  ociVersion: "1.2.0",
  process: { user: { uid: 0, gid: 0, additionalGids: [1] }, cwd: "/", args: ["true"], env: ["A=1", "B=2"] },
  root: { path: "/r" },
  mounts: [{ destination: "/proc", type: "proc" }],
  linux: { devices: [{ type: "c", path: "/dev/x", major: 9, minor: 9 }], resources: { devices: [] } },
};

const findNode = (hostPath: string, path: string): SpecDevice => {
  if (hostPath !== "/dev/host") throw new Error(`no ${hostPath}`);
  return { type: "c", path, major: 5, minor: 6, fileMode: 0o620, uid: 3, gid: 4 };
};

const apply = (edits: Parameters<typeof applyCdiEdits>[1][number], spec = plain) =>
  applyCdiEdits(spec, [edits], findNode);

describe("CDI edits", () => {
  test("variables: a later word takes the earlier one's place", () => {
    expect(apply({ env: ["B=3", "C=4"] }).process?.env).toEqual(["A=1", "B=3", "C=4"]);
  });

  test("a node is as on the host where the file does not say", () => {
    const { linux } = apply({ deviceNodes: [{ path: "/dev/new", hostPath: "/dev/host" }] });
    expect(linux?.devices?.at(-1)).toEqual({
      ...{ type: "c", path: "/dev/new", major: 5, minor: 6, fileMode: 0o620, uid: 3, gid: 4 },
    });
    expect(linux?.resources?.devices).toEqual([
      { allow: true, type: "c", major: 5, minor: 6, access: "rwm" },
    ]);
  });

  test("what the file says wins, and a node of that path is replaced", () => {
    const node = {
      path: "/dev/x",
      type: "b",
      major: 7,
      minor: 8,
      fileMode: 0o600,
      permissions: "r",
      uid: 1,
      gid: 2,
    };
    const { linux } = apply({ deviceNodes: [node] });
    expect(linux?.devices).toEqual([
      { type: "b", path: "/dev/x", major: 7, minor: 8, fileMode: 0o600, uid: 1, gid: 2 },
    ]);
    expect(linux?.resources?.devices).toEqual([{ allow: true, type: "b", major: 7, minor: 8, access: "r" }]);
  });

  test("a node is the container's user's", () => {
    const { process } = plain;
    if (process === undefined) throw new Error("no process");
    const spec = { ...plain, process: { ...process, user: { uid: 10, gid: 11 } } };
    const { linux } = apply({ deviceNodes: [{ path: "/dev/new", hostPath: "/dev/host" }] }, spec);
    expect(linux?.devices?.at(-1)).toMatchObject({ uid: 10, gid: 11 });
  });

  test("in a user namespace the host's node is bound", () => {
    const spec = { ...plain, linux: { ...plain.linux, namespaces: [{ type: "user" }] } } as const;
    const { linux, mounts } = apply({ deviceNodes: [{ path: "/dev/new", hostPath: "/dev/host" }] }, spec);
    expect(mounts?.at(-1)).toMatchObject({ destination: "/dev/new", source: "/dev/host", type: "bind" });
    expect(linux?.devices).toHaveLength(1);
  });

  test("mounts, groups and hooks are added", () => {
    const mounts = [{ hostPath: "/lib/a", containerPath: "/lib/b", options: ["ro", "bind"] }];
    const hooks = [
      { hookName: "createContainer", path: "/bin/a", args: ["a"] },
      { hookName: "createContainer", path: "/bin/b" },
    ];
    const spec = apply({ mounts, hooks, additionalGids: [44, 0, 1] });
    expect(spec.mounts?.at(-1)).toEqual({
      destination: "/lib/b",
      source: "/lib/a",
      type: "bind",
      options: ["ro", "bind"],
    });
    expect(spec.process?.user.additionalGids).toEqual([1, 44]);
    expect(spec.hooks).toEqual({ createContainer: [{ path: "/bin/a", args: ["a"] }, { path: "/bin/b" }] });
  });

  test("hooks that would not run are refused, and so is a node that is not there", () => {
    expect(() => apply({ hooks: [{ hookName: "startContainer", path: "/bin/a" }] })).toThrow(
      'cannot run the CDI hook "/bin/a": startContainer hooks are not supported',
    );
    expect(() => apply({ deviceNodes: [{ path: "/dev/gone" }] })).toThrow("no /dev/gone");
  });
});
