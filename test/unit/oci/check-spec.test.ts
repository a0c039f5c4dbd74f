/**
 * config.json's types, ranges and paths, and what is made of them.
 */
import { describe, expect, test } from "bun:test";
import { checkProcess, checkResources, checkSpec } from "../../../src/oci/check-spec.ts";
import { exampleSpec, rootlessSpec } from "../../../src/oci/example-spec.ts";

// biome-ignore lint/suspicious/noExplicitAny: JSON that is wrong on purpose.
const fresh = (): any => JSON.parse(JSON.stringify(exampleSpec(true)));

describe("a configuration", () => {
  test("the examples pass as they are", () => {
    const example = exampleSpec(true);
    expect(checkSpec(fresh())).toEqual(example);
    const rootless = rootlessSpec(1000, 1000, true);
    expect(checkSpec(JSON.parse(JSON.stringify(rootless)))).toEqual(rootless);
  });

  test.each(["1.0.0", "1.0.2-dev", "1.2.0", "1.99.0", "1.1.0-rc.3+dev"])("version %s is known", (version) => {
    expect(checkSpec({ ...fresh(), ociVersion: version }).ociVersion).toBe(version);
  });

  test.each(["", "1", "1.0", "v1.0.0", "2.0.0", "0.5.0"])("version %p is not", (version) => {
    expect(() => checkSpec({ ...fresh(), ociVersion: version })).toThrow("ociVersion");
  });

  test("null is absent, unknown fields stay, an empty namespace path is none", () => {
    const spec = fresh();
    spec.hooks = null;
    spec.linux.seccomp = null;
    spec.process.rlimits = null;
    spec.unheard = { of: 1 };
    spec.linux.namespaces = [{ type: "pid", path: "" }];
    const checked = checkSpec(spec);
    expect(Object.keys(checked)).not.toContain("hooks");
    expect(Object.keys(checked.linux ?? {})).not.toContain("seccomp");
    expect(checked).toMatchObject({ unheard: { of: 1 } });
    expect(checked.linux?.namespaces).toEqual([{ type: "pid" }]);
  });

  test("a field called __proto__ or constructor is one that nobody knows", () => {
    const text = JSON.stringify(fresh()).replace(
      '"process":{',
      '"process":{"__proto__":{"args":1},"constructor":1,',
    );
    expect(checkSpec(JSON.parse(text)).process?.args).toEqual(exampleSpec(true).process?.args);
  });

  test("no user is root, and the largest limit is none", () => {
    const spec = fresh();
    delete spec.process.user;
    spec.process.rlimits = [{ type: "RLIMIT_CORE", soft: 0, hard: 2 ** 64 }];
    const { process } = checkSpec(spec);
    expect(process?.user).toEqual({ uid: 0, gid: 0 });
    expect(process?.rlimits).toEqual([{ type: "RLIMIT_CORE", soft: 0, hard: -1 }]);
    const other = fresh();
    other.process.user = { gid: 7 };
    expect(checkSpec(other).process?.user).toEqual({ uid: 0, gid: 7 });
  });

  const wrong: readonly (readonly [path: string, change: (spec: ReturnType<typeof fresh>) => void])[] = [
    ["process.terminal", (spec) => Object.assign(spec.process, { terminal: "yes" })],
    ["process.consoleSize.width", (spec) => Object.assign(spec.process, { consoleSize: { height: 1 } })],
    [
      "process.user.additionalGids[1]",
      (spec) => Object.assign(spec.process.user, { additionalGids: [1, 2 ** 32] }),
    ],
    [
      "process.capabilities.bounding[0]",
      (spec) => Object.assign(spec.process.capabilities, { bounding: [1] }),
    ],
    ["process.oomScoreAdj", (spec) => Object.assign(spec.process, { oomScoreAdj: 1001 })],
    ["process.ioPriority.class", (spec) => Object.assign(spec.process, { ioPriority: { class: "X" } })],
    ["root.readonly", (spec) => Object.assign(spec.root, { readonly: 1 })],
    ["hostname", (spec) => Object.assign(spec, { hostname: 7 })],
    ["mounts[1].options[0]", (spec) => Object.assign(spec.mounts[1], { options: [null] })],
    ['annotations["a"]', (spec) => Object.assign(spec, { annotations: { a: 1 } })],
    [
      "linux.uidMappings[0].size",
      (spec) => Object.assign(spec.linux, { uidMappings: [{ containerID: 0, hostID: 0 }] }),
    ],
    ["linux.devices[0].type", (spec) => Object.assign(spec.linux, { devices: [{ path: "/dev/x" }] })],
    [
      "linux.devices[0].fileMode",
      (spec) => Object.assign(spec.linux, { devices: [{ type: "c", path: "/dev/x", fileMode: 2 ** 32 }] }),
    ],
    ['linux.sysctl["a"]', (spec) => Object.assign(spec.linux, { sysctl: { a: true } })],
    ["linux.maskedPaths[0]", (spec) => Object.assign(spec.linux, { maskedPaths: ["proc"] })],
    [
      "linux.resources.devices[0].access",
      (spec) => Object.assign(spec.linux.resources, { devices: [{ allow: true, access: "rx" }] }),
    ],
    ["linux.resources.pids.limit", (spec) => Object.assign(spec.linux.resources, { pids: {} })],
    [
      "linux.resources.blockIO.weight",
      (spec) => Object.assign(spec.linux.resources, { blockIO: { weight: -1 } }),
    ],
    [
      'linux.resources.unified["memory.max"]',
      (spec) => Object.assign(spec.linux.resources, { unified: { "memory.max": 1 } }),
    ],
    [
      "linux.seccomp.syscalls[0].names",
      (spec) =>
        Object.assign(spec.linux, {
          seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: [], action: "SCMP_ACT_ALLOW" }] },
        }),
    ],
    ["linux.personality.domain", (spec) => Object.assign(spec.linux, { personality: { domain: "BSD" } })],
    ["linux.timeOffsets", (spec) => Object.assign(spec.linux, { timeOffsets: [] })],
  ];

  test.each(wrong)("%s is told by its path", (path, change) => {
    const spec = fresh();
    change(spec);
    expect(() => checkSpec(spec)).toThrow(`invalid config: ${path}: `);
  });
});

describe("parts by themselves", () => {
  test("a process.json", () => {
    expect(checkProcess({ cwd: "/", args: ["x"] })).toMatchObject({ user: { uid: 0, gid: 0 } });
    expect(() => checkProcess({ cwd: "/" })).toThrow("args: it is missing");
    expect(() => checkProcess({ args: ["x"] })).toThrow("cwd: it is missing");
    expect(() => checkProcess([])).toThrow("expected an object, found a list");
  });

  test("resources", () => {
    expect(checkResources({ memory: { limit: null, swap: -1 } })).toEqual({ memory: { swap: -1 } });
    expect(() => checkResources({ cpu: { quota: 1.5 } })).toThrow(
      "cpu.quota: expected an integer, found number 1.5",
    );
  });
});
