/** RUN --mount from the outside: contexts, stages, caches, secrets, agents. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { BuildLab, cachedSteps } from "../lib/build-lab.ts";

let lab: BuildLab;
beforeAll(() => {
  lab = new BuildLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe("RUN --mount", () => {
  test("shows the context without what is ignored, other stages and images; writes are gone", async () => {
    const context = lab.contextOf(
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
    await lab.built(context);
  });

  test("keeps caches between builds, by id, and not in the image", async () => {
    const use = (id: string, n: number) =>
      lab.contextOf(
        `FROM busybox\nRUN --mount=type=cache,id=${id},target=/cache echo ${n} >> /cache/log && cat /cache/log\n`,
      );
    await lab.built(use("one", 1), "-t", "cached");
    expect(await lab.built(use("one", 2))).toMatch(/ 1\n#\d+ \S+ 2\n/);
    expect(await lab.built(use("two", 3))).not.toMatch(/ 1\n/);
    expect(await lab.bocker.ok("run", "--rm", "cached", "ls", "/cache").catch(() => "none")).toBe("none");
  });

  test("lets one build at a time into a locked cache", async () => {
    const step = "test ! -e /cache/in && touch /cache/in && sleep 0.3 && rm /cache/in";
    const one = (n: number) =>
      lab.built(
        lab.contextOf(
          `FROM busybox\nRUN --mount=type=cache,id=l,sharing=locked,target=/cache ${step} # ${n}\n`,
        ),
      );
    await Promise.all([one(1), one(2), one(3)]);
  });

  test("gives secrets as files and variables, never to the image, its history or the cache", async () => {
    const context = lab.contextOf(`
      FROM busybox
      RUN --mount=type=secret,id=key --mount=type=secret,id=key,env=KEY,target=/k test "$(cat /run/secrets/key)" = "$KEY" && stat -c %a /k | grep -q 400
      RUN --mount=type=secret,id=none test ! -e /run/secrets/none
    `);
    const secret = join(lab.bocker.directory, "key");
    writeFileSync(secret, "hunter2");
    await lab.built(context, "-t", "secretive", "--secret", `id=key,src=${secret}`);
    writeFileSync(secret, "hunter3");
    expect(cachedSteps(await lab.built(context, "--secret", `id=key,src=${secret}`))).toHaveLength(2);
    const saved = Bun.spawnSync(["grep", "-ra", "hunter", lab.bocker.root]).stdout.toString();
    expect(saved).toBe("");
    expect(await lab.layerNames("secretive")).toEqual([[], []]);
    const required = lab.contextOf("FROM busybox\nRUN --mount=type=secret,id=key,required true\n");
    expect((await lab.build(required)).stderr).toContain("secret key: not found");
  });
});

test("RUN --mount=type=ssh shows the agent that is given, and only where it is asked for", async () => {
  const path = join(lab.bocker.directory, "agent.sock");
  const agent = Bun.listen({ unix: path, socket: { data() {} } });
  try {
    const context = lab.contextOf(`
      FROM busybox
      RUN --mount=type=ssh test -S "$SSH_AUTH_SOCK" && test "$SSH_AUTH_SOCK" = /run/buildkit/ssh_agent.0
      RUN --mount=type=ssh,id=other,target=/agent test ! -e /agent && test -z "$SSH_AUTH_SOCK"
      RUN test -z "$SSH_AUTH_SOCK" && test ! -e /run/buildkit
    `);
    await lab.built(context, "-t", "agent", "--ssh", `default=${path}`);
    expect(await lab.layerNames("agent")).toEqual([[], [], []]);
    const required = lab.contextOf("FROM busybox\nRUN --mount=type=ssh,required true\n");
    expect((await lab.build(required)).stderr).toContain('no SSH key "default" forwarded from the client');
  } finally {
    agent.stop(true);
  }
});
