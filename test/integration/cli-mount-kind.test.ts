/** Mounts that no path of the host leads to: images, parts of volumes, volumes with options of their own. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chownSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(async () => {
  bocker = openWorkspace();
  const folder = join(bocker.directory, "content");
  mkdirSync(join(folder, "sub/deep"), { recursive: true });
  writeFileSync(join(folder, "file"), "one\n");
  writeFileSync(join(folder, "sub/deep/leaf"), "two\n");
  symlinkSync("sub/deep", join(folder, "link"));
  symlinkSync("/etc", join(folder, "out"));
  await bocker.ok("init", folder, "content");
  await shell(
    "-v",
    "parts:/v",
    "mkdir -p /v/a/b; echo leaf >/v/a/b/leaf; ln -s /etc /v/out; echo file >/v/file",
  );
});
afterAll(() => bocker[Symbol.asyncDispose]());

const words = (...given: readonly string[]) => [
  ...["run", "--rm", "--network", "none", ...given.slice(0, -1)],
  ...["busybox", "sh", "-c", given.at(-1) ?? ""],
];
const shell = (...given: readonly string[]) => bocker.ok(...words(...given));
const mounted = (mount: string, script: string) => shell("--mount", mount, script);

describe("type=image", () => {
  test("shows the image's files, read-only, and leaves the image as it is", async () => {
    const script = "cat /m/file; ls /m; touch /m/x 2>/dev/null || echo read-only";
    expect(await mounted("type=image,source=content,target=/m", script)).toBe(
      "one\nfile\nlink\nout\nsub\nread-only",
    );
  });

  test("an image of the binary's own, by a part of it", async () => {
    expect(await mounted("type=image,src=busybox,dst=/m,subpath=bin", "ls /m/sh")).toBe("/m/sh");
  });

  test("subpath: a directory, a file, through a link inside of the image", async () => {
    const part = (subpath: string, script: string) =>
      mounted(`type=image,src=content,dst=/m,subpath=${subpath}`, script);
    expect(await part("sub/deep", "ls /m")).toBe("leaf");
    expect(await part("/link", "ls /m")).toBe("leaf");
    expect(await part("file", "cat /m")).toBe("one");
  });

  test("a link that leads out of the image leads nowhere on the host", async () => {
    for (const subpath of ["out", "out/passwd", "nope", "file/x"]) {
      const mount = `type=image,src=content,dst=/m,subpath=${subpath}`;
      const { exitCode, stderr } = await bocker.run(...words("--mount", mount, "ls /m"));
      expect(exitCode).toBe(127);
      expect(stderr).toContain(
        `cannot access path "${subpath}" in image "content": no such file or directory`,
      );
    }
  });

  test("rw=true writes for this container alone, and keeps it to the next start", async () => {
    const id = await bocker.ok(
      ...["create", "--network", "none", "--mount", "type=image,source=content,target=/m,rw=true"],
      ...["busybox", "sh", "-c", "echo more >>/m/file; cat /m/file"],
    );
    expect(await bocker.ok("start", "-a", id)).toBe("one\nmore");
    expect(await bocker.ok("start", "-a", id)).toBe("one\nmore\nmore");
    expect(await mounted("type=image,source=content,target=/m", "cat /m/file")).toBe("one");
    await bocker.ok("rm", id);
  });

  test("the image cannot be removed while a container mounts it, and inspect shows the mount", async () => {
    const mount = "type=image,source=content,target=/m";
    const id = await bocker.ok("create", "--name", "holder", "--mount", mount, "busybox", "cat", "/m/file");
    const refused = await bocker.run("rmi", "content");
    expect(refused.exitCode).toBe(1);
    expect(refused.stderr).toContain(`container ${id.slice(0, 12)} is using`);
    expect((await bocker.inspect("holder")).Mounts).toEqual([
      { Type: "image", Source: "content", Destination: "/m", Mode: "", RW: false, Propagation: "" },
    ]);
    await bocker.ok("tag", "content", "kept");
    await bocker.ok("rmi", "content");
    expect(await bocker.ok("start", "-a", "holder")).toBe("one");
    await bocker.ok("rm", "holder");
    await bocker.ok("tag", "kept", "content");
    await bocker.ok("rmi", "kept");
  });

  test("one that is not there is looked for as any other", async () => {
    const mount = "type=image,source=absent:1,target=/m";
    const { exitCode, stderr } = await bocker.run(...words("--pull", "never", "--mount", mount, "true"));
    expect([exitCode, stderr.includes("No such image: absent:1")]).toEqual([125, true]);
    expect(await bocker.ok("ps", "-aq")).toBe("");
  });
});

describe("volume-subpath", () => {
  const part = (subpath: string, script: string, more = "") =>
    mounted(`type=volume,src=parts,dst=/m,volume-subpath=${subpath}${more}`, script);

  test("a directory and a file, written through", async () => {
    expect(await part("a/b", "cat /m/leaf; echo new >/m/made")).toBe("leaf");
    expect(await shell("-v", "parts:/v", "cat /v/a/b/made")).toBe("new");
    expect(await part("file", "cat /m")).toBe("file");
    expect(await part("a", "touch /m/x 2>/dev/null || echo read-only", ",readonly")).toBe("read-only");
  });

  test("a link out of the volume leads nowhere on the host, a missing one is an error", async () => {
    for (const subpath of ["out", "out/passwd", "nope"]) {
      const mount = `type=volume,src=parts,dst=/m,volume-subpath=${subpath}`;
      const { exitCode, stderr } = await bocker.run(...words("--mount", mount, "ls /m"));
      expect(exitCode).toBe(127);
      expect(stderr).toContain(
        `cannot access path "${subpath}" in volume "parts": no such file or directory`,
      );
    }
  });

  test("what the image has at the target does not get into the part", async () => {
    expect(await mounted("type=volume,src=parts,dst=/etc,volume-subpath=a/b", "ls /etc")).not.toContain(
      "passwd",
    );
  });

  test("cp with a container that does not run works on the part alone, and never through a link of the volume's", async () => {
    const make = (subpath: string) =>
      bocker.ok(
        "create",
        "--mount",
        `type=volume,src=parts,dst=/m,volume-subpath=${subpath}`,
        "busybox",
        "true",
      );
    const inside = await make("a/b");
    const leaf = join(bocker.directory, "leaf-out");
    await bocker.ok("cp", `${inside}:/m/leaf`, leaf);
    expect(readFileSync(leaf, "utf8")).toBe("leaf\n");
    await bocker.ok("cp", leaf, `${inside}:/m/by-cp`);
    expect(await shell("-v", "parts:/v", "cat /v/a/b/by-cp")).toBe("leaf");
    const outside = await make("out");
    await bocker.run("cp", leaf, `${outside}:/m/never-on-the-host`);
    expect(existsSync("/etc/never-on-the-host")).toBe(false);
    await bocker.ok("rm", inside, outside);
  });

  test("docker's JSON has the request", async () => {
    const mount = "type=volume,src=parts,dst=/m,volume-subpath=a";
    const id = await bocker.ok("create", "--mount", mount, "busybox", "true");
    const { HostConfig } = await bocker.inspect(id);
    expect(HostConfig.Binds).toBeNull();
    expect(HostConfig.Mounts).toEqual([
      { Type: "volume", Source: "parts", Target: "/m", VolumeOptions: { Subpath: "a" } },
    ]);
    await bocker.ok("rm", id);
  });
});

describe("-v DIR:DIR:O", () => {
  test("what is written is the container's, and gone at the next start", async () => {
    const bound = join(bocker.directory, "overlaid");
    mkdirSync(bound);
    writeFileSync(join(bound, "file"), "as it was\n");
    const script = "ls /o; echo changed >/o/file; touch /o/new; cat /o/file";
    const id = await bocker.ok(
      "create",
      "--network",
      "none",
      "-v",
      `${bound}:/o:O`,
      "busybox",
      "sh",
      "-c",
      script,
    );
    for (const start of [1, 2]) {
      expect([start, await bocker.ok("start", "-a", id)]).toEqual([start, "file\nchanged"]);
    }
    expect(readFileSync(join(bound, "file"), "utf8")).toBe("as it was\n");
    expect(existsSync(join(bound, "new"))).toBe(false);
    // Nor does cp write into the source while nothing runs.
    await bocker.run("cp", join(bound, "file"), `${id}:/o/by-cp`);
    expect(existsSync(join(bound, "by-cp"))).toBe(false);
    await bocker.ok("rm", id);
  });

  test("owner and mode are the source's", async () => {
    const bound = join(bocker.directory, "owned");
    mkdirSync(bound, { mode: 0o750 });
    chownSync(bound, 7, 8);
    expect(await shell("-v", `${bound}:/o:O`, "stat -c '%a %u %g' /o")).toBe("750 7 8");
  });
});

test("volume-opt and volume-label are those of a volume that is made for it", async () => {
  const options = "volume-opt=type=tmpfs,volume-opt=device=tmpfs,volume-opt=o=size=1m,volume-label=team=web";
  expect(await mounted(`src=made,dst=/m,${options}`, "stat -f -c %T /m")).toBe("tmpfs");
  const [{ Options, Labels }] = JSON.parse(await bocker.ok("volume", "inspect", "made"));
  expect([Options, Labels]).toEqual([{ type: "tmpfs", device: "tmpfs", o: "size=1m" }, { team: "web" }]);
  const { exitCode, stderr } = await bocker.run(
    ...words("--mount", "src=bad,dst=/m,volume-opt=type=nfs,volume-opt=device=:/x", "true"),
  );
  expect([exitCode, stderr.includes("nfs")]).toEqual([125, true]);
  expect(await bocker.ok("volume", "ls", "-q")).not.toContain("bad");
});

test("the launch plan names each staged mount, and nothing of it is on the host's mount table", async () => {
  const mount = "type=image,source=content,target=/m";
  const plan = await bocker.ok("run", "--dry-run", "--mount", mount, "busybox", "true");
  expect(plan).toContain('move_mount(stage-0, "", AT_FDCWD, "');
  expect(plan).toMatch(/open_tree\(AT_FDCWD, "[^"]*\/stage\/0", OPEN_TREE_CLONE/);
  // Before it can be seen, the tree is private: the host never gets it.
  expect(plan.indexOf("MS_REC|MS_PRIVATE")).toBeLessThan(plan.indexOf("move_mount(stage-0"));
  const id = await bocker.ok("run", "-d", "--network", "none", "--mount", mount, "busybox", "sleep", "1000");
  expect(await Bun.file("/proc/self/mounts").text()).not.toContain(bocker.directory);
  await bocker.ok("rm", "-f", id);
});
