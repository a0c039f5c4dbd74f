/** RUN from the outside: its container, and the layer that it leaves. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { BuildLab, cachedSteps } from "../lib/build-lab.ts";

let lab: BuildLab;
beforeAll(() => {
  lab = new BuildLab();
});
afterAll(() => lab[Symbol.asyncDispose]());

describe("the container of a step", () => {
  test("leaves only what it has changed in its layer, however its mounts got their places", async () => {
    const context = lab.contextOf(`
      FROM busybox
      RUN true
      RUN echo a > /made
      RUN --mount=type=tmpfs,target=/deep/down/below touch /deep/down/below/x
      RUN rm -rf /home && ln -s ../run/nowhere/resolv.conf /link
      RUN --mount=type=tmpfs,target=/home/gone/away true
      RUN --mount=type=tmpfs,target=/link true
    `);
    await lab.built(context, "-t", "clean");
    expect(await lab.layerNames("clean")).toEqual([[], ["made"], [], ["home", "link"], [], []]);
    await lab.expectNothingLeft();
  });

  test("has docker's builder's name, the stage's variables, directory and user, and few capabilities", async () => {
    const context = lab.contextOf(`
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
    await lab.built(context);
  });

  test("fails the build with its exit code; nothing is named, and what was done before stays", async () => {
    const context = lab.contextOf("FROM busybox\nRUN echo kept > /kept\nRUN echo oops >&2; exit 7\n");
    const { exitCode, stderr } = await lab.build(context, "-t", "failing");
    expect(exitCode).toBe(1);
    expect(stderr).toContain(
      'ERROR: failed to build: failed to solve: process "/bin/sh -c echo oops >&2; exit 7" did not complete successfully: exit code: 7',
    );
    expect((await lab.bocker.run("image", "inspect", "failing")).exitCode).toBe(1);
    expect(cachedSteps((await lab.build(context)).stderr)).toEqual(["RUN echo kept > /kept"]);
    await lab.expectNothingLeft();
  });

  test("that cannot be started says why", async () => {
    const { exitCode, stderr } = await lab.build(lab.contextOf('FROM busybox\nRUN ["/bin/nope", "x"]\n'));
    expect(exitCode).toBe(1);
    expect(stderr).toContain('process "/bin/nope x" did not complete successfully: ');
    expect(stderr).toContain("no such file or directory");
  });

  test("stores layers of many megabytes whole", async () => {
    const context = lab.contextOf(
      "FROM busybox\nRUN mkdir -p /big/z && head -c 5000000 /dev/urandom > /big/a && sha256sum /big/a > /big/z/sum\n",
    );
    await lab.built(context, "-t", "big");
    expect(await lab.bocker.ok("run", "--rm", "big", "sha256sum", "-c", "/big/z/sum")).toContain("OK");
  });

  test("may be on the host's network, or be privileged, only when that is allowed", async () => {
    const onHost = lab.contextOf("FROM busybox\nRUN --network=host test -e /sys/class/net/lo\n");
    const insecure = lab.contextOf(
      "FROM busybox\nRUN --security=insecure mount -t tmpfs none /mnt || mount -t tmpfs none /tmp\n",
    );
    for (const [context, entitlement] of [
      [onHost, "network.host"],
      [insecure, "security.insecure"],
    ] as const) {
      expect((await lab.build(context)).stderr).toContain(`${entitlement} is not allowed`);
      await lab.built(context, "--allow", entitlement);
    }
  });

  test("reaches the network of the build, or none", async () => {
    const context = lab.contextOf(`
      FROM busybox AS a
      RUN ip -4 addr show eth0 | grep inet > /address
      FROM busybox
      RUN ip -4 addr show eth0 | grep inet > /address
      COPY --from=a /address /other
      RUN cmp /address /other
      RUN --network=none ! ip addr show eth0
    `);
    const told = () => lab.bocker.ok("events", "--since", "1h", "--until", "0s", "--filter", "type=network");
    const before = await told();
    await lab.built(context, "--no-cache");
    await lab.expectNothingLeft();
    expect(await told()).toBe(before);
  });
});

test("a step's layer is the same with a storage driver that keeps whole copies", async () => {
  const context = lab.contextOf(`
    FROM busybox
    RUN mkdir -p /d/e && echo 1 > /d/e/f && rm -rf /home && chmod 700 /tmp
    RUN --mount=type=tmpfs,target=/d/mount true
    RUN rm /d/e/f && ln -s nowhere /d/link
  `);
  await lab.built(context, "-t", "driver:overlay");
  const vfs = { env: { BOCKER_STORAGE_DRIVER: "vfs" } };
  const { exitCode } = await lab.bocker.runWith(
    vfs,
    "build",
    "-q",
    "--no-cache",
    "-t",
    "driver:vfs",
    context,
  );
  expect(exitCode).toBe(0);
  expect(await lab.layerNames("driver:vfs")).toEqual([
    ["d", "d/e", "d/e/f", "home", "tmp"],
    [],
    ["d", "d/e", "d/e/f", "d/link"],
  ]);
  expect(await lab.idOf("driver:vfs")).toBe(await lab.idOf("driver:overlay"));
  await lab.expectNothingLeft();
});
