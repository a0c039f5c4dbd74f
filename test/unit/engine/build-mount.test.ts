/** Where a step's mounts go, and the directories that steps share: on plain directories, without a container. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RunMount } from "../../../src/build/dockerfile/run-mount.ts";
import {
  listCacheMounts,
  openCacheDirectory,
  removeCacheMount,
} from "../../../src/engine/build/cache-mount.ts";
import {
  makePlaces,
  missingPlaces,
  planPlaces,
  removePlaces,
} from "../../../src/engine/build/mount-place.ts";
import type { StepMount } from "../../../src/engine/build/step-request.ts";
import type { Engine } from "../../../src/engine/engine.ts";
import { pathsUnder } from "../../../src/host/paths.ts";
import type { Spec } from "../../../src/spec/oci.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "bocker-mount-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("places of mounts", () => {
  /** `x/`: a directory; `x -> y`: a link; else a file. */
  function treeOf(...names: readonly string[]): number {
    const root = join(folder, "root");
    mkdirSync(root);
    for (const name of names) {
      const [path = "", target] = name.split(" -> ");
      if (target !== undefined) symlinkSync(target, join(root, path));
      else if (path.endsWith("/")) mkdirSync(join(root, path), { recursive: true });
      else writeFileSync(join(root, path), "");
    }
    return openSync(root, constants.O_RDONLY | constants.O_DIRECTORY);
  }

  const specOf = (...mounts: NonNullable<Spec["mounts"]>): Spec => ({ ociVersion: "1.2.0", mounts });
  const bind = (destination: string, source: string) => ({ destination, source, type: "bind" });

  function placesOf(root: number, spec: Spec, files: readonly string[] = []): string[] {
    try {
      return planPlaces(root, spec, files).map(({ path, kind }) =>
        kind === "directory" ? `${path}/` : path,
      );
    } finally {
      closeSync(root);
    }
  }

  test("have those above them, but not what lies below another mount", () => {
    const spec = specOf(
      { destination: "/dev", type: "tmpfs" },
      { destination: "/dev/pts", type: "devpts" },
      bind("/a/b", "/etc"),
      bind("/etc/hosts", "/etc/hosts"),
    );
    expect(placesOf(treeOf(), spec)).toEqual(["/a/", "/a/b/", "/dev/", "/etc/", "/etc/hosts"]);
  });

  test("are where links of the tree lead, and never outside", () => {
    const spec = specOf(bind("/var/run/x", "/etc"), bind("/etc/resolv.conf", "/etc/hosts"));
    const root = treeOf(
      "var/",
      "run/",
      "etc/",
      "var/run -> /run",
      "etc/resolv.conf -> ../../../../run/r/resolv.conf",
    );
    expect(placesOf(root, spec)).toEqual(["/run/", "/run/r/", "/run/r/resolv.conf", "/run/x/"]);
  });

  test("are files for what is staged as one", () => {
    const spec = specOf(bind("/run/secrets/a", "/nowhere/0"));
    expect(placesOf(treeOf(), spec, ["/nowhere/0"])).toEqual(["/run/", "/run/secrets/", "/run/secrets/a"]);
  });

  test("that were missing are taken away again, but for what was put into them", () => {
    const root = treeOf("there/");
    const places = planPlaces(root, specOf(bind("/there/x", "/etc"), bind("/new/y", "/etc/hosts")), []);
    const missing = missingPlaces(root, places);
    expect(missing.map(({ path }) => path)).toEqual(["/new", "/new/y", "/there/x"]);
    closeSync(root);
    const upper = join(folder, "upper");
    mkdirSync(upper);
    makePlaces(upper, places);
    writeFileSync(join(upper, "new/own"), "");
    removePlaces(upper, missing);
    expect((readdirSync(upper, { recursive: true }) as string[]).sort()).toEqual(["new", "new/own", "there"]);
  });
});

describe("a cache directory", () => {
  const defaults: RunMount = {
    ...{ type: "cache", from: undefined, source: undefined, target: "/c", readOnly: false, size: undefined },
    ...{
      id: "x",
      sharing: "shared",
      required: false,
      env: undefined,
      mode: undefined,
      uid: undefined,
      gid: undefined,
    },
  };
  const engineOf = () => ({ paths: pathsUnder(join(folder, "state"), join(folder, "run")) }) as Engine;
  const { signal } = new AbortController();

  function open(change: Partial<RunMount> = {}, content?: string, until = signal) {
    const step: StepMount = { mount: { ...defaults, ...change }, target: "/c", content: undefined };
    const place = { id: "b/1", folder: mkdtempSync(join(folder, "place-")) };
    const openContent = content === undefined ? undefined : () => ({ path: content, [Symbol.dispose]() {} });
    return openCacheDirectory(engineOf(), place, step, openContent, until);
  }

  test("is the same for the same id, and another for another id, owner or mode", async () => {
    using first = await open();
    writeFileSync(join(first.path, "kept"), "1");
    using again = await open();
    expect(readFileSync(join(again.path, "kept"), "utf8")).toBe("1");
    for (const change of [{ id: "y" }, { mode: 0o700 }, { uid: 1 }]) {
      using other = await open(change);
      expect(readdirSync(other.path)).toEqual([]);
    }
  });

  test("has the mode that is asked for, and begins with what it is given", async () => {
    const content = join(folder, "content");
    mkdirSync(content);
    writeFileSync(join(content, "a"), "a");
    using made = await open({ mode: 0o750 }, content);
    expect(statSync(made.path).mode & 0o7777).toBe(0o750);
    expect(readdirSync(made.path)).toEqual(["a"]);
  });

  test("is one step's alone where it is private, and free again afterwards", async () => {
    const first = await open({ sharing: "private" });
    using second = await open({ sharing: "private" });
    expect(second.path).not.toBe(first.path);
    first[Symbol.dispose]();
    using third = await open({ sharing: "private" });
    expect(third.path).toBe(first.path);
  });

  test("is waited for where it is locked, until somebody has had enough", async () => {
    const first = await open({ sharing: "locked" });
    const stop = new AbortController();
    const refused = open({ sharing: "locked" }, undefined, stop.signal);
    stop.abort(new Error("enough"));
    expect(refused).rejects.toThrow("enough");
    const waiting = open({ sharing: "locked" });
    first[Symbol.dispose]();
    using second = await waiting;
    expect(second.path).toBe(first.path);
  });

  test("is not removed while a step has it", async () => {
    const engine = engineOf();
    mkdirSync(engine.paths.tmp, { recursive: true });
    const used = await open();
    const [mount] = listCacheMounts(engine);
    if (mount === undefined) throw new Error("it is not listed");
    expect(removeCacheMount(engine, mount)).toBe(false);
    used[Symbol.dispose]();
    expect(removeCacheMount(engine, mount)).toBe(true);
    expect(existsSync(used.path)).toBe(false);
    expect(readdirSync(engine.paths.buildMounts)).toEqual([]);
  });
});
