/**
 * User namespaces from the outside: who is who in the container, on the disk, and in everything that is shared.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
const host = mkdtempSync(join(tmpdir(), "bocker-userns-"));
/** A map that no other test has, so that it says whose a file is. */
const map = "--uidmap=0:1900000000:2000";
const base = 1_900_000_000;

beforeAll(async () => {
  bocker = openWorkspace();
  chmodSync(host, 0o755);
  await bocker.ok(
    "run",
    "-d",
    "--name",
    "long",
    map,
    "-v",
    "kept:/kept",
    "--tmpfs",
    "/t",
    "busybox",
    "sleep",
    "900",
  );
});
afterAll(async () => {
  rmSync(host, { recursive: true });
  await bocker[Symbol.asyncDispose]();
});

const sh = (script: string, ...options: string[]) =>
  bocker.ok("run", "--rm", "--network", "none", ...options, "busybox", "sh", "-c", script);
/** `UID:GID` of a file, as the container sees it. */
const ownerOf = (path: string, ...options: string[]) => sh(`stat -c %u:%g ${path}`, ...options);

describe("maps", () => {
  test.each([
    [["--uidmap=0:5000:10"], "0 5000 10", "0 5000 10"],
    [["--uidmap=0:5000:10", "--gidmap=0:6000:11"], "0 5000 10", "0 6000 11"],
    [["--gidmap=0:6000:11"], "0 6000 11", "0 6000 11"],
    [["--uidmap=0:5000:10", "--uidmap=+u2:9000:1"], "0 5000 2 2 9000 1 3 5003 7", "0 5000 10"],
    [["--userns=keep-id"], "0 0 4294967295", "0 0 4294967295"],
    [["--userns=host"], "0 0 4294967295", "0 0 4294967295"],
  ])("%p", async (options, uids, gids) => {
    const text = await sh("cat /proc/self/uid_map; echo -; cat /proc/self/gid_map", ...options);
    expect(text.trim().split(/\s+/).join(" ")).toBe(`${uids} - ${gids}`);
  });

  test("auto gives ids that no other container has, and frees them", async () => {
    await bocker.ok("create", "--name", "auto1", "--userns=auto:size=1000", "busybox");
    await bocker.ok("create", "--name", "auto2", "--userns=auto", "busybox");
    const mapsOf = async (name: string) => (await bocker.inspect(name)).HostConfig.IDMappings.UidMap;
    const [one, two] = [await mapsOf("auto1"), await mapsOf("auto2")].map(([word]) =>
      word.split(":").map(Number),
    );
    expect([one[0], one[2], two[0], two[2]]).toEqual([0, 1000, 0, 65536]);
    expect(one[1] + one[2] <= two[1] || two[1] + two[2] <= one[1]).toBe(true);
    await bocker.ok("rm", "auto1");
    await bocker.ok("create", "--name", "auto3", "--userns=auto:size=1000", "busybox");
    expect((await mapsOf("auto3"))[0]).toBe(one.join(":"));
    await bocker.ok("rm", "auto2", "auto3");
  });

  test("keep-id:uid= chooses who the process is", async () => {
    expect(await sh("id -u; id -g", "--userns=keep-id:uid=12,gid=13")).toBe("12\n13");
    expect(await sh("id -u", "--userns=keep-id:uid=12,gid=13", "--user", "5")).toBe("5");
  });

  test.each([
    [["--uidmap=0:1:10", "--uidmap=5:20:10"], "maps container ids that another extent maps"],
    [["--uidmap=0:1:10", "--uidmap=20:5:10"], "maps to host ids that another extent maps to"],
    [["--uidmap=0:4294967290:10"], "goes beyond the last id"],
    [["--uidmap=1:1000:5"], "it has no id for the container's root, 0"],
    [["--userns=auto:size=4294967295"], "cannot find 4294967295 unused uids in a row"],
    [["--subuidname=nobody-has-this"], 'no subuid ranges found for user "nobody-has-this" in /etc/subuid'],
    [["--userns=auto", "--uidmap=0:1:1"], "--userns=auto is incompatible with --uidmap"],
    [["--userns=private"], "must provide at least one UID or GID mapping"],
    [["--userns=nomap"], "nomap is only supported in rootless mode"],
    [["--userns=other"], "--userns: invalid USER mode"],
    [["--userns=container:no-such-one"], "No such container: no-such-one"],
    [[map, "--group-add", "2000"], "cannot use gid 2000: it is not mapped"],
    [[map, "--user", "2000"], "cannot use uid 2000: it is not mapped"],
  ])("%p is refused", async (options, words) => {
    const { exitCode, stderr } = await bocker.run("run", "--rm", ...options, "busybox", "true");
    expect(stderr).toContain(words);
    expect(exitCode).toBe(125);
  });

  test("inspect shows what was asked and what it came to", async () => {
    const { HostConfig } = await bocker.inspect("long");
    expect(HostConfig.UsernsMode).toBe("private");
    const shown = [`0:${base}:2000`];
    expect(HostConfig.IDMappings).toEqual({ UidMap: shown, GidMap: shown });
  });

  test("another container's namespace", async () => {
    const id = await bocker.ok("exec", "long", "readlink", "/proc/self/ns/user");
    expect(await sh("readlink /proc/self/ns/user; touch /x; stat -c %u /x", "--userns=container:long")).toBe(
      `${id}\n0`,
    );
  });
});

describe("files", () => {
  test("layers belong to who they always did, and the disk keeps that", async () => {
    expect(await sh("stat -c %u:%g / /bin /etc/hosts /dev/shm; touch /x; stat -c %u:%g /x", map)).toBe(
      Array(5).fill("0:0").join("\n"),
    );
    await bocker.ok("exec", "long", "sh", "-c", "echo mine > /root/own; chown 7:8 /root/own");
    await bocker.ok("commit", "long", "mapped");
    expect(await lookInto("mapped")).toBe("7:8");
    expect(await bocker.ok("diff", "long")).toContain("A /root/own");
  });

  const lookInto = (image: string) =>
    bocker.ok("run", "--rm", "--network", "none", image, "stat", "-c", "%u:%g", "/root/own");

  test("volumes are mapped: containers with other maps see the same owners", async () => {
    await bocker.ok("exec", "long", "sh", "-c", "touch /kept/a; chown 3:4 /kept/a");
    for (const options of [[map], ["--userns=auto"], []])
      expect(await ownerOf("/kept/a", "-v", "kept:/kept", ...options)).toBe("3:4");
  });

  test("a directory of the host is not, unless that is asked for", async () => {
    const folder = join(host, "bind");
    mkdirSync(folder);
    writeFileSync(join(folder, "f"), "");
    chmodSync(join(folder, "f"), 0o600);
    expect(await ownerOf("/h/f", map, "-v", `${folder}:/h`)).toBe("65534:65534");
    const { exitCode } = await bocker.run("run", "--rm", map, "-v", `${folder}:/h`, "busybox", "cat", "/h/f");
    expect(exitCode).toBe(1);
    expect(await ownerOf("/h/f", map, "-v", `${folder}:/h:idmap`)).toBe("0:0");
    expect(statSync(join(folder, "f")).uid).toBe(0);
    expect(await ownerOf("/h/f", map, "-v", `${folder}:/h:U`)).toBe("0:0");
    expect(statSync(join(folder, "f")).uid).toBe(base);
  });

  test("a new volume gets what the image has there, with its owners", async () => {
    await bocker.ok(
      "run",
      "--name",
      "seed",
      "--network",
      "none",
      "busybox",
      "sh",
      "-c",
      "mkdir /d; touch /d/x; chown 9:9 /d/x",
    );
    await bocker.ok("commit", "seed", "seeded");
    const words = [
      "run",
      "--rm",
      "--network",
      "none",
      map,
      "-v",
      "filled:/d",
      "seeded",
      "stat",
      "-c",
      "%u",
      "/d/x",
    ];
    expect(await bocker.ok(...words)).toBe("9");
    expect(await bocker.ok(...words)).toBe("9");
  });

  test("secrets, parts of volumes and images", async () => {
    writeFileSync(join(host, "secret"), "s");
    await bocker.ok("secret", "create", "word", join(host, "secret"));
    expect(await ownerOf("/run/secrets/word", map, "--secret", "word,uid=5,gid=6")).toBe("5:6");
    await bocker.ok("exec", "long", "sh", "-c", "mkdir -p /kept/sub; touch /kept/sub/z");
    expect(
      await ownerOf("/s/z", map, "--mount", "type=volume,source=kept,target=/s,volume-subpath=sub"),
    ).toBe("0:0");
    expect(await ownerOf("/i/bin", map, "--mount", "type=image,source=busybox,target=/i")).toBe("0:0");
    const writable = "type=image,source=busybox,target=/i,rw=true";
    expect(await sh("touch /i/x && stat -c %u /i/x", map, "--mount", writable)).toBe("0");
  });

  test("cp gives and takes the container's ids, running or not", async () => {
    const file = join(host, "copied");
    writeFileSync(file, "text");
    chownSync(file, 12, 13);
    for (const place of ["/root/c1", "/kept/c1", "/t/c1"]) {
      await bocker.ok("cp", file, `long:${place}`);
      expect(await bocker.ok("exec", "long", "stat", "-c", "%u:%g", place)).toBe("12:13");
      await bocker.ok("cp", "-a", `long:${place}`, join(host, "back"));
      expect(statSync(join(host, "back"))).toMatchObject({ uid: 12, gid: 13 });
      rmSync(join(host, "back"));
    }
    chownSync(file, 5000, 0);
    const refused = await bocker.run("cp", file, "long:/root/c2");
    expect([refused.exitCode, refused.stderr]).toEqual([
      1,
      expect.stringContaining("not mapped in the container's user namespace"),
    ]);
    await bocker.ok("create", "--name", "idle", map, "busybox", "stat", "-c", "%u", "/root/c3");
    chownSync(file, 12, 13);
    await bocker.ok("cp", file, "idle:/root/c3");
    expect(await bocker.ok("start", "-a", "idle")).toBe("12");
  });

  test("the root of the vfs driver is mapped too", async () => {
    expect(await sh("touch /x; stat -c %u /x /bin", map, "-s", "vfs")).toBe("0\n0");
  });
});

describe("what the container may", () => {
  test("its root is nobody on the host, and all-powerful inside", async () => {
    const { State } = await bocker.inspect("long");
    const status = readFileSync(`/proc/${State.Pid}/status`, "utf8");
    expect(status).toContain(`Uid:\t${base}\t${base}\t${base}\t${base}\n`);
    const script =
      "ip link set lo mtu 1000 && echo link; hostname other && hostname; umount /dev/shm && echo gone";
    const options = ["--cap-add=ALL", "--security-opt", "seccomp=unconfined"];
    expect(await sh(script, map, ...options)).toContain("link\nother\ngone");
  });

  test("devices are the host's nodes, and none can be made", async () => {
    const options = [map, "--cap-add=MKNOD", "--device=/dev/zero:/dev/nothing"];
    const text = await sh(
      "head -c 3 /dev/nothing | wc -c; mknod /n c 1 3 2>&1; echo > /dev/null && echo ok",
      ...options,
    );
    expect(text).toBe("3\nmknod: /n: Operation not permitted\nok");
  });

  test("sysctls of its own network, networks, limits, other namespaces of the host's", async () => {
    expect(await sh("cat /proc/sys/net/ipv4/ip_forward", map, "--sysctl", "net.ipv4.ip_forward=1")).toBe("1");
    expect(await bocker.ok("exec", "long", "ip", "-4", "addr", "show", "eth0")).toContain("inet ");
    expect(await sh("ulimit -n", map, "--ulimit", "nofile=77:77")).toBe("77");
    for (const mode of [
      "--pid=host",
      "--ipc=host",
      "--uts=host",
      "--cgroupns=host",
      "--privileged",
      "--init",
    ])
      expect(await sh("touch /x && echo made", map, mode)).toBe("made");
    expect(
      await bocker.ok("run", "--rm", map, "--network=host", "busybox", "ls", "/sys/class/net/lo/mtu"),
    ).toBe("/sys/class/net/lo/mtu");
  });
});

describe("streams", () => {
  test("exec is in the namespace, and its pipes are its user's", async () => {
    const words = ["exec", "-u", "33:44", "long", "sh", "-c", "id -u; echo again > /dev/stdout"];
    expect(await bocker.ok(...words)).toBe("33\nagain");
    const { stderr } = await bocker.run("exec", "-u", "2000", "long", "true");
    expect(stderr).toContain("cannot use uid 2000: it is not mapped");
  });

  test("terminals are their users', of run and of exec", async () => {
    const script = "stat -c %u:%g $(tty); echo reopened > $(tty)";
    for (const words of [
      ["run", "--rm", "-it", "--network", "none", map, "-u", "33", "busybox"],
      ["exec", "-it", "-u", "33", "long"],
    ]) {
      const terminal = bocker.terminal(...words, "sh", "-c", script);
      await terminal.waitFor("33:5");
      await terminal.waitFor("reopened");
      expect(await terminal.exited).toBe(0);
    }
  });
});

test("restarts keep the ids; a bundle that no other runtime could use is refused", async () => {
  await bocker.ok(
    "run",
    "--name",
    "again",
    "--network",
    "none",
    "--userns=auto",
    "busybox",
    "sh",
    "-c",
    "cat /proc/self/uid_map; touch /x$$",
  );
  const first = await bocker.ok("logs", "again");
  expect(await bocker.ok("start", "-a", "again")).toBe(first);
  const { exitCode, stderr } = await bocker.run("spec", "--userns=auto", "busybox");
  expect([exitCode, stderr]).toEqual([
    1,
    expect.stringContaining("the user namespace maps ids of the root's files"),
  ]);
});
