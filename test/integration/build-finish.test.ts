/**
 * Options of `build` that change the image as a whole or what is built: `--squash`, `--squash-all`, `--layers=false`,
 * podman's `--from`, `--env`, `--unsetenv`, `--format` and others.
 */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openBuildBench } from "../lib/build-bench.ts";

const bench = openBuildBench();
const { workspace, directory, folder, runOf } = bench;

afterAll(() => bench[Symbol.asyncDispose]());

const build = (text: string, ...options: readonly string[]) =>
  workspace.runWith({ stdin: text }, "build", "-q", ...options, "-");

async function built(text: string, ...options: readonly string[]): Promise<void> {
  const { exitCode, stderr } = await build(text, ...options);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
}

async function layerCount(image: string): Promise<number> {
  return (await workspace.inspect(image)).RootFS.Layers.length;
}

const history = async (image: string, format: string) =>
  (await workspace.ok("history", "--no-trunc", "--format", format, image)).trim().split("\n");

/** Files of every kind, removed, replaced and linked; the second stage's /same has the first's size and cut time. */
const text = `
  FROM busybox AS first
  RUN echo one > /same; echo gone > /gone; mkdir -p /d/e; echo 1 > /d/e/f; mkdir /t; echo t > /t/t
  FROM first
  RUN echo two > /same; rm /gone; rm -r /t; echo file > /t
  RUN rm -rf /d && mkdir /d && echo 2 > /d/2; ln /same /hard; ln -s /same /soft; chmod 4711 /hard
  RUN chmod 700 /; chown 5:6 /d
  ENV A=b
`;
const listing =
  "find / -xdev \\( -path /dev -o -path /proc -o -path /sys -o -path '/etc/*' \\) -prune -o ! -type d -exec stat -c '%n %f %u %g %h' {} + -o -type d -exec stat -c '%n %f %u %g' {} + | sort; cat /same /hard /d/2 /t";

describe("--squash", () => {
  test("has the same files in one layer above the base, and a history that says so", async () => {
    await built(text, "-t", "plain");
    await built(text, "--squash", "-t", "squashed");
    const base = await layerCount("busybox");
    expect(await layerCount("plain")).toBe(base + 4);
    expect(await layerCount("squashed")).toBe(base + 1);
    expect(await runOf("squashed", "sh", "-c", listing)).toBe(await runOf("plain", "sh", "-c", listing));
    const [plain, busybox] = [await workspace.inspect("plain"), await workspace.inspect("busybox")];
    expect((await history("squashed", "{{.Comment}}"))[0]).toBe(`merge ${plain.Id} to ${busybox.Id}`);
    const ids = "{{.ID}}";
    expect((await history("squashed", ids)).length).toBe((await history("plain", ids)).length + 1);
    expect((await workspace.inspect("squashed")).Config).toEqual(plain.Config);
  });

  test("finds the layer again, and is the same image without cache", async () => {
    await built(text, "--squash", "-t", "squashed:1");
    const again = await workspace.runWith(
      { stdin: text },
      ...["build", "--progress", "plain", "--squash", "-t", "squashed:2", "-"],
    );
    expect(again.stderr).toMatch(/^#(\d+) squashing 4 layers into one\n#\1 CACHED$/m);
    await built(text, "--squash", "--no-cache", "-t", "squashed:3");
    const ids = await Promise.all([1, 2, 3].map((tag) => workspace.inspect(`squashed:${tag}`)));
    expect(new Set(ids.map(({ Id }) => Id)).size).toBe(1);
  });

  test("what the base has and a step wrote anew, as large and as old, is the step's", async () => {
    await built("FROM busybox\nRUN echo one > /same\n", "-t", "under");
    await built("FROM under\nRUN echo two > /same\nRUN true > /other\n", "--squash", "-t", "over");
    expect(await runOf("over", "cat", "/same")).toBe("two");
    expect(await layerCount("over")).toBe((await layerCount("under")) + 1);
  });

  test("of one new layer, or none, is the image itself", async () => {
    await built("FROM busybox\nRUN echo 1 > /1\nLABEL a=b\n", "-t", "one");
    await built("FROM busybox\nRUN echo 1 > /1\nLABEL a=b\n", "--squash", "-t", "one:squashed");
    expect((await workspace.inspect("one:squashed")).Id).toBe((await workspace.inspect("one")).Id);
  });

  test("--squash-all takes the base too", async () => {
    await built(text, "-t", "plain");
    await built(text, "--squash-all", "-t", "whole");
    expect(await layerCount("whole")).toBe(1);
    expect(await runOf("whole", "sh", "-c", listing)).toBe(await runOf("plain", "sh", "-c", listing));
    expect((await history("whole", "{{.Comment}}"))[0]).toStartWith("create new from sha256:");
    expect((await history("whole", "{{.Size}}")).slice(1)).toEqual(
      (await history("plain", "{{.Size}}")).map(() => "0B"),
    );
  });

  test("--layers=false: one layer, and nothing looked up", async () => {
    const { stderr } = await workspace.runWith(
      { stdin: text },
      ...["build", "--progress", "plain", "--layers=false", "-t", "flat", "-"],
    );
    expect(stderr).not.toMatch(/RUN.*\n#\d+ CACHED/);
    expect(await layerCount("flat")).toBe((await layerCount("busybox")) + 1);
  });
});

describe("what is built in place of what is written", () => {
  test("--from and --env", async () => {
    const value = `a $HOME "q" \\b 'c'`;
    await built(
      'FROM no-such-image:1 AS a\nRUN echo "$E" > /e\nFROM a\nRUN echo "$E" > /f\n',
      ...["--from", "busybox", "--env", `E=${value}`, "-t", "replaced"],
    );
    expect(await runOf("replaced", "cat", "/e", "/f")).toBe(`${value}\n${value}`);
    expect((await workspace.inspect("replaced")).Config.Env).toContain(`E=${value}`);
  });

  test("--skip-unused-stages=false", async () => {
    const { exitCode, stderr } = await build(
      "FROM busybox AS unused\nRUN false\nFROM busybox\n",
      "--skip-unused-stages=false",
    );
    expect(exitCode).toBe(1);
    expect(stderr).toContain("exit code: 1");
  });

  test("--ignorefile in place of the context's", async () => {
    const path = folder({ Dockerfile: "FROM busybox\nCOPY . /c\n", ".dockerignore": "a\n", a: "a", b: "b" });
    const ignore = join(directory, "other-ignore");
    writeFileSync(ignore, "b\n.dockerignore\nDockerfile\n");
    await workspace.ok("build", "-q", "--ignorefile", ignore, "-t", "ignoring", path);
    expect(await runOf("ignoring", "ls", "/c")).toBe("a");
    const missing = await workspace.run("build", "-q", "--ignorefile", `${ignore}-not`, path);
    expect(missing.exitCode).toBe(1);
    expect(missing.stderr).toContain("cannot read the ignore file");
  });

  test("an ARG before FROM gives SOURCE_DATE_EPOCH a default, which the environment's wins over", async () => {
    const dated =
      "ARG SOURCE_DATE_EPOCH=86400\nFROM busybox\nARG SOURCE_DATE_EPOCH\nRUN echo $SOURCE_DATE_EPOCH > /s\n";
    await built(dated, "-t", "dated");
    expect((await workspace.inspect("dated")).Created).toStartWith("1970-01-02T00:00:00");
    const env = { SOURCE_DATE_EPOCH: "172800" };
    await workspace.runWith({ stdin: dated, env }, "build", "-q", "-t", "dated:2", "-");
    const wrong = await build("ARG SOURCE_DATE_EPOCH=soon\nFROM busybox\n");
    expect(wrong.stderr).toContain("invalid SOURCE_DATE_EPOCH: soon");
    expect(wrong.stderr).toContain("1 | ARG SOURCE_DATE_EPOCH=soon");
    expect((await workspace.inspect("dated:2")).Created).toStartWith("1970-01-03T00:00:00");
    expect(await runOf("dated:2", "cat", "/s")).toBe("172800");
  });
});

describe("what the image says", () => {
  test("--unsetenv, --unsetlabel, --omit-history and --identity-label", async () => {
    await built(
      "FROM busybox\nENV KEPT=1 GONE=2\nLABEL kept=1 gone=2\nRUN test $GONE = 2\n",
      ...["--unsetenv", "GONE", "--unsetlabel", "gone", "--omit-history", "--identity-label", "-t", "edited"],
    );
    const { Env, Labels } = (await workspace.inspect("edited")).Config;
    expect(Env.map((word: string) => word.split("=")[0])).toEqual(["PATH", "KEPT"]);
    expect(Labels).toMatchObject({ kept: "1", "io.bocker.version": expect.any(String) });
    expect(Labels.gone).toBeUndefined();
    expect(await workspace.ok("history", "-q", "edited")).toBe("");
  });

  test("--format docker: docker's media types, which the engine reads", async () => {
    const archive = join(directory, "docker-format");
    const from = "FROM busybox\nRUN echo 1 > /1\n";
    await built(from, "--format", "docker", "-t", "docker-format", "-o", "type=image");
    await built(from, "--format", "docker", "-o", `type=oci,tar=false,dest=${archive}`);
    const index = await Bun.file(join(archive, "index.json")).json();
    const [{ mediaType, digest }] = index.manifests;
    expect(mediaType).toBe("application/vnd.docker.distribution.manifest.v2+json");
    const manifest = await Bun.file(join(archive, "blobs", digest.replace(":", "/"))).json();
    expect(manifest.config.mediaType).toBe("application/vnd.docker.container.image.v1+json");
    expect(manifest.layers.at(-1).mediaType).toBe("application/vnd.docker.image.rootfs.diff.tar.gzip");
    expect(await runOf("docker-format", "cat", "/1")).toBe("1");
  });
});

describe("containers of RUN", () => {
  test("-v is there while it runs, and no part of the image", async () => {
    const shared = join(directory, "shared");
    mkdirSync(shared);
    writeFileSync(join(shared, "in"), "in");
    const copying = "FROM busybox\nRUN cp /vol/in /out && ! touch /vol/x\n";
    await built(copying, "-v", `${shared}:/vol:ro`, "-t", "with-volume");
    expect(await runOf("with-volume", "sh", "-c", "cat /out; ls -d /vol 2>/dev/null || echo none")).toBe(
      "innone",
    );
    const named = await build(copying, "-v", "named:/vol");
    expect(named.stderr).toContain("is not supported by build");
    const missing = await build(copying, "-v", `${shared}-not:/vol`);
    expect(missing.stderr).toContain("no such file or directory");
  });

  test("--cap-add, --dns, --no-hosts and BUILDKIT_SANDBOX_HOSTNAME", async () => {
    await built(
      "FROM busybox\nRUN grep -q 'nameserver 9.9.9.9' /etc/resolv.conf && grep -q 'ndots:3' /etc/resolv.conf && test $(hostname) = mine\n",
      ...["--cap-add", "net_admin", "--cap-drop", "MKNOD", "--dns", "9.9.9.9", "--dns-option", "ndots:3"],
      ...["--build-arg", "BUILDKIT_SANDBOX_HOSTNAME=mine"],
    );
    const capable = "FROM busybox\nRUN ip link set lo down && ip link set lo up\n";
    expect((await build(capable)).exitCode).toBe(1);
    await built(capable, "--cap-add", "NET_ADMIN");
  });

  test("--cache-ttl: only steps made within it are taken over", async () => {
    const cached = async (ttl: string) => {
      const words = ["build", "--progress", "plain", "--cache-ttl", ttl, "-"];
      const { stderr } = await workspace.runWith({ stdin: "FROM busybox\nRUN echo ttl > /ttl\n" }, ...words);
      return /RUN.*\n#\d+ CACHED/.test(stderr);
    };
    await cached("1h");
    expect(await cached("1h")).toBe(true);
    expect(await cached("0s")).toBe(false);
  });
});
