/**
 * What the options of `build` do, when a step is found again, and how a failure is told.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { openBuildBench } from "../lib/build-bench.ts";

const bench = openBuildBench();
const { workspace, directory, folder, runOf } = bench;

afterAll(() => bench[Symbol.asyncDispose]());

describe("the cache", () => {
  const cached = async (path: string, ...options: readonly string[]) => {
    const { stderr, exitCode } = await workspace.run("build", "--progress=plain", ...options, path);
    expect(exitCode).toBe(0);
    return stderr.split("\n").filter((line) => line.endsWith(" CACHED")).length;
  };

  test("is by content: times and ignored files do not matter, bytes, modes and arguments do", async () => {
    const path = folder({
      Dockerfile: "FROM busybox\nARG A=1\nCOPY . /c\nRUN echo $A > /a\n",
      ".dockerignore": "notes\nDockerfile\n.dockerignore\n",
      x: "1",
      notes: "1",
    });
    expect(await cached(path)).toBe(1);
    expect(await cached(path)).toBe(3);
    utimesSync(join(path, "x"), 1, 1);
    writeFileSync(join(path, "notes"), "2");
    expect(await cached(path)).toBe(3);
    expect(await cached(path, "--build-arg", "A=2")).toBe(2);
    expect(await cached(path, "--build-arg", "OTHER=2")).toBe(3);
    writeFileSync(join(path, "x"), "2");
    expect(await cached(path)).toBe(1);
    expect(await cached(path, "--no-cache")).toBe(1);
  });

  test("--no-cache-filter: of one stage only", async () => {
    const text =
      "FROM busybox AS one\nRUN echo 1 > /1\nFROM busybox AS two\nCOPY --from=one /1 /1\nRUN echo 2 > /2\n";
    const path = folder({ Dockerfile: text });
    await cached(path);
    const all = await cached(path);
    expect(await cached(path, "--no-cache-filter", "two")).toBeLessThan(all);
  });
});

describe("options", () => {
  const build = (text: string, ...options: readonly string[]) =>
    workspace.runWith({ stdin: text }, "build", "-q", ...options, "-");

  test.each([
    ["--add-host", ["--add-host", "db:10.9.8.7"], "grep -q '10.9.8.7.*db' /etc/hosts"],
    ["--ulimit", ["--ulimit", "nofile=123:456"], 'test "$(ulimit -Sn)" = 123'],
    ["--shm-size", ["--shm-size", "1m"], 'test "$(stat -f -c "%b %S" /dev/shm)" = "256 4096"'],
    ["--network none", ["--network", "none"], 'test "$(ls /sys/class/net)" = lo'],
    ["a build-arg of the environment", ["--build-arg", "FROM_OUTSIDE"], 'test "$FROM_OUTSIDE" = yes'],
  ])("%s", async (_name, options, command) => {
    const text = `FROM busybox\nARG FROM_OUTSIDE\nRUN ${command}\n`;
    const { exitCode, stderr } = await workspace.runWith(
      { stdin: text, env: { FROM_OUTSIDE: "yes" } },
      ...["build", "-q", ...options, "-"],
    );
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  });

  test("--iidfile, --metadata-file, labels and annotations", async () => {
    const [idFile, metadataFile] = [join(directory, "iid"), join(directory, "metadata")];
    const { stdout } = await build(
      "FROM busybox\n",
      "-t",
      "told:1",
      "-t",
      "told:2",
      "--iidfile",
      idFile,
      "--metadata-file",
      metadataFile,
      "--label",
      "a=b",
      "--annotation",
      "c=d",
    );
    expect(readFileSync(idFile, "utf8")).toBe(stdout.trim());
    const metadata = JSON.parse(readFileSync(metadataFile, "utf8"));
    expect(metadata).toMatchObject({
      "containerimage.config.digest": stdout.trim(),
      "image.name": "docker.io/library/told:1,docker.io/library/told:2",
    });
    const image = await workspace.inspect("told:2");
    expect(image.Id).toBe(stdout.trim());
    expect(image.Config.Labels.a).toBe("b");
    const manifest = join(workspace.root, "image/blobs", metadata["containerimage.digest"].replace(":", "/"));
    expect(JSON.parse(readFileSync(manifest, "utf8")).annotations).toEqual({ c: "d" });
  });

  test("the same image at every time, in every time zone", async () => {
    const text = "FROM busybox\nRUN echo x > /x && mkdir /d && touch /d/y\nWORKDIR /w\n";
    const ids = new Set<string>();
    for (const env of [{ TZ: "UTC" }, { TZ: "Asia/Tokyo", HOSTNAME: "other" }]) {
      ids.add((await workspace.runWith({ stdin: text, env }, "build", "-q", "--no-cache", "-")).stdout);
    }
    expect(ids.size).toBe(1);
    const dated = await build(text, "--timestamp", "86400");
    expect((await workspace.inspect(dated.stdout.trim())).Created).toStartWith("1970-01-02T00:00:00");
  });

  test("--verify tells which file came out different, and names nothing", async () => {
    const { exitCode, stderr } = await build(
      "FROM busybox\nRUN cat /proc/sys/kernel/random/uuid > /chance\n",
      "--verify",
      "-t",
      "chance",
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain('"/chance": content differs');
    expect((await workspace.run("image", "inspect", "chance")).exitCode).toBe(1);
    expect((await build("FROM busybox\nRUN echo same > /same\n", "--verify", "-t", "same")).exitCode).toBe(0);
  });

  test("--build-context: an image, a folder", async () => {
    const path = folder({ inside: "named\n" });
    const text = "FROM base\nCOPY --from=files inside /inside\n";
    const { exitCode } = await build(
      text,
      "--build-context",
      "base=docker-image://busybox",
      "--build-context",
      `files=${path}`,
      "-t",
      "named",
    );
    expect(exitCode).toBe(0);
    expect(await runOf("named", "cat", "/inside")).toBe("named");
  });

  test("--secret that is asked for and not there", async () => {
    const { stderr } = await build("FROM busybox\nRUN --mount=type=secret,id=s,required=true true\n");
    expect(stderr).toContain("secret s: not found");
  });

  test("--ssh: the agent's socket, for its step alone", async () => {
    const socket = join(directory, "agent.sock");
    const agent: Server = createServer((connection) => connection.end());
    await new Promise<void>((resolve) => agent.listen(socket, resolve));
    try {
      const { exitCode, stderr } = await build(
        'FROM busybox\nRUN --mount=type=ssh test -S "$SSH_AUTH_SOCK"\nRUN test -z "$SSH_AUTH_SOCK"\n',
        "--ssh",
        `default=${socket}`,
      );
      expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    } finally {
      agent.close();
    }
  });

  test("--check: each rule with its place, exit code 1", async () => {
    const { exitCode, stdout } = await workspace.runWith(
      { stdin: "FROM busybox\nMAINTAINER me\n" },
      "build",
      "--check",
      "-",
    );
    expect(exitCode).toBe(1);
    expect(stdout).toContain("Check complete, 1 warning has been found!");
    expect(stdout).toContain("   2 | >>> MAINTAINER me");
    expect((await workspace.runWith({ stdin: "FROM busybox\n" }, "build", "--check", "-")).exitCode).toBe(0);
  });

  test("a failure says what, where and why", async () => {
    const { exitCode, stderr, stdout } = await build("FROM busybox\nRUN echo the reason && exit 9\n");
    expect(stdout).toBe("");
    expect(exitCode).toBe(1);
    expect(stderr).toBe(
      "------\n > [2/2] RUN echo the reason && exit 9:\nthe reason\n------\nDockerfile:2\n--------------------\n" +
        "   1 |     FROM busybox\n   2 | >>> RUN echo the reason && exit 9\n--------------------\n" +
        'ERROR: failed to build: failed to solve: process "/bin/sh -c echo the reason && exit 9" did not complete successfully: exit code: 9\n',
    );
    const wrong = await build("FROM busybox\nEXPOSE many\n");
    expect(wrong.stderr).toContain("Dockerfile:2:8\n   2 | EXPOSE many\n     |        ^");
  });

  test("a tag stays where it was when a build of it fails", async () => {
    await build("FROM busybox\nLABEL is=good\n", "-t", "stays");
    await build("FROM busybox\nLABEL is=bad\nRUN false\n", "-t", "stays");
    expect((await workspace.inspect("stays")).Config.Labels.is).toBe("good");
  });
});
