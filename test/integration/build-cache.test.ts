/** What is cached and what is not, images that come out the same, and builds that end early. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { BuildLab, cachedSteps } from "../lib/build-lab.ts";
import { openWorkspace } from "../lib/workspace.ts";

let lab: BuildLab;
beforeAll(() => {
  lab = new BuildLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe("the cache", () => {
  const dockerfile = `
    FROM busybox
    ARG VERSION=1
    LABEL some=label
    COPY a /a
    RUN echo run > /b
    RUN echo again > /c
  `;
  const all = ["COPY a /a", "RUN echo run > /b", "RUN echo again > /c"];

  test("knows contents: not times, labels or what is ignored; but arguments", async () => {
    const context = lab.contextOf(dockerfile, { a: "a", other: "1", ".dockerignore": "other\n" });
    await lab.built(context);
    expect(cachedSteps(await lab.built(context))).toEqual(all);
    utimesSync(join(context, "a"), 1, 1);
    writeFileSync(join(context, "other"), "2");
    writeFileSync(join(context, "Dockerfile"), dockerfile.replace("some=label", "other=label"));
    expect(cachedSteps(await lab.built(context))).toEqual(all);
    expect(cachedSteps(await lab.built(context, "--build-arg", "VERSION=2"))).toEqual(["COPY a /a"]);
    expect(cachedSteps(await lab.built(context, "--build-arg", "HTTP_PROXY=http://x"))).toEqual(all);
    writeFileSync(join(context, "a"), "b");
    expect(cachedSteps(await lab.built(context))).toEqual([]);
    expect(cachedSteps(await lab.built(context, "--no-cache"))).toEqual([]);
  });

  test("outlives the image, is shown, and is pruned", async () => {
    const context = lab.contextOf("FROM busybox\nRUN echo pruned > /p\n");
    await lab.built(context, "-t", "p1");
    await lab.bocker.ok("rmi", "p1");
    expect(cachedSteps(await lab.built(context, "-t", "p1"))).toEqual(["RUN echo pruned > /p"]);
    const [id = ""] = (await layerIds("p1")).slice(-1);
    await lab.bocker.ok("builder", "prune", "-f");
    expect(cachedSteps(await lab.built(context, "-t", "p1"))).toEqual(["RUN echo pruned > /p"]);
    await lab.bocker.ok("rmi", "p1");
    expect(await lab.bocker.ok("system", "df")).toMatch(/Build Cache +[1-9]/);
    expect(await lab.bocker.ok("builder", "prune", "-f")).toMatch(
      /^Deleted build cache objects:\n[0-9a-f]{25}\n/,
    );
    expect(existsSync(join(lab.bocker.root, "layer", id))).toBe(false);
    expect(cachedSteps(await lab.built(context))).toEqual([]);
  });

  async function layerIds(image: string): Promise<string[]> {
    const { RootFS } = await lab.bocker.inspect(image);
    return (RootFS.Layers as string[]).map((diffID) => diffID.slice("sha256:".length));
  }
});

describe("an image", () => {
  test("is the same on another machine: other times, directory order and root", async () => {
    const dockerfile = `
      FROM busybox
      COPY . /src
      WORKDIR /made
      RUN date > /dev/null; mkdir b a; echo x > b/x; ln b/x a/y; chmod 4755 b/x
    `;
    const files = ["z", "a", "m"];
    const first = lab.contextOf(dockerfile, Object.fromEntries(files.map((name) => [name, name])));
    await lab.built(first, "-t", "repro:1");
    await using other = openWorkspace();
    const second = lab.contextOf(
      dockerfile,
      Object.fromEntries(files.toReversed().map((name) => [name, name])),
    );
    for (const name of files) utimesSync(join(second, name), 1_000_000, 1_000_000);
    await other.ok("build", "-q", "-t", "repro:1", second);
    expect((await other.inspect("repro:1")).Id).toBe(await lab.idOf("repro:1"));
    await lab.built(first, "-t", "repro:2", "--no-cache");
    expect(await lab.idOf("repro:2")).toBe(await lab.idOf("repro:1"));
  });

  test("bears the time that it is told to, and no file is later", async () => {
    const context = lab.contextOf("FROM busybox\nRUN touch /later && touch -d @1000 /earlier\n");
    await lab.built(context, "-t", "timed", "--build-arg", "SOURCE_DATE_EPOCH=1234567890");
    expect((await lab.bocker.inspect("timed")).Created).toStartWith("2009-02-13T23:31:30");
    expect(await lab.bocker.ok("run", "--rm", "timed", "stat", "-c", "%Y", "/later", "/earlier")).toBe(
      "1234567890\n1000",
    );
  });

  test("comes from the stages that it needs, side by side, triggers first", async () => {
    await lab.built(lab.contextOf("FROM busybox\nONBUILD RUN echo triggered > /t\n"), "-t", "trigger");
    const context = lab.contextOf(`
      FROM trigger AS one
      RUN test "$(cat /t)" = triggered
      FROM busybox AS unused
      RUN exit 1
      FROM scratch AS last
      COPY --from=one /t /t
    `);
    const progress = await lab.built(context, "-t", "staged");
    expect(progress).not.toContain("exit 1");
    expect(progress).toContain("[one 2/3] RUN echo triggered > /t");
    const { Config, RootFS } = await lab.bocker.inspect("staged");
    expect(RootFS.Layers).toHaveLength(1);
    expect(Config.OnBuild ?? null).toBe(null);
    expect((await lab.bocker.inspect("trigger")).Config.OnBuild).toEqual(["RUN echo triggered > /t"]);
  });
});

test("the same step is done once, by stages and builds at the same time", async () => {
  const step = "RUN --mount=type=cache,id=count,target=/count echo x >> /count/log; sleep 0.2";
  const context = lab.contextOf(
    `FROM busybox AS a\n${step}\nFROM busybox AS b\n${step}\nFROM a\nCOPY --from=b / /\n`,
  );
  await Promise.all([1, 2, 3].map(() => lab.built(context)));
  const count = "FROM busybox\nRUN --mount=type=cache,id=count,target=/count wc -l < /count/log\n";
  expect(await lab.built(lab.contextOf(count))).toMatch(/^#\d+ \S+ 1$/m);
});

describe("a build that is ended", () => {
  const sleeping = "FROM busybox\nRUN echo first > /first\nRUN echo asleep && sleep 100 # %s\n";

  /** Runs until its last step runs. */
  async function sleeper(context: string) {
    const child = lab.bocker.spawn(["build", "--progress", "plain", "-t", "ended", context]);
    const decoder = new TextDecoder();
    let seen = "";
    for await (const bytes of child.stderr) {
      seen += decoder.decode(bytes);
      if (/^#\d+ [\d.]+ asleep$/m.test(seen)) break;
    }
    return child;
  }

  test.each(["SIGINT", "SIGTERM", "SIGKILL"] as const)(
    "by %s leaves finished steps and nothing else",
    async (signal) => {
      const context = lab.contextOf(sleeping.replace("%s", signal));
      const child = await sleeper(context);
      child.kill(signal);
      expect(await child.exited).not.toBe(0);
      expect((await lab.bocker.run("image", "inspect", "ended")).exitCode).toBe(1);
      await lab.expectNothingLeft();
      writeFileSync(join(context, "Dockerfile"), sleeping.replace("sleep 100 # %s", `sleep 0 # ${signal}`));
      expect(cachedSteps(await lab.built(context))).toEqual(["RUN echo first > /first"]);
    },
  );

  test("by SIGKILL at any moment leaves nothing that a listing does not take away", async () => {
    const context = lab.contextOf(
      `FROM busybox AS a
      RUN --mount=type=cache,target=/c --mount=type=bind,target=/src cp /src/file /a && dd if=/dev/zero of=/z bs=1M count=4
      FROM busybox
      WORKDIR /deep/er
      COPY --from=a /a /a
      RUN cat /a > /b
      `,
      { file: "x" },
    );
    for (const afterMs of Array.from({ length: 12 }, (_, at) => 20 + at * 15)) {
      const child = lab.bocker.spawn(["build", "-q", "--no-cache", context]);
      await Bun.sleep(afterMs);
      child.kill("SIGKILL");
      await child.exited;
      await lab.expectNothingLeft();
    }
    await lab.built(context, "--no-cache");
    expect((await lab.bocker.run("system", "check")).stdout).not.toMatch(/container|cgroup|build /);
  }, 60_000);

  test("by a step of another stage ends at once", async () => {
    const context = lab.contextOf(`
      FROM busybox AS slow
      RUN sleep 100
      FROM busybox AS wrong
      RUN exit 3
      FROM scratch
      COPY --from=slow / /
      COPY --from=wrong / /
    `);
    const began = performance.now();
    expect((await lab.build(context)).stderr).toContain("exit code: 3");
    expect(performance.now() - began).toBeLessThan(20_000);
    await lab.expectNothingLeft();
  });

  test("does not disturb another of the same name", async () => {
    const context = lab.contextOf("FROM busybox\nRUN echo same > /same && sleep 0.1\n");
    await Promise.all([1, 2, 3].map(() => lab.built(context, "--no-cache", "-t", "same")));
    expect(await lab.bocker.ok("run", "--rm", "same", "cat", "/same")).toBe("same");
  });
});

test("a build does not depend on the umask", async () => {
  const context = lab.contextOf(
    `FROM busybox
    WORKDIR /made
    COPY sub /sub
    ADD archive.tar /unpacked
    RUN --mount=type=tmpfs,target=/beside/mount touch /beside/file
    USER nobody
    RUN cat /etc/hosts /etc/resolv.conf /sub/file
    RUN <<EOT
#!/bin/sh
umask | grep -q 0022
EOT
    `,
    { "sub/file": "x" },
  );
  Bun.spawnSync(["tar", "-cf", "archive.tar", "sub"], { cwd: context });
  await lab.built(context, "-t", "umask:1");
  const { env, directory: cwd } = lab.bocker;
  const words = [bockerBinary(), "build", "-q", "--no-cache", "-t", "umask:2", context];
  const { exitCode } = Bun.spawnSync(["sh", "-c", 'umask 077; exec "$@"', "sh", ...words], { env, cwd });
  expect(exitCode).toBe(0);
  expect(await lab.idOf("umask:2")).toBe(await lab.idOf("umask:1"));
});
