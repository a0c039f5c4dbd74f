/** Volumes from the outside: create, ls, inspect, rm, prune, and the local driver's options. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const once = (...words: readonly string[]) => bocker.ok("run", "--rm", "--network", "none", ...words);
const volumeOf = async (name: string) => JSON.parse(await bocker.ok("volume", "inspect", name))[0];

describe("volume create", () => {
  test("prints the name; twice is once", async () => {
    expect(await bocker.ok("volume", "create", "--label", "a=1", "--label", "b", "twice")).toBe("twice");
    expect(await bocker.ok("volume", "create", "--label", "c=2", "twice")).toBe("twice");
    expect((await volumeOf("twice")).Labels).toEqual({ a: "1", b: "" });
    await bocker.ok("volume", "rm", "twice");
  });

  test("without a name makes one up, and the volume counts as anonymous", async () => {
    const name = await bocker.ok("volume", "create");
    expect(name).toMatch(/^[0-9a-f]{64}$/);
    expect((await volumeOf(name)).Labels).toEqual({ "com.docker.volume.anonymous": "" });
    await bocker.ok("volume", "rm", name);
  });

  const refused: readonly (readonly [readonly string[], string])[] = [
    [["a/b"], 'create a/b: "a/b" includes invalid characters for a local volume name'],
    [["x"], "volume name is too short, names should be at least two alphanumeric characters"],
    [["-d", "nfs", "vol"], 'create vol: error looking up volume plugin nfs: plugin "nfs" not found'],
    [["-o", "foo=1", "vol"], 'create vol: invalid option: "foo"'],
    [["-o", "type=tmpfs", "vol"], 'create vol: missing required option: "device"'],
    [["-o", "device=/x", "vol"], 'create vol: missing required option: "type"'],
    [["-o", "type=none", "-o", "device=/x", "vol"], "create vol: type none needs o=bind"],
    [["-o", "type=none", "-o", "device=x", "-o", "o=bind", "vol"], 'device "x" must be absolute'],
    [["-o", "type=nfs", "-o", "device=:/x", "vol"], 'type "nfs" cannot be mounted by this engine'],
    [["-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=bogus", "vol"], "bogus"],
  ];
  for (const [words, phrase] of refused) {
    test(`refuses ${words.join(" ")}`, async () => {
      const { exitCode, stdout, stderr } = await bocker.run("volume", "create", ...words);
      expect([exitCode, stdout]).toEqual([1, ""]);
      expect(stderr).toContain(phrase);
      expect(await bocker.ok("volume", "ls", "-q")).not.toContain("vol");
    });
  }
});

test("volume create --name, docker's old way to say it", async () => {
  expect(await bocker.ok("volume", "create", "--name", "old-way")).toBe("old-way");
  const { exitCode, stderr } = await bocker.run("volume", "create", "--name", "one", "two");
  expect(exitCode).toBe(1);
  expect(stderr).toContain("cannot specify a volume-name through both --name and as a positional arg");
  await bocker.ok("volume", "rm", "old-way");
});

describe("volume ls", () => {
  test("columns, filters, formats", async () => {
    await bocker.ok("volume", "create", "--label", "team=web", "one");
    await bocker.ok("volume", "create", "two");
    const holder = await bocker.ok("create", "-v", "two:/d", "busybox");
    expect(await bocker.ok("volume", "ls")).toBe("DRIVER    VOLUME NAME\nlocal     one\nlocal     two");
    const names = (...words: readonly string[]) => bocker.ok("volume", "ls", "-q", ...words);
    expect(await names("--filter", "dangling=true")).toBe("one");
    expect(await names("--filter", "dangling=0")).toBe("two");
    expect(await names("--filter", "label=team")).toBe("one");
    expect(await names("--filter", "label=team=db")).toBe("");
    expect(await names("--filter", "name=^t")).toBe("two");
    expect(await names("--filter", "driver=other")).toBe("");
    expect(JSON.parse((await bocker.ok("volume", "ls", "--format", "json")).split("\n")[0] ?? "")).toEqual({
      Availability: "N/A",
      Driver: "local",
      Group: "N/A",
      Labels: "team=web",
      Links: "N/A",
      Mountpoint: join(bocker.root, "volume/one/_data"),
      Name: "one",
      Scope: "local",
      Size: "N/A",
      Status: "N/A",
    });
    expect(await bocker.ok("volume", "ls", "--format", "{{.Name}}:{{.Driver}}")).toBe("one:local\ntwo:local");
    await bocker.ok("rm", holder);
    await bocker.ok("volume", "rm", "one", "two");
  });

  test("bad filters", async () => {
    const unknown = await bocker.run("volume", "ls", "-f", "colour=red");
    expect([unknown.exitCode, unknown.stderr]).toEqual([
      1,
      expect.stringContaining("invalid filter 'colour'"),
    ]);
    const value = await bocker.run("volume", "ls", "-f", "dangling=perhaps");
    expect([value.exitCode, value.stderr]).toEqual([
      1,
      expect.stringContaining("invalid filter 'dangling=[perhaps]'"),
    ]);
    expect((await bocker.run("volume", "ls", "-f", "dangling")).stderr).toContain("bad format of filter");
  });
});

test("volume inspect: what is found, what is not, and bocker inspect finds volumes too", async () => {
  await bocker.ok("volume", "create", "seen");
  const { exitCode, stdout, stderr } = await bocker.run("volume", "inspect", "seen", "unseen");
  expect([exitCode, stderr]).toEqual([1, "Error: get unseen: no such volume\n"]);
  const [volume] = JSON.parse(stdout);
  expect(volume).toEqual({
    CreatedAt: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/),
    Driver: "local",
    Labels: null,
    Mountpoint: join(bocker.root, "volume/seen/_data"),
    Name: "seen",
    Options: null,
    Scope: "local",
  });
  expect(await bocker.inspect("seen")).toEqual(volume);
  expect(await bocker.ok("inspect", "--type", "volume", "-f", "{{.Name}}", "seen")).toBe("seen");
  expect((await bocker.run("inspect", "--type", "container", "seen")).stderr).toContain(
    "No such container: seen",
  );
  expect((await bocker.run("inspect", "unseen")).stderr).toContain("No such object: unseen");
  await bocker.ok("volume", "rm", "seen");
});

describe("volume rm", () => {
  test("takes the data along, and not while a container claims it", async () => {
    await once("-v", "data:/d", "busybox", "touch", "/d/file");
    const folder = join(bocker.root, "volume/data");
    expect(readdirSync(join(folder, "_data"))).toEqual(["file"]);
    const id = await bocker.ok("create", "-v", "data:/d", "busybox");
    const { exitCode, stderr } = await bocker.run("volume", "rm", "data");
    expect([exitCode, stderr]).toEqual([1, `Error: remove data: volume is in use - [${id}]\n`]);
    await bocker.ok("rm", id);
    expect(await bocker.ok("volume", "rm", "data")).toBe("data");
    expect(existsSync(folder)).toBe(false);
  });

  test("-f does not mind one that is not there", async () => {
    expect((await bocker.run("volume", "rm", "nope")).stderr).toBe("Error: get nope: no such volume\n");
    expect(await bocker.ok("volume", "rm", "-f", "nope")).toBe("nope");
  });
});

test("volume prune takes the anonymous ones, -a all that nobody claims, and asks first", async () => {
  await bocker.ok("volume", "create", "--label", "keep=1", "kept");
  await bocker.ok("volume", "create", "named");
  const anonymous = await bocker.ok("volume", "create");
  const refused = await bocker.runWith({ stdin: "n\n" }, "volume", "prune");
  expect(refused.exitCode).toBe(0);
  expect(refused.stdout).toContain("WARNING! This will remove anonymous local volumes");
  expect(refused.stderr).toBe("");
  expect(await bocker.ok("volume", "prune", "-f")).toBe(
    `Deleted Volumes:\n${anonymous}\n\nTotal reclaimed space: 0B`,
  );
  const yes = await bocker.runWith({ stdin: "y\n" }, "volume", "prune", "-a", "--filter", "label!=keep");
  expect(yes.stdout).toContain("Deleted Volumes:\nnamed\n");
  expect(await bocker.ok("volume", "ls", "-q")).toBe("kept");
  await bocker.ok("volume", "rm", "kept");
});

describe("driver options", () => {
  test("type=none, o=bind is a directory of the host", async () => {
    const folder = join(bocker.directory, "there");
    mkdirSync(folder);
    writeFileSync(join(folder, "hello"), "from the host\n");
    const options = ["-o", "type=none", "-o", `device=${folder}`, "-o", "o=bind"];
    await bocker.ok("volume", "create", ...options, "bound");
    expect(await once("-v", "bound:/b", "busybox", "sh", "-c", "cat /b/hello; touch /b/new")).toBe(
      "from the host",
    );
    expect(readdirSync(folder).sort()).toEqual(["hello", "new"]);
    expect((await volumeOf("bound")).Options).toEqual({ type: "none", device: folder, o: "bind" });
    await bocker.ok("volume", "rm", "bound");
    expect(readdirSync(folder).sort()).toEqual(["hello", "new"]);
  });

  test("a read-only one cannot be written, a missing one stops the start", async () => {
    const options = (device: string) => ["-o", "type=none", "-o", `device=${device}`, "-o", "o=bind,ro"];
    await bocker.ok("volume", "create", ...options(bocker.directory), "fixed");
    const written = await bocker.run(
      "run",
      "--rm",
      "--network",
      "none",
      "-v",
      "fixed:/b",
      "busybox",
      "touch",
      "/b/x",
    );
    expect([written.exitCode, written.stderr]).toEqual([1, expect.stringContaining("Read-only file system")]);
    await bocker.ok("volume", "create", ...options("/nonexistent/place"), "gone");
    const { exitCode, stderr } = await bocker.run("run", "--rm", "-v", "gone:/b", "busybox", "true");
    expect([exitCode, stderr]).toEqual([125, expect.stringContaining("/nonexistent/place")]);
    await bocker.ok("volume", "rm", "fixed", "gone");
  });

  test("type=tmpfs is a tmpfs with its options, for one running container at a time", async () => {
    const options = ["-o", "type=tmpfs", "-o", "device=tmpfs", "-o", "o=size=1m,mode=700"];
    await bocker.ok("volume", "create", ...options, "memory");
    const mounts = await once("-v", "memory:/m", "busybox", "grep", " /m ", "/proc/mounts");
    expect(mounts).toContain("tmpfs /m tmpfs rw");
    expect(mounts).toContain("size=1024k");
    await bocker.ok(
      "run",
      "-d",
      "--network",
      "none",
      "--name",
      "owner",
      "-v",
      "memory:/m",
      "busybox",
      "sleep",
      "100",
    );
    const second = await bocker.run("run", "--rm", "--network", "none", "-v", "memory:/m", "busybox", "true");
    expect([second.exitCode, second.stderr]).toEqual([
      125,
      expect.stringContaining('cannot mount volume "memory"'),
    ]);
    await bocker.ok("rm", "-f", "owner");
    await bocker.ok("volume", "rm", "memory");
  });
});
