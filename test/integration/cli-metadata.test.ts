/** Options about what a container has of others and tells about itself: volumes-from, :U, replace, pidfile, umask. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const isolated = ["--network", "none"] as const;
const once = (...words: readonly string[]) => bocker.ok("run", "--rm", ...isolated, ...words);

describe("--volumes-from", () => {
  test("named, anonymous and bound, and they stay when the owner goes with its volumes", async () => {
    const flags = [
      "--name",
      "owner",
      "-v",
      "named:/n",
      "-v",
      "/anonymous",
      "-v",
      `${bocker.directory}:/bound`,
    ];
    await bocker.ok(
      "run",
      ...isolated,
      ...flags,
      "busybox",
      "sh",
      "-c",
      "echo 1 > /n/f; echo 2 > /anonymous/f",
    );
    await bocker.ok(
      "create",
      ...isolated,
      "--volumes-from",
      "owner",
      "--name",
      "heir",
      "busybox",
      "cat",
      "/n/f",
      "/anonymous/f",
    );
    await bocker.ok("rm", "-v", "owner");
    expect(await bocker.ok("start", "-a", "heir")).toBe("1\n2");
    const { HostConfig, Mounts } = await bocker.inspect("heir");
    expect(HostConfig.VolumesFrom).toEqual(["owner"]);
    expect(Mounts.map((mount: { Destination: string }) => mount.Destination).sort()).toEqual([
      "/anonymous",
      "/bound",
      "/n",
    ]);
    await bocker.ok("rm", "-v", "heir");
  });

  test("read-only, and a mount of one's own at the same place wins", async () => {
    await bocker.ok("create", ...isolated, "--name", "giver", "-v", "given:/g", "-v", "other:/o", "busybox");
    const { exitCode, stderr } = await bocker.run(
      "run",
      "--rm",
      ...isolated,
      "--volumes-from",
      "giver:ro",
      "busybox",
      "touch",
      "/g/x",
    );
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining("Read-only file system")]);
    await once("--volumes-from", "giver", "-v", "mine:/g", "busybox", "touch", "/g/own", "/o/theirs");
    // Without a name it gives way.
    await once("-v", "/o", "--volumes-from", "giver", "busybox", "test", "-e", "/o/theirs");
    const inVolume = (name: string) => readdirSync(join(bocker.root, "volume", name, "_data"));
    expect([inVolume("given"), inVolume("mine"), inVolume("other")]).toEqual([[], ["own"], ["theirs"]]);
    await bocker.ok("rm", "giver");
  });

  test("refusals", async () => {
    const of = async (word: string) => {
      const { exitCode, stderr } = await bocker.run("run", "--rm", "--volumes-from", word, "busybox");
      return [exitCode, stderr.split("\n")[0]];
    };
    expect(await of("absent")).toEqual([125, "bocker: No such container: absent"]);
    expect(await of("a:rx")).toEqual([
      125,
      'invalid argument "a:rx" for "--volumes-from" flag: invalid mode: rx',
    ]);
    expect((await of(""))[0]).toBe(125);
  });
});

test("-v …:U gives the source to the container's user, and no more than the source", async () => {
  const folder = join(bocker.directory, "given-away");
  const outside = join(bocker.directory, "outside");
  mkdirSync(join(folder, "sub"), { recursive: true });
  writeFileSync(join(folder, "sub/file"), "");
  writeFileSync(outside, "");
  symlinkSync(outside, join(folder, "link"));
  const user = ["-u", "1000:2000"];
  expect(
    await once(
      ...user,
      "-v",
      `${folder}:/x:U`,
      "-v",
      "fresh:/y:U",
      "busybox",
      "sh",
      "-c",
      "touch /x/a /y/b; stat -c %u:%g /x /x/sub/file /y /y/b",
    ),
  ).toBe("1000:2000\n1000:2000\n1000:2000\n1000:2000");
  expect(statSync(outside).uid).toBe(0);
});

describe("--replace", () => {
  test("takes the place of one that runs", async () => {
    const first = await bocker.ok("run", "-d", ...isolated, "--name", "place", "busybox", "sleep", "100");
    const second = await bocker.ok(
      "run",
      "-d",
      ...isolated,
      "--replace",
      "--name",
      "place",
      "busybox",
      "sleep",
      "100",
    );
    expect(await bocker.ok("ps", "-aq", "--no-trunc")).toBe(second);
    expect(first).not.toBe(second);
    const third = await bocker.ok("create", "--replace", "--name", "place", "busybox");
    expect(await bocker.ok("ps", "-aq", "--no-trunc")).toBe(third);
    await bocker.ok("rm", "place");
  });

  test("needs a name, and leaves the old one where the image cannot be had", async () => {
    const { exitCode, stderr } = await bocker.run("run", "--replace", "busybox", "true");
    expect([exitCode, stderr]).toEqual([
      125,
      expect.stringContaining("cannot replace container without --name being set"),
    ]);
    const id = await bocker.ok("create", "--name", "kept", "busybox");
    expect(
      (await bocker.run("run", "--replace", "--name", "kept", "--pull", "never", "absent/image")).exitCode,
    ).toBe(125);
    expect((await bocker.inspect("kept")).Id).toBe(id);
    await bocker.ok("rm", "kept");
  });
});

test("--pidfile has the pid of the first process at each start", async () => {
  const path = join(bocker.directory, "web.pid");
  await bocker.ok("run", "-d", ...isolated, "--pidfile", path, "--name", "noted", "busybox", "sleep", "100");
  const pid = async () => String((await bocker.inspect("noted")).State.Pid);
  expect(readFileSync(path, "utf8")).toBe(await pid());
  await bocker.ok("restart", "-t", "0", "noted");
  expect(readFileSync(path, "utf8")).toBe(await pid());
  await bocker.ok("rm", "-f", "noted");
  const { exitCode, stderr } = await bocker.run(
    "run",
    "--rm",
    "--pidfile",
    "/nonexistent/pid",
    "busybox",
    "true",
  );
  expect([exitCode, stderr]).toEqual([
    125,
    expect.stringContaining('cannot write the pid file "/nonexistent/pid"'),
  ]);
});

test("--env-host, --unsetenv and --unsetenv-all: what the user gives by -e stays", async () => {
  const made = await bocker.ok("create", "busybox", "true");
  await bocker.ok("commit", "-c", "ENV FROM_IMAGE=1 TOO=2", made, "with-env");
  await bocker.ok("rm", made);
  const env = { ONLY_ON_HOST: "yes", BOTH: "host's" };
  const seen = async (...flags: readonly string[]) => {
    const words = ["run", "--rm", "--network", "none", ...flags, "-e", "BOTH=mine", "with-env", "env"];
    const { stdout } = await bocker.runWith({ env }, ...words);
    return stdout
      .split("\n")
      .filter((line) => /^(FROM_IMAGE|TOO|ONLY_ON_HOST|BOTH)=/.test(line))
      .sort();
  };
  expect(await seen()).toEqual(["BOTH=mine", "FROM_IMAGE=1", "TOO=2"]);
  expect(await seen("--env-host")).toEqual(["BOTH=mine", "FROM_IMAGE=1", "ONLY_ON_HOST=yes", "TOO=2"]);
  expect(await seen("--unsetenv", "TOO", "--unsetenv", "BOTH")).toEqual(["BOTH=mine", "FROM_IMAGE=1"]);
  expect(await seen("--unsetenv-all")).toEqual(["BOTH=mine"]);
  await bocker.ok("rmi", "with-env");
});

test("--annotation, --domainname, --group-add: what the process and inspect see", async () => {
  const flags = ["--annotation", "a=1", "--annotation", "b", "-h", "box", "--domainname", "example.org"];
  const groups = ["--group-add", "1234", "--group-add", "wheel"];
  const script = "hostname; cat /proc/sys/kernel/domainname; id -G";
  const id = await bocker.ok(
    "create",
    "--network",
    "none",
    ...flags,
    ...groups,
    "busybox",
    "sh",
    "-c",
    script,
  );
  const { HostConfig, Config } = await bocker.inspect(id);
  expect(HostConfig.Annotations).toEqual({ a: "1", b: "" });
  expect([HostConfig.GroupAdd, Config.Domainname]).toEqual([["1234", "wheel"], "example.org"]);
  expect((await bocker.ok("start", "-a", id)).split("\n")).toEqual(["box", "example.org", "0 10 1234"]);
  await bocker.ok("rm", id);
});

test("--umask, of exec too", async () => {
  expect(await once("--umask", "0077", "busybox", "sh", "-c", "umask; touch /x; stat -c %a /x")).toBe(
    "0077\n600",
  );
  await bocker.ok("run", "-d", ...isolated, "--umask", "27", "--name", "masked", "busybox", "sleep", "100");
  expect(await bocker.ok("exec", "masked", "sh", "-c", "umask")).toBe("0027");
  await bocker.ok("rm", "-f", "masked");
  const { exitCode, stderr } = await bocker.run("run", "--rm", "--umask", "8", "busybox", "true");
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining('invalid umask: "8"')]);
});

test("--tz is the host's zone as /etc/localtime, where the image has a dangling link too", async () => {
  // Tokyo has no summer time.
  expect(await once("--tz", "Asia/Tokyo", "busybox", "date", "+%z")).toBe("+0900");
  await bocker.ok(
    "run",
    ...isolated,
    "--name",
    "made",
    "busybox",
    "ln",
    "-s",
    "/usr/share/zoneinfo/Nowhere",
    "/etc/localtime",
  );
  await bocker.ok("commit", "made", "dangling");
  expect(await once("--tz", "Asia/Tokyo", "dangling", "date", "+%z")).toBe("+0900");
  await bocker.ok("rm", "made");
  const { exitCode, stderr } = await bocker.run("run", "--rm", "--tz", "Mars/Base", "busybox", "true");
  expect([exitCode, stderr]).toEqual([125, expect.stringContaining('finding timezone "Mars/Base"')]);
  expect((await bocker.run("run", "--rm", "--tz", "../../etc/passwd", "busybox", "true")).exitCode).toBe(125);
});

test("inspect shows log options and lists as they were asked for, as docker does", async () => {
  const log = ["--log-opt", "max-size=2m", "--log-opt", "max-file=4"];
  const limits = ["--ulimit", "nofile=10:20", "--ulimit", "core=0"];
  const asked = (await bocker.inspect(await bocker.ok("create", ...log, ...limits, "--init", "busybox")))
    .HostConfig;
  expect(asked.LogConfig).toEqual({ Type: "json-file", Config: { "max-size": "2m", "max-file": "4" } });
  expect(asked.Ulimits.map(({ Name }: { Name: string }) => Name)).toEqual(["core", "nofile"]);
  expect(asked.Init).toBe(true);
  const plain = (await bocker.inspect(await bocker.ok("create", "busybox"))).HostConfig;
  expect(plain.LogConfig).toEqual({ Type: "json-file", Config: {} });
  expect(["Init" in plain, "Mounts" in plain]).toEqual([false, false]);
});
