/** Storage drivers: vfs shows what overlay shows, btrfs on a loop device, the choice and its reason, 120 layers. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fsconfig, fsmount, fsopen } from "../../ffi/mount.ts";
import { importImageArgument } from "../../src/engine/import-image.ts";
import { pathsUnder } from "../../src/host/paths.ts";
import type { DiffID } from "../../src/image/digest.ts";
import { openState } from "../../src/state/state.ts";
import { type ImageStore, layersOf } from "../../src/storage/local-image.ts";
import { mountRootfs } from "../../src/storage/mount-rootfs.ts";
import { overlayDriver } from "../../src/storage/overlay-driver.ts";
import { addLayersTogether } from "../../src/storage/overlay-mount.ts";
import { prepareRootfs, removeRootfs } from "../../src/storage/rootfs.ts";
import { selectDriver } from "../../src/storage/select-driver.ts";
import { makeImage, type TestFile } from "../lib/oci-image.ts";
import { type RegistryFixture, startRegistry } from "../lib/registry-fixture.ts";
import { makeTar, type RawMember } from "../lib/tar-maker.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

const sh = (script: string, ...args: readonly string[]): string => {
  const { exitCode, stdout, stderr } = Bun.spawnSync(["sh", "-ec", script, "sh", ...args]);
  if (exitCode !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout.toString();
};
const hasBtrfs = Bun.which("mkfs.btrfs") !== null && existsSync("/dev/loop-control");

/** A store in a directory of its own. */
function openStore(directory: string): ImageStore & Disposable {
  const paths = pathsUnder(join(directory, "root"), join(directory, "run"));
  const state = openState(paths);
  return { paths, state, [Symbol.dispose]: () => state.close() };
}

async function importLayer(store: ImageStore, ...members: readonly RawMember[]): Promise<DiffID> {
  const path = join(store.paths.root, "layer.tar");
  writeFileSync(path, makeTar(...members));
  const [diffID] = layersOf(await importImageArgument(store, path));
  rmSync(path);
  if (diffID === undefined) throw new Error("no layer");
  return diffID;
}

/** Three layers with everything in them that one layer can do to another. */
async function importLayers(store: ImageStore): Promise<readonly DiffID[]> {
  return [
    await importLayer(
      store,
      { name: "./", type: "5", mode: 0o751, uid: 3, gid: 4 },
      { name: "gone", data: "x" },
      { name: "dir", type: "5", mode: 0o700 },
      { name: "dir/old", data: "old" },
      { name: "dir/kept", data: "kept", uid: 7, gid: 8, mode: 0o4755 },
      { name: "opaque/hidden", data: "hidden" },
      { name: "became-file/child", data: "child" },
      { name: "became-directory", data: "file" },
      { name: Buffer.from([0x66, 0xff, 0x66]), data: "no UTF-8" },
    ),
    await importLayer(
      store,
      { name: ".wh.gone" },
      { name: "dir/.wh.old" },
      { name: "opaque/.wh..wh..opq" },
      { name: "opaque/new", data: "new" },
      { name: "became-file", data: "file" },
      { name: "became-directory/child", data: "child" },
      { name: "first", data: "two names" },
      { name: "second", type: "1", linkName: "first" },
      { name: "link", type: "2", linkName: "/etc/passwd" },
      { name: "pipe", type: "6" },
    ),
    await importLayer(store, { name: "link", data: "a file now" }, { name: ".wh.pipe" }),
  ];
}

/** All that a container of these layers would see; times and links of merged directories are the kernel's business. */
function look(store: ImageStore, layers: readonly DiffID[], driver: "overlay" | "vfs"): string {
  const fd = mountRootfs(prepareRootfs(store.paths, driver, layers, driver));
  try {
    // By way of our descriptor.
    const path = `/proc/${process.pid}/fd/${fd}/.`;
    const tree = sh(
      "cd $1 && find . -type d -printf '%P|%m|%U|%G\\n' -o -printf '%P|%y|%m|%U|%G|%n|%l\\n' | LC_ALL=C sort",
      path,
    );
    const files = sh(
      "cd $1 && find . -type f -exec sh -c 'echo $1 $(stat -c %Y $1) $(cat $1)' 0 {} \\;",
      path,
    );
    return `${tree}${files.split("\n").sort().join("\n")}`;
  } finally {
    closeSync(fd);
  }
}

/** An overlay mounted below the directory, as a container's root is. */
function mountOverlay(directory: string): string {
  const [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map((name) => {
    mkdirSync(join(directory, name));
    return join(directory, name);
  });
  sh(
    'mount -t overlay overlay -o "$1" "$2"',
    `lowerdir=${lower},upperdir=${upper},workdir=${work}`,
    `${merged}`,
  );
  return `${merged}`;
}

describe("what a container sees", () => {
  let directory: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "bocker-driver-"));
  });
  afterAll(() => rmSync(directory, { recursive: true, force: true }));

  test("is the same with vfs as with overlay", async () => {
    using store = openStore(directory);
    const layers = await importLayers(store);
    expect(look(store, layers, "vfs")).toBe(look(store, layers, "overlay"));
  });

  test("is the same in a container: on an overlay, which can hold no marks of overlayfs", async () => {
    using store = openStore(directory);
    const expected = look(store, await importLayers(store), "overlay");
    const merged = mountOverlay(directory);
    try {
      using inner = openStore(merged);
      const layers = await importLayers(inner);
      expect(look(inner, layers, "vfs")).toBe(expected);
      expect(selectDriver(inner.paths, "auto").name).toBe("vfs");
    } finally {
      sh('umount -l "$1"', merged);
    }
  });

  test("stays what it was when the driver changes", async () => {
    using store = openStore(directory);
    const layer = await importLayer(store, { name: "a", data: "a" });
    expect(prepareRootfs(store.paths, "kept", [layer], "vfs").kind).toBe("directory");
    expect(prepareRootfs(store.paths, "kept", [layer], "overlay").kind).toBe("directory");
    removeRootfs(store.paths, "kept");
    expect(prepareRootfs(store.paths, "kept", [layer], "overlay").kind).toBe("overlay");
  });

  test("a copy that a crash cut short is made anew", async () => {
    using store = openStore(directory);
    const layer = await importLayer(store, { name: "a", data: "a" });
    const partial = join(store.paths.containers, "cut", "rootfs.partial");
    mkdirSync(partial, { recursive: true });
    writeFileSync(join(partial, "half"), "");
    prepareRootfs(store.paths, "cut", [layer], "vfs");
    expect(readdirSync(join(store.paths.containers, "cut"))).toEqual(["rootfs"]);
    expect(readdirSync(join(store.paths.containers, "cut", "rootfs"))).toEqual(["a"]);
  });

  test("120 layers in the form that kernels before 6.5 take", async () => {
    using store = openStore(directory);
    const lowerdirs = Array.from({ length: 120 }, (_, index) => join(store.paths.root, "many", `${index}`));
    for (const [index, path] of lowerdirs.entries()) {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, `file-${index}`), "");
    }
    const context = fsopen("overlay");
    const before = process.cwd();
    addLayersTogether(context, lowerdirs, () => fsconfig(context, { set: "create" }));
    expect(readlinkSync("/proc/self/cwd")).toBe(before);
    const fd = fsmount(context);
    expect(readdirSync(`/proc/self/fd/${fd}`).length).toBe(120);
    closeSync(fd);
    closeSync(context);
    const tooMany = Array.from({ length: 130 }, (_, index) => `/${index}`);
    expect(() => addLayersTogether(-1, tooMany, () => undefined)).toThrow("cannot stack 130 layers");
  });
});

describe("the choice", () => {
  test("is overlay on a file system that carries one, vfs on one that does not", () => {
    const directory = mkdtempSync(join(tmpdir(), "bocker-driver-"));
    const merged = mountOverlay(directory);
    try {
      expect(selectDriver(pathsUnder(join(directory, "root"), "/run"), "auto").name).toBe("overlay");
      const nested = selectDriver(pathsUnder(merged, "/run"), "auto");
      expect(nested.name).toBe("vfs");
      expect(nested.reason).toStartWith(`${merged} is on overlay, and an overlay is not possible: `);
      expect(readdirSync(join(merged, "tmp"))).toEqual([]);
    } finally {
      sh('umount -l "$1"', merged);
      rmSync(directory, { recursive: true, force: true });
    }
  });

  test("overlay that was asked for is not second-guessed", () => {
    const paths = pathsUnder("/nonexistent", "/run");
    expect(selectDriver(paths, "overlay")).toEqual({ name: "overlay", reason: "it was asked for" });
    expect(overlayDriver.name).toBe("overlay");
  });
});

describe("the command line", () => {
  let bocker: Workspace;
  let registry: RegistryFixture;
  beforeAll(async () => {
    bocker = openWorkspace({ engineConfig: "" });
    registry = await startRegistry();
  });
  afterAll(async () => {
    await registry[Symbol.asyncDispose]();
    await bocker[Symbol.asyncDispose]();
  });
  const none = ["--network", "none"] as const;

  test("-s vfs runs, keeps changes over a restart, and leaves nothing", async () => {
    const script = "test -e /mine && echo again || { echo first; echo x > /mine; }";
    expect(
      await bocker.ok("run", ...none, "-s", "vfs", "--name", "vfs1", "busybox", "sh", "-c", script),
    ).toBe("first");
    expect(await bocker.ok("start", "-a", "vfs1")).toBe("again");
    const { Driver, GraphDriver } = await bocker.inspect("vfs1");
    expect([Driver, GraphDriver.Name]).toEqual(["vfs", "vfs"]);
    expect(existsSync(join(GraphDriver.Data.Dir, "mine"))).toBe(true);
    await bocker.ok("rm", "vfs1");
    expect(readdirSync(join(bocker.root, "container"))).toEqual([]);
  });

  test("a mount that the host makes or has is not seen to change by a vfs container", async () => {
    const script = "mount -t tmpfs none /tmp && touch /tmp/inside";
    await bocker.ok(
      "run",
      ...none,
      "-s",
      "vfs",
      "--privileged",
      "--name",
      "priv",
      "busybox",
      "sh",
      "-c",
      script,
    );
    const { GraphDriver } = await bocker.inspect("priv");
    expect(readdirSync(join(GraphDriver.Data.Dir, "tmp"))).toEqual([]);
    await bocker.ok("rm", "priv");
  });

  test("flag, variable and option choose; aufs and unknown ones are refused", async () => {
    const driverOf = async (env: Record<string, string>, ...words: string[]) => {
      const { stdout, stderr } = await bocker.runWith({ env }, ...words, "busybox", "true");
      const id = stdout.trim();
      if (id === "") return stderr.split("\n")[0];
      const { Driver } = await bocker.inspect(id);
      await bocker.ok("rm", "-f", id);
      return Driver;
    };
    expect(await driverOf({}, "create")).toBe("overlay");
    expect(await driverOf({}, "--storage-driver", "vfs", "create")).toBe("vfs");
    expect(await driverOf({ BOCKER_STORAGE_DRIVER: "vfs" }, "create")).toBe("vfs");
    expect(await driverOf({ BOCKER_STORAGE_DRIVER: "vfs" }, "--storage-driver=overlay2", "create")).toBe(
      "overlay",
    );
    expect(await driverOf({ BOCKER_STORAGE_DRIVER: "vfs" }, "create", "-s", "overlay")).toBe("overlay");
    expect(await driverOf({}, "create", "-s", "aufs")).toBe(
      'bocker: the storage driver "aufs" is gone: no kernel has aufs any more',
    );
    expect(await driverOf({}, "--storage-driver", "zfs", "create")).toBe(
      'bocker: unknown storage driver "zfs"',
    );
    expect(await driverOf({}, "create", "-s", "btrfs")).toBe(
      `bocker: cannot use the storage driver "btrfs": "${bocker.root}" is not on btrfs`,
    );
    expect(await bocker.ok("ps", "-aq")).toBe("");
  });

  test("a dry run says how the root is made", async () => {
    const plan = await bocker.ok("run", "--dry-run", "-s", "vfs", "busybox", "true");
    expect(plan).toContain('/rootfs", OPEN_TREE_CLONE|OPEN_TREE_CLOEXEC) = rootfs');
    expect(plan).not.toContain("upperdir");
  });

  test("an image of 120 layers runs, with overlay and with vfs", async () => {
    const busybox = new Uint8Array(await Bun.file("/bin/busybox").arrayBuffer());
    const layers: TestFile[][] = Array.from({ length: 119 }, (_, index) => [
      { name: `file-${index}`, content: "" },
      { name: "top", content: String(index) },
    ]);
    const image = makeImage([
      [{ name: "bin" }, { name: "bin/sh", content: busybox, mode: 0o755 }],
      ...layers,
    ]);
    await registry.push("many:1", image);
    const reference = `${registry.host}/many:1`;
    for (const driver of ["overlay", "vfs"]) {
      const script =
        "cat() { read -r x < $1; echo $x; }; set -- /file-*; echo $# $(read -r x < /top; echo $x)";
      const words = ["run", "--rm", ...none, "-q", "-s", driver, reference, "/bin/sh", "-c", script];
      // A hundred and twenty processes that unpack, one after the other, or a copy of what they made.
      const { stdout, stderr } = await bocker.runWith({ timeoutMs: 120_000 }, ...words);
      expect({ driver, stdout, stderr }).toMatchObject({ driver, stdout: "119 118\n" });
    }
  }, 260_000);
});

describe.skipIf(!hasBtrfs)("btrfs on a loop device", () => {
  let directory: string;
  let mountPoint: string;
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), "bocker-btrfs-"));
    mountPoint = join(directory, "mnt");
    mkdirSync(mountPoint);
    sh('truncate -s 300M "$1/img" && mkfs.btrfs -q "$1/img" && mount -o loop "$1/img" "$1/mnt"', directory);
  });
  afterAll(() => {
    sh('umount "$1"', mountPoint);
    rmSync(directory, { recursive: true, force: true });
  });
  const subvolumes = (): readonly string[] =>
    sh('btrfs subvolume list "$1"', mountPoint)
      .split("\n")
      .flatMap((line) => / path (.+)$/.exec(line)?.[1] ?? []);

  test("containers are snapshots of one subvolume an image", async () => {
    await using bocker = openWorkspace();
    const env = { BOCKER_ROOT: join(mountPoint, "root") };
    const run = (...words: string[]) => bocker.runWith({ env }, ...words);
    const create = ["create", "--network", "none", "-s", "btrfs"];
    const first = await run(
      ...create,
      "--name",
      "one",
      "busybox",
      "sh",
      "-c",
      "echo mine > /mine; cat /mine",
    );
    expect(first).toMatchObject({ exitCode: 0 });
    expect((await run("start", "-a", "one")).stdout).toBe("mine\n");
    await run(...create, "--name", "two", "busybox", "ls", "/mine");
    expect((await run("start", "-a", "two")).exitCode).toBe(1);
    expect(subvolumes().map((path) => path.replaceAll(/[0-9a-f]{64}/g, "HEX"))).toEqual([
      "root/chain/HEX",
      "root/container/HEX/rootfs",
      "root/container/HEX/rootfs",
    ]);
    const { Driver, GraphDriver } = JSON.parse((await run("inspect", "one")).stdout)[0];
    expect(Driver).toBe("btrfs");
    // A subvolume made inside a container does not keep the container from being removed.
    sh('btrfs subvolume create "$1/tmp/nested"', GraphDriver.Data.Dir);
    expect(await run("rm", "one", "two")).toMatchObject({ exitCode: 0, stderr: "" });
    expect(subvolumes().map((path) => path.replaceAll(/[0-9a-f]{64}/g, "HEX"))).toEqual(["root/chain/HEX"]);
    expect(readdirSync(join(mountPoint, "root/container"))).toEqual([]);
    sh('btrfs subvolume create "$1"', join(mountPoint, "root/tmp/chain-cut.partial"));
    const checked = await run("system", "check", "--repair");
    expect(checked.stdout).toStartWith(
      "tmp/chain-cut.partial: left by a process that was killed (repaired)\n",
    );
    expect((await run("system", "check", "--deep")).stdout).toBe("No problems found\n");
    expect((await run("rmi", "busybox")).exitCode).toBe(0);
    expect(subvolumes()).toEqual([]);
  });

  test("overlay is still what btrfs gets unasked, and the probe says so", () => {
    expect(selectDriver(pathsUnder(join(mountPoint, "root"), "/run"), "auto")).toEqual({
      name: "overlay",
      reason: `${join(mountPoint, "root")} is on btrfs, which carries an overlay`,
    });
  });
});
