/** system df, check and prune, the prune commands, info: what they say is what the disk and the host have. */
import { describe, expect, test } from "bun:test";
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { resolveEngineSettings } from "../../src/config/engine-settings.ts";
import { loadDiskUsage } from "../../src/engine/disk-usage.ts";
import { openEngine } from "../../src/engine/engine.ts";
import { pathsUnder } from "../../src/host/paths.ts";
import { holdStore } from "../../src/storage/store-hold.ts";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

const none = ["--network", "none"] as const;
const fakeId = "a".repeat(64);

function du(...paths: readonly string[]): number {
  const { stdout } = Bun.spawnSync(["du", "-scB1", ...paths.filter((path) => existsSync(path))]);
  return Number(/^(\d+)\ttotal$/m.exec(stdout.toString())?.[1]);
}

function openHere(bocker: Workspace) {
  return openEngine(resolveEngineSettings({}, { root: bocker.root, runRoot: bocker.runRoot }, {}));
}

/** A part of a download that nobody goes on with. */
function leavePart(bocker: Workspace, bytes: number): string {
  const path = join(bocker.root, "tmp", `blob-sha256-${"c".repeat(64)}.part`);
  writeFileSync(path, Buffer.alloc(bytes, 1));
  return path;
}

describe("system df", () => {
  test("adds up to what du says: logs, volumes and unfinished downloads too", async () => {
    await using bocker = openWorkspace();
    await bocker.ok(
      "run",
      ...none,
      "-v",
      "data:/data",
      "busybox",
      "sh",
      "-c",
      "head -c 300000 /dev/zero | tee /data/x | od -v",
    );
    await bocker.ok("run", "-d", ...none, "busybox", "sleep", "1000");
    leavePart(bocker, 1_000_000);
    const report = await loadDiskUsage(openHere(bocker));
    const at = (name: string) => join(bocker.root, name);
    expect(report.images.bytes).toBe(du(at("image"), at("layer"), at("tmp")));
    expect(report.containers.bytes).toBe(du(at("container")));
    expect(report.volumes.bytes).toBe(du(at("volume")));
    // The log of the first container: five bytes of text and a line of JSON for three of data.
    expect(report.containers.bytes).toBeGreaterThan(300_000);
    expect(report.images.reclaimableBytes).toBeGreaterThanOrEqual(1_000_000);
    expect(report.images.reclaimableBytes).toBeLessThan(1_100_000);
    expect([report.images.active, report.containers.active, report.volumes.active]).toEqual([1, 1, 1]);
  });

  test("has docker's columns, rows, details and formats", async () => {
    await using bocker = openWorkspace();
    const empty = await bocker.ok("system", "df");
    expect(empty.split("\n").map((line) => line.split(/ {2,}/))).toEqual([
      ["TYPE", "TOTAL", "ACTIVE", "SIZE", "RECLAIMABLE"],
      ["Images", "0", "0", expect.stringMatching(/^[\d.]+k?B$/), expect.stringMatching(/^0B/)],
      ["Containers", "0", "0", "0B", "0B"],
      ["Local Volumes", "0", "0", "0B", "0B"],
      ["Build Cache", "0", "0", "0B", "0B"],
    ]);
    await bocker.ok("run", ...none, "--name", "one", "-v", "data:/data", "busybox", "true");
    const rows = (await bocker.ok("system", "df", "--format", "json"))
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.map(({ Type, TotalCount, Active }) => [Type, TotalCount, Active])).toEqual([
      ["Images", "1", "1"],
      ["Containers", "1", "0"],
      ["Local Volumes", "1", "1"],
      ["Build Cache", "0", "0"],
    ]);
    expect(Object.keys(rows[0])).toEqual(["Active", "Reclaimable", "Size", "TotalCount", "Type"]);
    const template = "{{.Type}}\t{{.TotalCount}}";
    expect(await bocker.ok("system", "df", "--format", `table ${template}`)).toMatch(
      /^TYPE {2,}TOTAL\nImages {2,}1\n/,
    );
    const verbose = await bocker.ok("system", "df", "-v");
    expect(verbose).toMatch(
      /^Images space usage:\n\nREPOSITORY {3}TAG {7}IMAGE ID {7}CREATED .* SIZE .*SHARED SIZE {3}UNIQUE SIZE {3}CONTAINERS\nbusybox .* 0B .* 1\n/,
    );
    expect(verbose).toMatch(
      /\nContainers space usage:\n\nCONTAINER ID .*LOCAL VOLUMES .*\n.* "true" +1 .* one\n/,
    );
    expect(verbose).toMatch(
      /\nLocal Volumes space usage:\n\nVOLUME NAME {3}LINKS {5}SIZE\ndata {10}1 {9}[\d.]+kB\n/,
    );
    expect(verbose).toContain("\nBuild cache usage: 0B\n\nCACHE ID");
  });
});

describe("prune", () => {
  test("asks first, in docker's words, and no answer is no", async () => {
    await using bocker = openWorkspace();
    await bocker.ok("run", ...none, "busybox", "true");
    const asked = await bocker.runWith(
      { stdin: "n\n" },
      "system",
      "prune",
      "-a",
      "--volumes",
      "--filter",
      "label=x=1",
    );
    expect(asked).toMatchObject({ exitCode: 0, stderr: "" });
    expect(asked.stdout).toBe(`WARNING! This will remove:
  - all stopped containers
  - all networks not used by at least one container
  - all anonymous volumes not used by at least one container
  - all images without at least one container associated to them
  - all build cache

  Items to be pruned will be filtered with:
  - label=x=1

Are you sure you want to continue? [y/N] `);
    expect((await bocker.run("container", "prune")).stdout).toBe(
      "WARNING! This will remove all stopped containers.\nAre you sure you want to continue? [y/N] ",
    );
    expect((await bocker.run("image", "prune")).stdout).toStartWith(
      "WARNING! This will remove all dangling images.\n",
    );
    expect((await bocker.ok("ps", "-aq")).split("\n")).toHaveLength(1);
    const answered = await bocker.runWith({ stdin: "y\n" }, "container", "prune");
    expect(answered.stdout).toMatch(
      /\[y\/N\] Deleted Containers:\n[0-9a-f]{64}\n\nTotal reclaimed space: [\d.]+kB\n$/,
    );
    expect(await bocker.ok("ps", "-aq")).toBe("");
  });

  test("takes what nobody uses, gives back what it says, and leaves the rest", async () => {
    await using bocker = openWorkspace();
    await bocker.ok("run", ...none, "-v", "/anonymous", "-v", "named:/named", "busybox", "true");
    await bocker.ok("run", "-d", ...none, "--name", "live", "busybox", "sleep", "1000");
    await bocker.ok("tag", "busybox", "other:1");
    const part = leavePart(bocker, 1_000_000);
    const first = await bocker.ok("system", "prune", "-af", "--volumes");
    expect(first).toMatch(
      /^Deleted Containers:\n[0-9a-f]{64}\n\nDeleted Volumes:\n[0-9a-f]{64}\n\nTotal reclaimed space: 1\.\d+MB$/,
    );
    expect(existsSync(part)).toBe(false);
    expect(await bocker.ok("images", "-q")).not.toBe("");
    await bocker.ok("rm", "-f", "live");
    const store = ["image", "layer", "tmp"].map((name) => join(bocker.root, name));
    const before = du(...store);
    const second = await bocker.ok("system", "prune", "-af");
    expect(second).toMatch(
      /^Deleted Images:\nuntagged: busybox:latest\nuntagged: other:1\ndeleted: sha256:[0-9a-f]{64}\ndeleted: sha256:[0-9a-f]{64}\n\nTotal/,
    );
    const freed = (before - du(...store)) / 1e6;
    const said = Number(/space: ([\d.]+)MB$/.exec(second)?.[1]);
    // Directories and index.json shrink or stay as they like.
    expect(Math.abs(freed - said)).toBeLessThan(0.05);
    expect(readdirSync(join(bocker.root, "volume"))).toEqual(["named"]);
    expect(await bocker.ok("system", "check", "--deep")).toBe("No problems found");
  });

  test("filters by label and age", async () => {
    await using bocker = openWorkspace();
    const create = async (...words: string[]) =>
      (await bocker.ok("create", ...none, ...words, "busybox", "true")).slice(0, 12);
    const [a, b, c] = [await create("-l", "keep=1"), await create("-l", "team=x"), await create()];
    const left = async () => (await bocker.ok("ps", "-aq")).split("\n").toSorted();
    await bocker.ok("container", "prune", "-f", "--filter", "until=1h");
    expect(await left()).toEqual([a, b, c].toSorted());
    await bocker.ok("container", "prune", "-f", "--filter", "label=team=x");
    expect(await left()).toEqual([a, c].toSorted());
    await bocker.ok("container", "prune", "-f", "--filter", "label!=keep");
    expect(await left()).toEqual([a]);
    // The image is in use, then too young, then of another label, then unused.
    const kept = async (...filter: string[]) => {
      await bocker.ok("image", "prune", "-af", ...filter);
      return (await bocker.ok("images", "-q")) !== "";
    };
    expect(await kept()).toBe(true);
    await bocker.ok("rm", a);
    expect(await kept("--filter", "label=nobody")).toBe(true);
    expect(await kept("--filter", "until=2020-01-01")).toBe(true);
    expect(await kept("--filter", "until=0s")).toBe(false);
    for (const [filter, message] of [
      ["colour=red", "invalid filter 'colour'"],
      ["until=yesterday", 'failed to parse value as time or duration: "yesterday"'],
    ] as const) {
      const { exitCode, stderr } = await bocker.run("image", "prune", "-f", "--filter", filter);
      expect(exitCode).not.toBe(0);
      expect(stderr).toContain(message);
    }
    const both = await bocker.run("system", "prune", "-f", "--volumes", "--filter", "until=1h");
    expect(both).toMatchObject({
      exitCode: 1,
      stderr: expect.stringContaining('The "until" filter is not supported with "--volumes"'),
    });
  });

  test("what a pull is bringing stays, and is told", async () => {
    await using bocker = openWorkspace();
    await bocker.ok("run", "--rm", ...none, "busybox", "true");
    const blobs = join(bocker.root, "image/blobs/sha256");
    writeFileSync(join(blobs, "b".repeat(64)), "not reached");
    const hold = await holdStore(pathsUnder(bocker.root, bocker.runRoot));
    expect(await bocker.run("image", "prune", "-f")).toMatchObject({
      exitCode: 0,
      stdout: "Total reclaimed space: 0B\n",
      stderr: expect.stringContaining("WARNING: an image is being pulled or imported"),
    });
    hold[Symbol.dispose]();
    expect((await bocker.run("image", "prune", "-f")).stdout).toBe("Total reclaimed space: 4.096kB\n");
    expect(readdirSync(blobs)).not.toContain("b".repeat(64));
  });
});

describe("system check", () => {
  test("finds what is left over, and repairs it", async () => {
    await using bocker = openWorkspace();
    await bocker.ok("run", "-d", ...none, "--name", "live", "busybox", "sleep", "1000");
    expect(await bocker.ok("system", "check", "--deep")).toBe("No problems found");
    mkdirSync(join(bocker.root, "container", fakeId));
    mkdirSync(join(bocker.runRoot, "containers", fakeId));
    mkdirSync(join(bocker.root, "tmp", "trash-x.1"));
    mkdirSync(join(bocker.root, "layer", fakeId));
    writeFileSync(join(bocker.root, "layer", `${fakeId}.json`), "{}");
    writeFileSync(join(bocker.root, "image/blobs/sha256", fakeId), "");
    writeFileSync(join(bocker.root, "image/index.json"), '{"schemaVersion":2,"manifests":[]}');
    const cgroups = readFileSync("/proc/self/mounts", "utf8")
      .split("\n")
      .flatMap((line) => / (\S+) cgroup2? /.exec(line)?.[1] ?? [])
      .map((mount) => join(mount, bocker.cgroupParent))
      .filter((path) => existsSync(path));
    for (const parent of cgroups) mkdirSync(join(parent, fakeId));
    const found = await bocker.run("system", "check");
    expect(found.exitCode).toBe(1);
    expect(found.stdout.split("\n").filter((line) => !line.startsWith("  hint: "))).toEqual([
      `container/${fakeId}: a folder without a container`,
      `${bocker.runRoot}/containers/${fakeId}: a runtime folder without a container`,
      `cgroup /${bocker.cgroupParent}/${fakeId}: of no container`,
      'index.json: does not list "docker.io/library/busybox:latest" as it is',
      `blob sha256:${fakeId}: no image leads to it`,
      `layer sha256:${fakeId}: no image leads to it`,
      "tmp/trash-x.1: left by a process that was killed",
      "7 problems found",
      "",
    ]);
    expect((await bocker.ok("system", "check", "--repair")).split("\n").at(-1)).toBe(
      "7 problems found, 7 repaired",
    );
    expect(await bocker.ok("system", "check", "--deep")).toBe("No problems found");
    expect(cgroups.filter((parent) => existsSync(join(parent, fakeId)))).toEqual([]);
    expect(await bocker.ok("inspect", "--format", "{{.State.Running}}", "live")).toBe("true");
  });

  test("finds damage: a lost layer is unpacked again, a changed blob is named", async () => {
    await using bocker = openWorkspace();
    await bocker.ok("run", "--rm", ...none, "busybox", "true");
    const layers = join(bocker.root, "layer");
    const [layer = ""] = readdirSync(layers).filter((name) => !name.endsWith(".json"));
    renameSync(join(layers, layer), join(bocker.directory, "lost"));
    const lost = await bocker.run("system", "check", "-r");
    expect(lost).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(`layer sha256:${layer} is missing (repaired)`),
    });
    expect(await bocker.ok("run", "--rm", ...none, "busybox", "echo", "again")).toBe("again");
    writeFileSync(join(layers, layer, "etc/added"), "12345");
    expect((await bocker.run("system", "check")).exitCode).toBe(0);
    expect((await bocker.run("system", "check", "--deep")).stdout).toMatch(
      /layer sha256:\S+: its files have \d+ bytes, not \d+\n/,
    );
    const blobs = join(bocker.root, "image/blobs/sha256");
    const sizes = readdirSync(blobs).map((name) => ({ name, size: Bun.file(join(blobs, name)).size }));
    const { name = "" } = sizes.toSorted((one, other) => other.size - one.size)[0] ?? {};
    const fd = openSync(join(blobs, name), "r+");
    writeSync(fd, "flipped", 1000);
    closeSync(fd);
    expect((await bocker.run("system", "check")).exitCode).toBe(0);
    expect(await bocker.run("system", "check", "--deep", "-q")).toMatchObject({ exitCode: 1, stdout: "" });
    expect((await bocker.run("system", "check", "--deep")).stdout).toContain(
      `blob sha256:${name}: its bytes have the digest`,
    );
  });
});

describe("info", () => {
  test("counts, and says what was chosen and why", async () => {
    await using bocker = openWorkspace();
    await bocker.ok("create", ...none, "busybox", "true");
    await bocker.ok("run", "-d", ...none, "busybox", "sleep", "1000");
    const text = await bocker.ok("info");
    expect(text).toContain(
      "\n Containers: 2\n  Running: 1\n  Paused: 0\n  Stopped: 1\n Images: 1\n Server Version: ",
    );
    expect(text).toMatch(
      /\n Storage Driver: overlay\n {2}Backing Filesystem: \w+\n {2}Reason: \S+ is on \w+, which carries an overlay\n/,
    );
    expect(text).toMatch(/\n Cgroup Version: [12]\n Firewall Backend: (nft|iptables|userland)\n {2}Reason: /);
    const json = JSON.parse(await bocker.ok("system", "info", "--format", "json"));
    expect(json).toMatchObject({
      Containers: 2,
      ContainersRunning: 1,
      ContainersStopped: 1,
      Images: 1,
      Driver: "overlay",
      OSType: "linux",
      DockerRootDir: bocker.root,
    });
    expect(json.NCPU).toBeGreaterThan(0);
    expect(json.MemTotal).toBeGreaterThan(1e6);
    expect(
      await bocker.ok("--storage-driver", "vfs", "info", "-f", "{{.Driver}}: {{(index .DriverStatus 1)}}"),
    ).toBe("vfs: [Reason it was asked for]");
  });
});
