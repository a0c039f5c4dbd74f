/**
 * CDI files of a host: read, checked, searched; and the GPUs among their devices.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContainerConfig } from "../../../src/config/container-config.ts";
import { isCdiName } from "../../../src/config/device-spec.ts";
import { parseGpus } from "../../../src/config/gpu-spec.ts";
import { withCdiDevices } from "../../../src/engine/cdi-registry.ts";
import { parseCdiFile } from "../../../src/engine/parse-cdi-file.ts";
import type { Spec } from "../../../src/spec/oci.ts";

const base = mkdtempSync(join(tmpdir(), "bocker-cdi-"));
afterAll(() => rmSync(base, { recursive: true }));

/** Two folders with these files, `low/a.json` and so on. */
function folders(name: string, files: Readonly<Record<string, string>>): readonly string[] {
  const places = [join(base, name, "low"), join(base, name, "high")];
  for (const place of places) mkdirSync(place, { recursive: true });
  for (const [path, text] of Object.entries(files)) writeFileSync(join(base, name, path), text);
  return places;
}

const deviceFile = (kind: string, env: Readonly<Record<string, string>>, all = "FILE=1") =>
  JSON.stringify({
    cdiVersion: "0.6.0",
    kind,
    containerEdits: { env: [all] },
    devices: Object.entries(env).map(([name, word]) => ({ name, containerEdits: { env: [word] } })),
  });

const spec: Spec = {
  ociVersion: "1.2.0",
  root: { path: "/r" },
  process: { user: { uid: 0, gid: 0 }, cwd: "/" },
};

function envFor(places: readonly string[], asked: Partial<ContainerConfig>): readonly string[] {
  return withCdiDevices(spec, asked as ContainerConfig, places).process?.env ?? [];
}

describe("devices", () => {
  test("a file's own edits come once, before those of its devices", () => {
    const places = folders("once", { "low/a.json": deviceFile("v.com/d", { one: "ONE=1", two: "TWO=1" }) });
    const cdiDevices = ["v.com/d=two", "v.com/d=one", "v.com/d=two"];
    expect(envFor(places, { cdiDevices })).toEqual(["FILE=1", "TWO=1", "ONE=1"]);
  });

  test("YAML is read too, other files are not", () => {
    const yaml =
      "cdiVersion: '0.5.0'\nkind: v.com/d\ndevices:\n- name: '0'\n  containerEdits: {env: [Y=1]}\n";
    const places = folders("yaml", { "low/a.yaml": yaml, "low/b.txt": "nonsense" });
    expect(envFor(places, { cdiDevices: ["v.com/d=0"] })).toEqual(["Y=1"]);
  });

  test("a later folder wins; twice in one is a conflict for who asks", () => {
    const places = folders("priority", {
      "low/a.json": deviceFile("v.com/d", { x: "X=low", y: "Y=1" }),
      "low/b.json": deviceFile("v.com/d", { y: "Y=2" }),
      "high/a.json": deviceFile("v.com/d", { x: "X=high" }),
    });
    expect(envFor(places, { cdiDevices: ["v.com/d=x"] })).toContain("X=high");
    expect(() => envFor(places, { cdiDevices: ["v.com/d=y"] })).toThrow('conflicting CDI device "v.com/d=y"');
  });

  test("names that nothing has are docker's error, all of them", () => {
    const places = folders("missing", { "low/a.json": deviceFile("v.com/d", {}) });
    expect(() => envFor(places, { cdiDevices: ["v.com/d=x", "v.com/e=y"] })).toThrow(
      "CDI device injection failed: unresolvable CDI devices v.com/d=x, v.com/e=y",
    );
    expect(() => envFor([join(base, "nowhere")], { cdiDevices: ["v.com/d=x"] })).toThrow("unresolvable");
  });

  test("a broken file is named", () => {
    const places = folders("broken", { "low/a.json": "{" });
    expect(() => envFor(places, { cdiDevices: ["v.com/d=x"] })).toThrow(
      `cannot read CDI file "${join(base, "broken/low/a.json")}"`,
    );
  });

  test("a device in place of a file has no end and is refused", () => {
    const places = folders("endless", {});
    symlinkSync("/dev/zero", join(base, "endless/low/a.json"));
    expect(() => envFor(places, { cdiDevices: ["v.com/d=x"] })).toThrow("EFBIG: file too large");
  });
});

describe("--gpus", () => {
  const gpus = { all: "G=all", "0": "G0=1", "1": "G1=1", "2": "G2=1" };
  const places = folders("gpus", {
    "low/amd.json": deviceFile("amd.com/gpu", { all: "AMD=1" }),
    "low/nvidia.json": deviceFile("nvidia.com/gpu", gpus),
  });

  test.each([
    ["all", ["FILE=1", "G=all"]],
    ["2", ["FILE=1", "G0=1", "G1=1"]],
    ["device=2", ["FILE=1", "G2=1"]],
    ['"device=0,2",capabilities=gpu', ["FILE=1", "G0=1", "G2=1"]],
    ["driver=amd,count=all", ["FILE=1", "AMD=1"]],
    ["0", []],
  ])("%s", (text, env) => {
    expect(envFor(places, { gpus: [parseGpus(text)] })).toEqual(env);
  });

  test("a host without any", () => {
    expect(() => envFor(folders("none", {}), { gpus: [parseGpus("all")] })).toThrow(
      'could not select device driver "" with capabilities: [[gpu]]',
    );
  });

  test.each([
    ["some", 'invalid count (some): value must be either "all" or an integer'],
    ["count=1,device=0", "cannot set both Count and DeviceIDs on device request"],
    ["count=1,count=2", "gpu request key 'count' can be specified only once"],
    ["model=x", "unexpected key 'model' in 'model=x'"],
    ["capabilities=fly", 'cannot honour the capability "fly"'],
  ])("%s is refused", (text, words) => {
    expect(() => parseGpus(text)).toThrow(words);
  });
});

test.each([
  ["vendor.com/class=name", true],
  ["nvidia.com/gpu=GPU-4cf8db2d-06c0-7d70:1", true],
  ["/dev/fuse", false],
  ["/dev/a=b", false],
  ["class=name", false],
  ["vendor/class", false],
])("%s is a CDI name: %p", (text, isName) => {
  expect(isCdiName(text)).toBe(isName);
});

describe("a file's shape", () => {
  const good = { cdiVersion: "0.6.0", kind: "v.com/d", devices: [{ name: "x" }] };
  const withEdits = (edits: object) => ({ ...good, devices: [{ name: "x", containerEdits: edits }] });

  test.each([
    [{ ...good, kind: "d" }, "kind"],
    [{ ...good, cdiVersion: undefined }, "cdiVersion"],
    [{ ...good, devices: {} }, "devices"],
    [{ ...good, devices: [{}] }, "devices[0].name"],
    [withEdits({ env: ["A"] }), "devices[0].containerEdits.env"],
    [withEdits({ deviceNodes: [{ path: "dev/x" }] }), "devices[0].containerEdits.deviceNodes[0].path"],
    [withEdits({ deviceNodes: [{ path: "/d", permissions: "x" }] }), "deviceNodes[0].permissions"],
    [withEdits({ mounts: [{ hostPath: "/a" }] }), "mounts[0].containerPath"],
    [withEdits({ hooks: [{ path: "/a" }] }), "hooks[0].hookName"],
    [withEdits({ additionalGids: ["x"] }), "additionalGids"],
    [withEdits({ additionalGids: [2 ** 32] }), "additionalGids"],
    [withEdits({ deviceNodes: [{ path: "/d", permissions: ["r"] }] }), "deviceNodes[0].permissions"],
    [withEdits({ deviceNodes: [{ path: "/d", type: ["c"] }] }), "deviceNodes[0].type"],
    [withEdits({ deviceNodes: [{ path: "/d", uid: 1e12 }] }), "deviceNodes[0].uid"],
    [withEdits({ deviceNodes: [{ path: "/d", fileMode: 1e300 }] }), "deviceNodes[0].fileMode"],
    [withEdits({ hooks: [{ hookName: "prestart", path: "/h", timeout: 1e300 }] }), "hooks[0].timeout"],
    [withEdits({ intelRdt: {} }), "intelRdt is not supported"],
    [[], "the file"],
  ])("%p", (value, place) => {
    expect(() => parseCdiFile(value)).toThrow(place);
  });

  test("null is nothing", () => {
    expect(parseCdiFile(withEdits({ env: null, mounts: null }))).toMatchObject({ kind: "v.com/d" });
  });
});
