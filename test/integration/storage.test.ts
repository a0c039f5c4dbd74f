/** The store as a whole: embedded image, root file systems, removal, garbage, sweeping; skopeo and umoci read it. */
import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { importImageArgument } from "../../src/engine/import-image.ts";
import { pathsUnder } from "../../src/host/paths.ts";
import type { DiffID } from "../../src/image/digest.ts";
import { setTag } from "../../src/state/image.ts";
import type { ImageRecord } from "../../src/state/record.ts";
import { openState } from "../../src/state/state.ts";
import { BlobStore } from "../../src/storage/blob-store.ts";
import { collectGarbage } from "../../src/storage/collect-garbage.ts";
import { storeEmbeddedImage } from "../../src/storage/embedded-image.ts";
import { layerPath } from "../../src/storage/layer-directory.ts";
import { findLocalImage, type ImageStore, layersOf } from "../../src/storage/local-image.ts";
import { setLayoutTag } from "../../src/storage/oci-layout.ts";
import { overlayDriver } from "../../src/storage/overlay-driver.ts";
import { removeImage } from "../../src/storage/remove-image.ts";
import { removeTree } from "../../src/storage/remove-tree.ts";
import { removeRootfs } from "../../src/storage/rootfs.ts";
import type { OverlayRootfs } from "../../src/storage/storage-driver.ts";
import { holdStore } from "../../src/storage/store-hold.ts";
import { sweepStorage } from "../../src/storage/sweep-storage.ts";
import { tryLockTransient } from "../../src/storage/transient-lock.ts";
import { makeTar, type RawMember } from "../lib/tar-maker.ts";

let directory: string;
let store: ImageStore;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "bocker-store-"));
  const paths = pathsUnder(join(directory, "root"), join(directory, "run"));
  store = { paths, state: openState(paths) };
});

afterEach(() => {
  store.state.close();
  rmSync(directory, { recursive: true, force: true });
});

/** An image of one layer with these members, tagged. */
async function makeImage(reference: string, ...members: readonly RawMember[]): Promise<ImageRecord> {
  const path = join(directory, "image.tar");
  writeFileSync(path, makeTar(...members));
  const image = await importImageArgument(store, path);
  rmSync(path);
  await tag(image, reference);
  return image;
}

async function tag(image: ImageRecord, reference: string): Promise<void> {
  setTag(store.state, { reference, imageId: image.id });
  const digest = image.manifestDigest as never;
  const size = new BlobStore(store.paths).size(digest) ?? 0;
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  await setLayoutTag(store.paths, reference, { mediaType, digest, size });
}

function prepareOverlay(...[paths, id, layers]: Parameters<typeof overlayDriver.prepare>): OverlayRootfs {
  const rootfs = overlayDriver.prepare(paths, id, layers);
  if (rootfs.kind !== "overlay") throw new Error("no overlay");
  return rootfs;
}

function useIn(image: ImageRecord, id: string, status: string): void {
  store.state.run(
    `INSERT INTO containers (id, name, created_at_ms, config, image_id, image_name, args, status, exit_code,
       oom_killed, error, restart_count, anonymous_volumes) VALUES (?, ?, 0, '{}', ?, 'x', '[]', ?, 0, 0, '', 0, '[]')`,
    id,
    id,
    image.id,
    status,
  );
}

const run = (...argv: string[]) => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(argv, { stderr: "pipe" });
  return { exitCode, text: stdout.toString() + stderr.toString() };
};

describe("the embedded image", () => {
  test("is stored, tagged and complete", async () => {
    const image = await storeEmbeddedImage(store);
    const [diffID] = layersOf(image);
    expect(findLocalImage(store.state, "busybox")?.id).toBe(image.id);
    expect(run(`${layerPath(store.paths, diffID as DiffID)}/bin/busybox`, "echo", "hi").text).toBe("hi\n");
    const layer = layerPath(store.paths, diffID as DiffID);
    expect(statSync(`${layer}/bin/sh`).ino).toBe(statSync(`${layer}/bin/busybox`).ino);
    expect(lstatSync(`${layer}/tmp`).mode & 0o7777).toBe(0o1777);
    expect(readFileSync(`${layer}/etc/passwd`, "utf8")).toStartWith("root:x:0:0:root:/root:/bin/sh\n");
    expect(readdirSync(store.paths.tmp).filter((name) => !/^(?:store|index)\.lock$/.test(name))).toEqual([]);
  });

  test("skopeo and umoci read the store as it lies", async () => {
    await storeEmbeddedImage(store);
    const source = `oci:${store.paths.imageLayout}:docker.io/library/busybox:latest`;
    const inspected = run("skopeo", "inspect", "--override-os", "linux", source);
    expect(inspected.exitCode).toBe(0);
    expect(JSON.parse(inspected.text)).toMatchObject({ Os: "linux", Layers: [expect.any(String)] });
    expect(run("umoci", "list", "--layout", store.paths.imageLayout).text).toContain("busybox:latest");
  });
});

describe("root file systems", () => {
  test("take mode and owner of / from the topmost layer that tells", async () => {
    const base = await makeImage(
      "x/base:1",
      { name: "./", type: "5", mode: 0o751, uid: 3, gid: 4 },
      { name: "a" },
    );
    const top = await makeImage("x/top:1", { name: "b" });
    const layers = [...layersOf(base), ...layersOf(top)];
    const rootfs = prepareOverlay(store.paths, "c1", layers);
    expect(rootfs.lowerdirs).toEqual(layers.toReversed().map((diffID) => layerPath(store.paths, diffID)));
    const { mode, uid, gid } = statSync(rootfs.upperdir);
    expect([mode & 0o7777, uid, gid]).toEqual([0o751, 3, 4]);
  });

  test("keep what was written when they are prepared again, until they are removed", async () => {
    const image = await makeImage("x/a:1", { name: "a" });
    const { upperdir } = prepareOverlay(store.paths, "c1", layersOf(image));
    writeFileSync(join(upperdir, "mine"), "x");
    prepareOverlay(store.paths, "c1", layersOf(image));
    expect(readdirSync(upperdir)).toEqual(["mine"]);
    removeRootfs(store.paths, "c1");
    removeRootfs(store.paths, "c1");
    expect(readdirSync(join(store.paths.containers, "c1"))).toEqual([]);
  });

  test("an image without layers has an empty one, a layer that occurs twice its higher place", async () => {
    expect(prepareOverlay(store.paths, "c0", []).lowerdirs).toEqual([
      join(store.paths.containers, "c0/empty"),
    ]);
    const [a] = layersOf(await makeImage("x/a:1", { name: "a" })) as [DiffID];
    const [b] = layersOf(await makeImage("x/b:1", { name: "b" })) as [DiffID];
    const found = prepareOverlay(store.paths, "c1", [a, b, a]).lowerdirs;
    expect(found).toEqual([a, b].map((diffID) => layerPath(store.paths, diffID)));
  });

  test("nothing shows from under an opaque root", async () => {
    const [low] = layersOf(await makeImage("x/a:1", { name: "a" })) as [DiffID];
    const [top] = layersOf(await makeImage("x/b:1", { name: ".wh..wh..opq" }, { name: "b" })) as [DiffID];
    expect(prepareOverlay(store.paths, "c1", [low, top]).lowerdirs).toEqual([layerPath(store.paths, top)]);
  });

  test("a missing layer is named", () => {
    const diffID = `sha256:${"0".repeat(64)}` as DiffID;
    expect(() => prepareOverlay(store.paths, "c1", [diffID])).toThrow(`layer ${diffID} is not in the store`);
  });

  test("whiteouts and opaque directories work in a real overlay", async () => {
    const low = await makeImage(
      "x/low:1",
      { name: "gone" },
      { name: "dir/old" },
      { name: "kept", data: "low" },
    );
    const top = await makeImage(
      "x/top:1",
      { name: ".wh.gone" },
      { name: "dir/.wh..wh..opq" },
      { name: "dir/new" },
    );
    const rootfs = prepareOverlay(store.paths, "c1", [...layersOf(low), ...layersOf(top)]);
    const merged = join(directory, "merged");
    mkdirSync(merged);
    const options = `lowerdir=${rootfs.lowerdirs.join(":")},upperdir=${rootfs.upperdir},workdir=${rootfs.workdir}`;
    const script = `mount -t overlay overlay -o "$0" "$1" && find "$1" -mindepth 1 -printf '%P\\n' | sort`;
    const { text } = run("unshare", "-m", "sh", "-c", script, options, merged);
    expect(text.trim().split("\n")).toEqual(["dir", "dir/new", "kept"]);
  });
});

describe("rmi", () => {
  test("the last name takes the image, its layers and blobs along", async () => {
    const image = await makeImage("docker.io/library/a:1", { name: "a", data: "unique" });
    expect(await removeImage(store, "a:1", { force: false })).toEqual([
      { untagged: "a:1" },
      { deleted: image.id },
      { deleted: String(image.layers[0]) },
    ]);
    expect(readdirSync(store.paths.layers)).toEqual([]);
    expect(readdirSync(store.paths.blobs)).toEqual([]);
    expect(readFileSync(join(store.paths.imageLayout, "index.json"), "utf8")).toContain('"manifests":[]');
  });

  test("one name of several is only untagged", async () => {
    const image = await makeImage("docker.io/library/a:1", { name: "a" });
    await tag(image, "docker.io/library/b:1");
    expect(await removeImage(store, "b:1", { force: false })).toEqual([{ untagged: "b:1" }]);
    expect(findLocalImage(store.state, "a:1")?.id).toBe(image.id);
  });

  test("a shared layer stays for the other image", async () => {
    const one = await makeImage("docker.io/library/a:1", { name: "shared" });
    const two = await makeImage("docker.io/library/b:1", { name: "own" });
    store.state.run(
      "UPDATE images SET layers = ? WHERE id = ?",
      JSON.stringify([...one.layers, ...two.layers]),
      two.id,
    );
    expect(await removeImage(store, "a:1", { force: false })).toEqual([
      { untagged: "a:1" },
      { deleted: one.id },
    ]);
    expect(existsSync(layerPath(store.paths, one.layers[0] as DiffID))).toBe(true);
  });

  test("by id: all names of one image need force", async () => {
    const image = await makeImage("docker.io/library/a:1", { name: "a" });
    await tag(image, "docker.io/library/b:1");
    const short = image.id.slice(7, 19);
    await expect(removeImage(store, short, { force: false })).rejects.toThrow(
      `conflict: unable to delete ${short} (must be forced) - image is referenced in multiple repositories`,
    );
    const lines = await removeImage(store, short, { force: true });
    expect(lines.slice(0, 3)).toEqual([{ untagged: "a:1" }, { untagged: "b:1" }, { deleted: image.id }]);
  });

  test("an image in use: docker's phrases", async () => {
    const image = await makeImage("docker.io/library/a:1", { name: "a" });
    const id = "c".repeat(64);
    useIn(image, id, "exited");
    const short = image.id.slice(7, 19);
    await expect(removeImage(store, "a:1", { force: false })).rejects.toThrow(
      `conflict: unable to remove repository reference "a:1" (must force) - container cccccccccccc is using its referenced image ${short}`,
    );
    await expect(removeImage(store, image.id, { force: false })).rejects.toThrow(
      `conflict: unable to delete ${short} (must be forced) - image is being used by stopped container cccccccccccc`,
    );
    store.state.run("UPDATE containers SET status = 'running'");
    await expect(removeImage(store, short, { force: true })).rejects.toThrow(
      `conflict: unable to delete ${short} (cannot be forced) - image is being used by running container cccccccccccc`,
    );
    expect(await removeImage(store, "a:1", { force: true })).toEqual([{ untagged: "a:1" }]);
    expect(existsSync(layerPath(store.paths, image.layers[0] as DiffID))).toBe(true);
  });

  test("an unknown image", async () => {
    await expect(removeImage(store, "nothing", { force: false })).rejects.toThrow(
      "No such image: nothing:latest",
    );
  });
});

describe("finding", () => {
  test("by name, full id, short id; several that begin so are an error", async () => {
    const image = await makeImage("docker.io/library/a:latest", { name: "a" });
    for (const text of [
      "a",
      "a:latest",
      "docker.io/library/a",
      image.id,
      image.id.slice(7),
      image.id.slice(7, 12),
    ]) {
      expect(findLocalImage(store.state, text)?.id).toBe(image.id);
    }
    expect(findLocalImage(store.state, "b")).toBeUndefined();
    expect(findLocalImage(store.state, "a:2")).toBeUndefined();
    expect(findLocalImage(store.state, "Not A Reference")).toBeUndefined();
    store.state.run(
      `INSERT INTO images SELECT id || 'x', manifest_digest, 0, 0, layers, os, architecture FROM images`,
    );
    const prefix = image.id.slice(7, 12);
    expect(() => findLocalImage(store.state, prefix)).toThrow("multiple IDs found with provided prefix");
  });
});

describe("garbage", () => {
  test("is what no image reaches, and waits for whoever adds to the store", async () => {
    const kept = await makeImage("x/kept:1", { name: "a" });
    const gone = await makeImage("x/gone:1", { name: "b", data: "12345" });
    store.state.run("DELETE FROM images WHERE id = ?", gone.id);
    const hold = await holdStore(store.paths);
    expect(collectGarbage(store)).toMatchObject({ collected: false });
    expect(existsSync(layerPath(store.paths, gone.layers[0] as DiffID))).toBe(true);
    hold[Symbol.dispose]();
    expect(collectGarbage(store)).toMatchObject({
      collected: true,
      removed: [
        { kind: "blobs" },
        { kind: "blobs" },
        { kind: "blobs" },
        { kind: "layers", name: gone.layers[0] },
      ],
    });
    expect(existsSync(layerPath(store.paths, gone.layers[0] as DiffID))).toBe(false);
    expect(readdirSync(store.paths.blobs)).toHaveLength(3);
    expect(existsSync(layerPath(store.paths, kept.layers[0] as DiffID))).toBe(true);
    expect(collectGarbage(store)).toEqual({ collected: true, removed: [], freedBytes: 0 });
  });
});

describe("sweeping", () => {
  test("takes what nobody holds, keeps what somebody does", async () => {
    await makeImage("x/a:1", { name: "a" });
    const { tmp, layers } = store.paths;
    for (const name of ["layer-dead.aa", "layer-live.aa", "trash-x.bb", "import-dead.parts"]) {
      mkdirSync(join(tmp, name, "deep/er"), { recursive: true });
    }
    writeFileSync(join(tmp, "import-dead2.blob"), "x");
    writeFileSync(join(tmp, "layer-dead.lock"), "");
    writeFileSync(join(tmp, "blob-sha256-old.part"), "x");
    utimesSync(join(tmp, "blob-sha256-old.part"), 1, 1);
    writeFileSync(join(tmp, "blob-sha256-new.part"), "x");
    writeFileSync(join(layers, "orphan.json"), "{}");
    using live = tryLockTransient(join(tmp, "layer-live.lock"), { removeFile: true });
    expect(live).toBeDefined();
    sweepStorage(store.paths);
    expect(readdirSync(tmp).sort()).toEqual(
      [
        "blob-sha256-new.part",
        "layer-live.aa",
        "layer-live.lock",
        "store.lock",
        ...(existsSync(join(tmp, "index.lock")) ? ["index.lock"] : []),
      ].sort(),
    );
    expect(existsSync(join(layers, "orphan.json"))).toBe(false);
    sweepStorage(store.paths, { partMaxAgeMs: 0 });
    expect(existsSync(join(tmp, "blob-sha256-new.part"))).toBe(false);
  });

  test("a killed unpacking leaves nothing after it", async () => {
    const path = join(directory, "big.tar");
    writeFileSync(path, makeTar({ name: "big", data: new Uint8Array(64 << 20) }));
    const script = `
      const { importImageArgument } = await import("${import.meta.dir}/../../src/engine/import-image.ts");
      const { pathsUnder } = await import("${import.meta.dir}/../../src/host/paths.ts");
      const { openState } = await import("${import.meta.dir}/../../src/state/state.ts");
      const paths = pathsUnder("${store.paths.root}", "${store.paths.run}");
      await importImageArgument({ paths, state: openState(paths) }, "${path}");`;
    for (const delayMs of [120, 200, 300]) {
      const child = Bun.spawn([process.execPath, "-e", script], { stdout: "ignore", stderr: "ignore" });
      await Bun.sleep(delayMs);
      child.kill("SIGKILL");
      await child.exited;
      // The child's own child dies with it, at once but not at the same instant.
      await Bun.sleep(100);
      sweepStorage(store.paths);
      const left = existsSync(store.paths.tmp) ? readdirSync(store.paths.tmp) : [];
      expect(left.filter((name) => name !== "store.lock" && name !== "index.lock")).toEqual([]);
    }
    const image = await importImageArgument(store, path);
    expect(image.sizeBytes).toBe(64 << 20);
  }, 60_000);
});

describe("removeTree", () => {
  test("never follows links, and takes immutable files along", () => {
    const outside = join(directory, "outside");
    const tree = join(directory, "tree");
    mkdirSync(outside);
    writeFileSync(join(outside, "kept"), "x");
    mkdirSync(join(tree, "a/b"), { recursive: true });
    symlinkSync(outside, join(tree, "link"));
    writeFileSync(join(tree, "a/b/immutable"), "x");
    const protectedFile = run("chattr", "+i", join(tree, "a/b/immutable")).exitCode === 0;
    expect(removeTree(store.paths, tree)).toBe(true);
    expect(existsSync(tree)).toBe(false);
    expect(readdirSync(outside)).toEqual(["kept"]);
    expect(readdirSync(store.paths.tmp)).toEqual([]);
    expect(protectedFile).toBe(true);
  });

  test("what is not there is gone, and a link itself is removed", () => {
    const outside = join(directory, "outside");
    mkdirSync(outside);
    symlinkSync(outside, join(directory, "link"));
    expect(removeTree(store.paths, join(directory, "nothing"))).toBe(true);
    expect(removeTree(store.paths, join(directory, "link"))).toBe(true);
    expect(existsSync(outside)).toBe(true);
  });
});
