/**
 * `logs` and the log drivers: formats on the disk, docker's --log-opt, several containers, and following one through all
 * of its life.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

const run = (name: string, flags: readonly string[], script: string) =>
  bocker.run("run", "--network", "none", "--name", name, ...flags, "busybox", "sh", "-c", script);

const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z/.source;

describe("k8s-file", () => {
  test("writes podman's format, with parts for what is no whole line; logs reads it back", async () => {
    await run("cri", ["--log-driver", "k8s-file"], "echo out; echo err >&2; printf 'half '; printf end");
    const { LogPath, HostConfig } = await bocker.inspect("cri");
    expect(LogPath).toEndWith("/ctr.log");
    expect(HostConfig.LogConfig.Type).toBe("k8s-file");
    const written = readFileSync(LogPath, "utf8").trimEnd().split("\n").toSorted();
    expect(written.map((line) => line.replace(new RegExp(time), "T")).toSorted()).toEqual([
      "T stderr F err",
      "T stdout F out",
      "T stdout P half end",
    ]);
    expect(await bocker.run("logs", "cri")).toMatchObject({ stdout: "out\nhalf end", stderr: "err\n" });
    const { stdout } = await bocker.run("logs", "-t", "--tail", "1", "cri");
    expect(stdout).toMatch(new RegExp(`^(${time} half end)?$`));
    await bocker.ok("rm", "cri");
  });

  test("at a path of the user's, rotated; the file stays when the container goes", async () => {
    const path = join(bocker.directory, "own.log");
    const options = ["--log-opt", `path=${path}`, "--log-opt", "max-size=1k", "--log-opt", "max-file=2"];
    await run("own", ["--log-driver", "k8s-file", ...options], "seq 100; seq 101 200");
    expect((await bocker.inspect("own")).LogPath).toBe(path);
    expect(statSync(path).size).toBeLessThanOrEqual(1100);
    expect(existsSync(`${path}.1`)).toBe(true);
    expect(existsSync(`${path}.2`)).toBe(false);
    const lines = (await bocker.ok("logs", "own")).split("\n").map(Number);
    expect(lines.at(-1)).toBe(200);
    expect(lines).toEqual(Array.from({ length: lines.length }, (_, index) => 201 - lines.length + index));
    await bocker.ok("rm", "own");
    expect(existsSync(path)).toBe(true);
  });

  test("refuses a path that cannot be written before anything runs", async () => {
    const { exitCode, stdout, stderr } = await run(
      "nowhere",
      ["--rm", "--log-driver", "k8s-file", "--log-opt", "path=/proc/none/x.log"],
      "echo ran",
    );
    expect({ exitCode, stdout }).toEqual({ exitCode: 125, stdout: "" });
    expect(stderr).toStartWith('bocker: cannot write the log "/proc/none/x.log": ENOENT');
    expect((await bocker.run("inspect", "nowhere")).exitCode).toBe(1);
  });
});

describe("json-file", () => {
  test("says labels, variables and tag with every line; --details shows them as docker does", async () => {
    const flags = [
      ...["--label", "com.example.a=1", "--label", "com.example.b=x y", "--label", "other=2"],
      ...["-e", "APP_MODE=fast", "-e", "SECRET=no"],
      ...["--log-opt", "labels=other,missing", "--log-opt", "labels-regex=^com\\.example\\."],
      ...["--log-opt", "env-regex=^APP_", "--log-opt", "tag={{.Name}}/{{.ID}}"],
    ];
    await run("attrs", flags, "echo line");
    const { Id, LogPath, HostConfig } = await bocker.inspect("attrs");
    expect(HostConfig.LogConfig.Config).toMatchObject({ "env-regex": "^APP_" });
    const attrs = {
      other: "2",
      "com.example.a": "1",
      "com.example.b": "x y",
      APP_MODE: "fast",
      tag: `attrs/${Id.slice(0, 12)}`,
    };
    expect(JSON.parse(readFileSync(LogPath, "utf8"))).toMatchObject({ log: "line\n", attrs });
    expect(await bocker.ok("logs", "attrs")).toBe("line");
    const shown = `APP_MODE=fast,com.example.a=1,com.example.b=x+y,other=2,tag=attrs%2F${Id.slice(0, 12)}`;
    expect(await bocker.ok("logs", "--details", "attrs")).toBe(`${shown} line`);
    expect(await bocker.ok("logs", "--details", "-t", "attrs")).toMatch(new RegExp(`^${time} APP_MODE`));
    await bocker.ok("rm", "attrs");
  });

  test("without attributes --details leaves docker's blank", async () => {
    await run("bare", [], "echo line");
    expect((await bocker.run("logs", "--details", "bare")).stdout).toBe(" line\n");
    await bocker.ok("rm", "bare");
  });
});

describe("several containers", () => {
  test("by time, each line with its container's id or name", async () => {
    await run("first", [], "echo one; echo two");
    await run("second", ["--log-driver", "k8s-file"], "echo three; printf four");
    await bocker.ok("start", "-a", "first");
    const [one, two] = [await bocker.inspect("first"), await bocker.inspect("second")];
    const [a, b] = [one.Id.slice(0, 12), two.Id.slice(0, 12)];
    expect((await bocker.run("logs", "second", "first")).stdout).toBe(
      `${a} one\n${a} two\n${b} three\n${b} four${a} one\n${a} two\n`,
    );
    const named = await bocker.ok("logs", "--names", "-t", "--tail", "1", "first", "second");
    expect(named).toMatch(new RegExp(`^second ${time} fourfirst ${time} two$`));
    expect(await bocker.ok("logs", "--names", "--color", "-n", "1", "second", "first")).toBe(
      "\x1b[32msecond\x1b[0m four\x1b[33mfirst\x1b[0m two",
    );
    // Alone it is as docker has it.
    expect(await bocker.ok("logs", "--names", "--color", "-n", "1", "first")).toBe("two");
    expect((await bocker.run("logs", "first", "third")).stderr).toContain("No such container: third");
    await bocker.ok("rm", "first", "second");
  });
});

describe("logs -f", () => {
  test("goes on over the runs of a restart policy, until the last has ended", async () => {
    const script = "echo run; sleep 0.1; exit 3";
    const flags = ["-d", "--network", "none", "--restart", "on-failure:3", "--name", "again"];
    await bocker.ok("run", ...flags, "busybox", "sh", "-c", script);
    const followed = await bocker.run("logs", "-f", "again");
    expect(followed).toMatchObject({ exitCode: 0, stdout: "run\n".repeat(4) });
    expect(await bocker.ok("wait", "again")).toBe("3");
    await bocker.ok("rm", "again");
  });

  test("ends at --until, which may be to come, have passed, or be written as date -Ins does", async () => {
    const flags = ["-d", "--network", "none", "--name", "endless"];
    await bocker.ok("run", ...flags, "busybox", "sh", "-c", "echo first; exec sleep 100");
    const soon = new Date(Date.now() + 1000).toISOString().replace(".", ",");
    expect(await bocker.run("logs", "-f", "--until", soon, "endless")).toMatchObject({
      exitCode: 0,
      stdout: "first\n",
    });
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(soon.replace(",", ".")));
    expect(await bocker.run("logs", "-f", "--until", "1h", "endless")).toMatchObject({
      exitCode: 0,
      stdout: "",
    });
    await bocker.ok("rm", "-f", "endless");
  });

  test("ends with a container that somebody stops while its policy pauses", async () => {
    const flags = ["-d", "--network", "none", "--restart", "always", "--name", "paused"];
    await bocker.ok("run", ...flags, "busybox", "sh", "-c", "echo run; exit 3");
    const follower = bocker.run("logs", "-f", "paused");
    while ((await bocker.inspect("paused")).RestartCount < 3) await Bun.sleep(25);
    await bocker.ok("stop", "-t", "0", "paused");
    const { exitCode, stdout } = await follower;
    expect(exitCode).toBe(0);
    expect(stdout.trimEnd().split("\n").length).toBeGreaterThanOrEqual(3);
    expect(stdout).toBe(`${await bocker.ok("logs", "paused")}\n`);
    await bocker.ok("rm", "paused");
  });

  test("loses no line over rotations, in either format", async () => {
    for (const driver of ["json-file", "k8s-file"]) {
      const log = ["--log-driver", driver, "--log-opt", "max-size=20k", "--log-opt", "max-file=5"];
      // Slow enough that a follower on a busy machine is never five files behind.
      const script = "read go; for i in $(seq 20); do seq $((i * 100 - 99)) $((i * 100)); sleep 0.02; done";
      await bocker.ok(
        "create",
        "-i",
        "--network",
        "none",
        "--name",
        "rotated",
        ...log,
        "busybox",
        "sh",
        "-c",
        script,
      );
      const started = bocker.spawn(["start", "-a", "-i", "rotated"]);
      while ((await bocker.inspect("rotated")).State.Status !== "running") await Bun.sleep(10);
      const follower = bocker.run("logs", "-f", "rotated");
      started.stdin.write("\n");
      await started.stdin.end();
      expect((await follower).stdout.trimEnd().split("\n").map(Number)).toEqual(
        Array.from({ length: 2000 }, (_, index) => index + 1),
      );
      await started.exited;
      await bocker.ok("rm", "rotated");
    }
  });
});

describe("nothing holds a container up", () => {
  const waiting = async (name: string) => {
    const started = bocker.spawn(["start", "-a", "-i", name]);
    while ((await bocker.inspect(name)).State.Status !== "running") await Bun.sleep(10);
    return started;
  };

  test("a full disk: what was dropped is said where it is missing, and what follows is there", async () => {
    const folder = join(bocker.directory, "small");
    mkdirSync(folder);
    expect(Bun.spawnSync(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]).exitCode).toBe(0);
    try {
      writeFileSync(join(folder, "filler"), Buffer.alloc(900_000));
      const path = join(folder, "c.log");
      const log = ["--log-driver", "k8s-file", "--log-opt", `path=${path}`, "--log-opt", "max-size=-1"];
      const script = "seq 100000; echo written >/written; read x; echo after";
      await bocker.ok(
        "create",
        "-i",
        ...["--network", "none", "--name", "full"],
        ...log,
        "busybox",
        "sh",
        "-c",
        script,
      );
      const started = await waiting("full");
      // Read, as otherwise the container waits for its client.
      const output = started.stdout.text();
      while ((await bocker.run("exec", "full", "test", "-e", "/written")).exitCode !== 0) await Bun.sleep(25);
      rmSync(join(folder, "filler"));
      started.stdin.write("\n");
      await started.stdin.end();
      expect(await started.exited).toBe(0);
      expect(await output).toEndWith("100000\nafter\n");
      const { stdout, stderr } = await bocker.run("logs", "full");
      expect(stdout).toEndWith("\nafter\n");
      const [, lines = "0"] =
        /^bocker: dropped (\d+) lines \(\d+ bytes\) of output here: /m.exec(stderr) ?? [];
      const kept = stdout.split("\n").length - 2;
      expect(Number(lines) + kept).toBe(100_000);
      expect(Number(lines)).toBeGreaterThan(1000);
      await bocker.ok("rm", "full");
    } finally {
      Bun.spawnSync(["umount", folder]);
    }
  });

  test("a reader of the log that does not read", async () => {
    await bocker.ok(
      "create",
      "-i",
      "--network",
      "none",
      "--name",
      "fast",
      "busybox",
      "sh",
      "-c",
      "read x; seq 300000",
    );
    const started = await waiting("fast");
    const reader = bocker.spawn(["logs", "-f", "fast"]);
    const output = started.stdout.text();
    started.stdin.write("\n");
    await started.stdin.end();
    expect(await started.exited).toBe(0);
    expect(await output).toEndWith("\n300000\n");
    // Two megabytes do not fit into its pipe: it is still there, and goes on where it was.
    expect(reader.exitCode).toBeNull();
    expect(await reader.stdout.text()).toEndWith("\n300000\n");
    expect(await reader.exited).toBe(0);
    await bocker.ok("rm", "fast");
  });
});
