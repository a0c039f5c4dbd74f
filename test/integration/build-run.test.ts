/** RUN from the outside: its container, its layer, its mounts; what is cached and what is not; how builds end early. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bockerBinary } from "../lib/bocker-binary.ts";
import { type Outcome, openWorkspace, type Workspace } from "../lib/workspace.ts";

let bocker: Workspace;
beforeAll(() => {
  bocker = openWorkspace();
});
afterAll(() => bocker[Symbol.asyncDispose]());

/** A context of its own; `Dockerfile` is one of the files. */
function contextOf(dockerfile: string, files: Readonly<Record<string, string>> = {}): string {
  const directory = mkdtempSync(join(bocker.directory, "context-"));
  for (const [name, text] of Object.entries({ Dockerfile: dockerfile, ...files })) {
    mkdirSync(join(directory, name, ".."), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
  return directory;
}

/** Builds with plain progress; standard error has all of it. */
function build(context: string, ...words: readonly string[]): Promise<Outcome> {
  return bocker.run("build", "--progress", "plain", ...words, context);
}

async function built(context: string, ...words: readonly string[]): Promise<string> {
  const { exitCode, stderr } = await build(context, ...words);
  expect(stderr).not.toContain("ERROR");
  expect(exitCode).toBe(0);
  return stderr;
}

/** Titles of the steps that were taken from the cache. */
function cachedSteps(progress: string): string[] {
  const titles = new Map(
    [...progress.matchAll(/^#(\d+) \[[^\]]*\] (.*)$/gm)].map(([, id, title]) => [id, title]),
  );
  const cached = [...progress.matchAll(/^#(\d+) CACHED$/gm)].map(([, id]) => titles.get(id) ?? "");
  return cached.filter((title) => !title.startsWith("FROM "));
}

const idOf = async (image: string) => (await bocker.inspect(image)).Id as string;

/** Names in the layers above the base, bottom first, a list a layer. */
async function layerNames(image: string): Promise<string[][]> {
  const { RootFS } = await bocker.inspect(image);
  return (RootFS.Layers as string[]).slice(1).map((diffID) => {
    const folder = join(bocker.root, "layer", diffID.slice("sha256:".length));
    return (readdirSync(folder, { recursive: true }) as string[]).sort();
  });
}

/** Nothing but finished steps: no folder of a build, no cgroup, no mount, no link. */
async function expectNothingLeft(): Promise<void> {
  expect(await bocker.ok("ps", "-aq")).toBe("");
  expect(readdirSync(join(bocker.root, "container"))).toEqual([]);
  expect(await bocker.leftovers()).toEqual([]);
}

describe("the container of a step", () => {
  test("leaves only what it has changed in its layer, however its mounts got their places", async () => {
    const context = contextOf(`
      FROM busybox
      RUN true
      RUN echo a > /made
      RUN --mount=type=tmpfs,target=/deep/down/below touch /deep/down/below/x
      RUN rm -rf /home && ln -s ../run/nowhere/resolv.conf /link
      RUN --mount=type=tmpfs,target=/home/gone/away true
      RUN --mount=type=tmpfs,target=/link true
    `);
    await built(context, "-t", "clean");
    expect(await layerNames("clean")).toEqual([[], ["made"], [], ["home", "link"], [], []]);
    await expectNothingLeft();
  });

  test("has docker's builder's name, the stage's variables, directory and user, and few capabilities", async () => {
    const context = contextOf(`
      FROM busybox
      ENV A=1
      ARG B=2
      WORKDIR /work
      USER nobody
      RUN test "$A$B" = 12 && test "$(pwd)" = /work && test "$(id -un)" = nobody
      USER root
      RUN test "$(hostname)" = buildkitsandbox && ! env | grep -q HOSTNAME && test "$HOME" = /root
      RUN grep -q 'CapEff:.00000000a80425fb' /proc/self/status && grep -q 'Seccomp:.2' /proc/self/status
      RUN ! mount -t tmpfs none /tmp && ! ls /proc/kcore/x && ! (echo x > /proc/sys/kernel/hostname)
    `);
    await built(context);
  });

  test("fails the build with its exit code; nothing is named, and what was done before stays", async () => {
    const context = contextOf("FROM busybox\nRUN echo kept > /kept\nRUN echo oops >&2; exit 7\n");
    const { exitCode, stderr } = await build(context, "-t", "failing");
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'ERROR: failed to build: failed to solve: process "/bin/sh -c echo oops >&2; exit 7" did not complete successfully: exit code: 7',
    );
    expect((await bocker.run("image", "inspect", "failing")).exitCode).toBe(1);
    expect(cachedSteps((await build(context)).stderr)).toEqual(["RUN echo kept > /kept"]);
    await expectNothingLeft();
  });

  test("that cannot be started says why", async () => {
    const { exitCode, stderr } = await build(contextOf('FROM busybox\nRUN ["/bin/nope", "x"]\n'));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('process "/bin/nope x" did not complete successfully: ');
    expect(stderr).toContain("no such file or directory");
  });

  test("stores layers of many megabytes whole", async () => {
    const context = contextOf(
      "FROM busybox\nRUN mkdir -p /big/z && head -c 5000000 /dev/urandom > /big/a && sha256sum /big/a > /big/z/sum\n",
    );
    await built(context, "-t", "big");
    expect(await bocker.ok("run", "--rm", "big", "sha256sum", "-c", "/big/z/sum")).toContain("OK");
  });

  test("may be on the host's network, or be privileged, only when that is allowed", async () => {
    const onHost = contextOf("FROM busybox\nRUN --network=host test -e /sys/class/net/lo\n");
    const insecure = contextOf(
      "FROM busybox\nRUN --security=insecure mount -t tmpfs none /mnt || mount -t tmpfs none /tmp\n",
    );
    for (const [context, entitlement] of [
      [onHost, "network.host"],
      [insecure, "security.insecure"],
    ] as const) {
      expect((await build(context)).stderr).toContain(`${entitlement} is not allowed`);
      await built(context, "--allow", entitlement);
    }
  });

  test("reaches the network of the build, or none", async () => {
    const context = contextOf(`
      FROM busybox AS a
      RUN ip -4 addr show eth0 | grep inet > /address
      FROM busybox
      RUN ip -4 addr show eth0 | grep inet > /address
      COPY --from=a /address /other
      RUN cmp /address /other
      RUN --network=none ! ip addr show eth0
    `);
    const told = () => bocker.ok("events", "--since", "1h", "--until", "0s", "--filter", "type=network");
    const before = await told();
    await built(context, "--no-cache");
    await expectNothingLeft();
    expect(await told()).toBe(before);
  });
});

describe("RUN --mount", () => {
  test("shows the context without what is ignored, other stages and images; writes are gone", async () => {
    const context = contextOf(
      `
      FROM busybox AS made
      RUN mkdir /out && echo out > /out/file && ln -s /etc /out/link
      FROM busybox
      RUN --mount=type=bind,target=/src test "$(cat /src/a)" = a && test ! -e /src/secret && ! touch /src/x
      RUN --mount=type=bind,source=sub/file,target=/one test "$(cat /one)" = sub
      RUN --mount=type=bind,from=made,source=/out,target=/out test "$(cat /out/file)" = out
      RUN --mount=type=bind,from=made,source=/out/link,target=/etc2 ls /etc2
      RUN --mount=type=bind,target=/src,rw echo x > /src/a && test "$(cat /src/a)" = x
      RUN --mount=type=bind,target=/src test "$(cat /src/a)" = a
    `,
      { a: "a\n", "sub/file": "sub\n", secret: "s", ".dockerignore": "secret\n" },
    );
    await built(context);
  });

  test("keeps caches between builds, by id, and not in the image", async () => {
    const use = (id: string, n: number) =>
      contextOf(
        `FROM busybox\nRUN --mount=type=cache,id=${id},target=/cache echo ${n} >> /cache/log && cat /cache/log\n`,
      );
    await built(use("one", 1), "-t", "cached");
    expect(await built(use("one", 2))).toMatch(/ 1\n#\d+ \S+ 2\n/);
    expect(await built(use("two", 3))).not.toMatch(/ 1\n/);
    expect(await bocker.ok("run", "--rm", "cached", "ls", "/cache").catch(() => "none")).toBe("none");
  });

  test("lets one build at a time into a locked cache", async () => {
    const step = "test ! -e /cache/in && touch /cache/in && sleep 0.3 && rm /cache/in";
    const one = (n: number) =>
      built(
        contextOf(`FROM busybox\nRUN --mount=type=cache,id=l,sharing=locked,target=/cache ${step} # ${n}\n`),
      );
    await Promise.all([one(1), one(2), one(3)]);
  });

  test("gives secrets as files and variables, never to the image, its history or the cache", async () => {
    const context = contextOf(`
      FROM busybox
      RUN --mount=type=secret,id=key --mount=type=secret,id=key,env=KEY,target=/k test "$(cat /run/secrets/key)" = "$KEY" && stat -c %a /k | grep -q 400
      RUN --mount=type=secret,id=none test ! -e /run/secrets/none
    `);
    const secret = join(bocker.directory, "key");
    writeFileSync(secret, "hunter2");
    await built(context, "-t", "secretive", "--secret", `id=key,src=${secret}`);
    writeFileSync(secret, "hunter3");
    expect(cachedSteps(await built(context, "--secret", `id=key,src=${secret}`))).toHaveLength(2);
    const saved = Bun.spawnSync(["grep", "-ra", "hunter", bocker.root]).stdout.toString();
    expect(saved).toBe("");
    expect(await layerNames("secretive")).toEqual([[], []]);
    const required = contextOf("FROM busybox\nRUN --mount=type=secret,id=key,required true\n");
    expect((await build(required)).stderr).toContain("secret key: not found");
  });
});

test("RUN --mount=type=ssh shows the agent that is given, and only where it is asked for", async () => {
  const path = join(bocker.directory, "agent.sock");
  const agent = Bun.listen({ unix: path, socket: { data() {} } });
  try {
    const context = contextOf(`
      FROM busybox
      RUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && test "$SSH_AUTH_SOCK" = /run/buildkit/ssh_agent.0
      RUN --mount=type=ssh,id=other,target=/agent test ! -e /agent && test -z "$SSH_AUTH_SOCK"
      RUN test -z "$SSH_AUTH_SOCK" && test ! -e /run/buildkit
    `);
    await built(context, "-t", "agent", "--ssh", `default=${path}`);
    expect(await layerNames("agent")).toEqual([[], [], []]);
    const required = contextOf("FROM busybox\nRUN --mount=type=ssh,required true\n");
    expect((await build(required)).stderr).toContain('no SSH key "default" forwarded from the client');
  } finally {
    agent.stop(true);
  }
});

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
    const context = contextOf(dockerfile, { a: "a", other: "1", ".dockerignore": "other\n" });
    await built(context);
    expect(cachedSteps(await built(context))).toEqual(all);
    utimesSync(join(context, "a"), 1, 1);
    writeFileSync(join(context, "other"), "2");
    writeFileSync(join(context, "Dockerfile"), dockerfile.replace("some=label", "other=label"));
    expect(cachedSteps(await built(context))).toEqual(all);
    expect(cachedSteps(await built(context, "--build-arg", "VERSION=2"))).toEqual(["COPY a /a"]);
    expect(cachedSteps(await built(context, "--build-arg", "HTTP_PROXY=http://x"))).toEqual(all);
    writeFileSync(join(context, "a"), "b");
    expect(cachedSteps(await built(context))).toEqual([]);
    expect(cachedSteps(await built(context, "--no-cache"))).toEqual([]);
  });

  test("outlives the image, is shown, and is pruned", async () => {
    const context = contextOf("FROM busybox\nRUN echo pruned > /p\n");
    await built(context, "-t", "p1");
    await bocker.ok("rmi", "p1");
    expect(cachedSteps(await built(context, "-t", "p1"))).toEqual(["RUN echo pruned > /p"]);
    const [id = ""] = (await layerIds("p1")).slice(-1);
    await bocker.ok("builder", "prune", "-f");
    expect(cachedSteps(await built(context, "-t", "p1"))).toEqual(["RUN echo pruned > /p"]);
    await bocker.ok("rmi", "p1");
    expect(await bocker.ok("system", "df")).toMatch(/Build Cache +[1-9]/);
    expect(await bocker.ok("builder", "prune", "-f")).toMatch(
      /^Deleted build cache objects:\n[0-9a-f]{25}\n/,
    );
    expect(existsSync(join(bocker.root, "layer", id))).toBe(false);
    expect(cachedSteps(await built(context))).toEqual([]);
  });

  async function layerIds(image: string): Promise<string[]> {
    const { RootFS } = await bocker.inspect(image);
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
    const first = contextOf(dockerfile, Object.fromEntries(files.map((name) => [name, name])));
    await built(first, "-t", "repro:1");
    await using other = openWorkspace();
    const second = contextOf(dockerfile, Object.fromEntries(files.toReversed().map((name) => [name, name])));
    for (const name of files) utimesSync(join(second, name), 1_000_000, 1_000_000);
    await other.ok("build", "-q", "-t", "repro:1", second);
    expect((await other.inspect("repro:1")).Id).toBe(await idOf("repro:1"));
    await built(first, "-t", "repro:2", "--no-cache");
    expect(await idOf("repro:2")).toBe(await idOf("repro:1"));
  });

  test("bears the time that it is told to, and no file is later", async () => {
    const context = contextOf("FROM busybox\nRUN touch /later && touch -d @1000 /earlier\n");
    await built(context, "-t", "timed", "--build-arg", "SOURCE_DATE_EPOCH=1234567890");
    expect((await bocker.inspect("timed")).Created).toStartWith("2009-02-13T23:31:30");
    expect(await bocker.ok("run", "--rm", "timed", "stat", "-c", "%Y", "/later", "/earlier")).toBe(
      "1234567890\n1000",
    );
  });

  test("comes from the stages that it needs, side by side, triggers first", async () => {
    await built(contextOf("FROM busybox\nONBUILD RUN echo triggered > /t\n"), "-t", "trigger");
    const context = contextOf(`
      FROM trigger AS one
      RUN test "$(cat /t)" = triggered
      FROM busybox AS unused
      RUN exit 1
      FROM scratch AS last
      COPY --from=one /t /t
    `);
    const progress = await built(context, "-t", "staged");
    expect(progress).not.toContain("exit 1");
    expect(progress).toContain("[one 2/3] RUN echo triggered > /t");
    const { Config, RootFS } = await bocker.inspect("staged");
    expect(RootFS.Layers).toHaveLength(1);
    expect(Config.OnBuild ?? null).toBe(null);
    expect((await bocker.inspect("trigger")).Config.OnBuild).toEqual(["RUN echo triggered > /t"]);
  });
});

test("the same step is done once, by stages and builds at the same time", async () => {
  const step = "RUN --mount=type=cache,id=count,target=/count echo x >> /count/log; sleep 0.2";
  const context = contextOf(
    `FROM busybox AS a\n${step}\nFROM busybox AS b\n${step}\nFROM a\nCOPY --from=b / /\n`,
  );
  await Promise.all([1, 2, 3].map(() => built(context)));
  const count = "FROM busybox\nRUN --mount=type=cache,id=count,target=/count wc -l < /count/log\n";
  expect(await built(contextOf(count))).toMatch(/^#\d+ \S+ 1$/m);
});

describe("a build that is ended", () => {
  const sleeping = "FROM busybox\nRUN echo first > /first\nRUN echo asleep && sleep 100 # %s\n";

  /** Runs until its last step runs. */
  async function sleeper(context: string) {
    const child = bocker.spawn(["build", "--progress", "plain", "-t", "ended", context]);
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
      const context = contextOf(sleeping.replace("%s", signal));
      const child = await sleeper(context);
      child.kill(signal);
      expect(await child.exited).not.toBe(0);
      expect((await bocker.run("image", "inspect", "ended")).exitCode).toBe(1);
      await expectNothingLeft();
      writeFileSync(join(context, "Dockerfile"), sleeping.replace("sleep 100 # %s", `sleep 0 # ${signal}`));
      expect(cachedSteps(await built(context))).toEqual(["RUN echo first > /first"]);
    },
  );

  test("by SIGKILL at any moment leaves nothing that a listing does not take away", async () => {
    const context = contextOf(
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
      const child = bocker.spawn(["build", "-q", "--no-cache", context]);
      await Bun.sleep(afterMs);
      child.kill("SIGKILL");
      await child.exited;
      await expectNothingLeft();
    }
    await built(context, "--no-cache");
    expect((await bocker.run("system", "check")).stdout).not.toMatch(/container|cgroup|build /);
  }, 60_000);

  test("by a step of another stage ends at once", async () => {
    const context = contextOf(`
      FROM busybox AS slow
      RUN sleep 100
      FROM busybox AS wrong
      RUN exit 3
      FROM scratch
      COPY --from=slow / /
      COPY --from=wrong / /
    `);
    const began = performance.now();
    expect((await build(context)).stderr).toContain("exit code: 3");
    expect(performance.now() - began).toBeLessThan(20_000);
    await expectNothingLeft();
  });

  test("does not disturb another of the same name", async () => {
    const context = contextOf("FROM busybox\nRUN echo same > /same && sleep 0.1\n");
    await Promise.all([1, 2, 3].map(() => built(context, "--no-cache", "-t", "same")));
    expect(await bocker.ok("run", "--rm", "same", "cat", "/same")).toBe("same");
  });
});

test("a build does not depend on the umask", async () => {
  const context = contextOf(
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
  await built(context, "-t", "umask:1");
  const { env, directory: cwd } = bocker;
  const words = [bockerBinary(), "build", "-q", "--no-cache", "-t", "umask:2", context];
  const { exitCode } = Bun.spawnSync(["sh", "-c", 'umask 077; exec "$@"', "sh", ...words], { env, cwd });
  expect(exitCode).toBe(0);
  expect(await idOf("umask:2")).toBe(await idOf("umask:1"));
});

test("a step's layer is the same with a storage driver that keeps whole copies", async () => {
  const context = contextOf(`
    FROM busybox
    RUN mkdir -p /d/e && echo 1 > /d/e/f && rm -rf /home && chmod 700 /tmp
    RUN --mount=type=tmpfs,target=/d/mount true
    RUN rm /d/e/f && ln -s nowhere /d/link
  `);
  await built(context, "-t", "driver:overlay");
  const vfs = { env: { BOCKER_STORAGE_DRIVER: "vfs" } };
  const { exitCode } = await bocker.runWith(vfs, "build", "-q", "--no-cache", "-t", "driver:vfs", context);
  expect(exitCode).toBe(0);
  expect(await layerNames("driver:vfs")).toEqual([
    ["d", "d/e", "d/e/f", "home", "tmp"],
    [],
    ["d", "d/e", "d/e/f", "d/link"],
  ]);
  expect(await idOf("driver:vfs")).toBe(await idOf("driver:overlay"));
  await expectNothingLeft();
});
