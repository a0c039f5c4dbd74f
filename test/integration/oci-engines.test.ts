/**
 * podman, containerd, docker and buildah start their containers through bocker-oci: run, exec, signals, pause, limits,
 * terminals, and their words for commands that cannot be found.
 */
import { describe, expect, test } from "bun:test";
import { image, openBuildah, openContainerd, openDockerd, openPodman } from "../lib/oci-engine.ts";

const isRoot = process.geteuid?.() === 0;
const has = (program: string): boolean => isRoot && Bun.which(program) !== null;
/** podman asks for more than the hard limits otherwise, which takes CAP_SYS_RESOURCE. */
const limits = ["--ulimit=nofile=1024:1024", "--ulimit=nproc=1024:1024", "--network=none"];

describe.skipIf(!has("podman"))("podman --runtime", () => {
  test("runs, executes, pauses, stops and removes", async () => {
    await using podman = await openPodman();
    expect(await podman.ok("run", "--rm", ...limits, image, "echo", "hello")).toBe("hello");
    expect((await podman.run("run", "--rm", ...limits, image, "sh", "-c", "exit 7")).exitCode).toBe(7);
    const device = "--device=/dev/null:/dev/other:rw";
    expect(
      await podman.ok("run", "--rm", ...limits, device, image, "sh", "-c", "echo x > /dev/other && ls /dev"),
    ).toContain("other");
    await podman.ok("run", "--rm", "--privileged", ...limits, image, "mount", "-t", "tmpfs", "none", "/tmp");
    await podman.ok("run", "-d", "--name=c", ...limits, "--pids-limit=50", image, "sleep", "100");
    expect(await podman.ok("exec", "c", "sh", "-c", "echo $$; cat /proc/1/cmdline")).toContain("sleep");
    expect((await podman.run("exec", "c", "sh", "-c", "exit 9")).exitCode).toBe(9);
    await podman.ok("pause", "c");
    expect(await podman.ok("ps", "-a", "--format", "{{.Status}}")).toContain("Paused");
    await podman.ok("unpause", "c");
    expect(await podman.ok("inspect", "--format", "{{.OCIRuntime}} {{.State.Status}}", "c")).toBe(
      `${podman.runtime} running`,
    );
    await podman.ok("stop", "-t", "0", "c");
    await podman.ok("rm", "c");
    for (const verb of [["run", "--rm", ...limits, image]]) {
      const { exitCode, stderr } = await podman.run(...verb, "nope");
      expect([exitCode, stderr]).toEqual([
        127,
        expect.stringContaining("executable file not found in $PATH"),
      ]);
    }
  }, 60_000);

  test("gives terminals through the console socket, and keeps users, mounts and limits", async () => {
    await using podman = await openPodman();
    await using session = podman.terminal("run", "--rm", "-it", ...limits, image, "sh");
    session.type("tty; echo done-$((40+2))\n");
    await session.waitFor(/\/dev\/pts\/0\s+done-42/);
    session.type("exit 3\n");
    expect(await session.exited).toBe(3);
    const script =
      "id -u; cat /proc/self/status | grep -E 'NoNewPrivs|Seccomp:'; touch /x 2>&1; touch /t/y && echo made";
    const args = [
      "--user=1000:1000",
      "--security-opt=no-new-privileges",
      "--read-only",
      "--tmpfs=/t:mode=1777",
    ];
    const said = await podman.ok("run", "--rm", ...limits, ...args, image, "sh", "-c", script);
    expect(said.replaceAll("\t", " ").split("\n")).toEqual([
      "1000",
      "NoNewPrivs: 1",
      "Seccomp: 2",
      "touch: /x: Read-only file system",
      "made",
    ]);
  }, 60_000);
});

describe.skipIf(!has("containerd"))("containerd, ctr run --runc-binary", () => {
  test("runs, executes, pauses, measures, kills and deletes", async () => {
    await using ctr = await openContainerd();
    const run = ["run", "--runc-binary", ctr.runtime] as const;
    expect(await ctr.ok(...run, "--rm", image, "a", "echo", "hello")).toBe("hello");
    expect((await ctr.run(...run, "--rm", image, "a", "sh", "-c", "exit 5")).exitCode).toBe(5);
    const missing = await ctr.run(...run, "--rm", image, "a", "nope");
    expect([missing.exitCode, missing.stderr]).toEqual([
      1,
      expect.stringContaining('exec: "nope": executable file not found'),
    ]);
    await ctr.ok(...run, "-d", image, "b", "sleep", "100");
    expect(await ctr.ok("task", "exec", "--exec-id", "e", "b", "echo", "inside")).toBe("inside");
    await ctr.ok("task", "pause", "b");
    expect(await ctr.ok("task", "ls")).toContain("PAUSED");
    await ctr.ok("task", "resume", "b");
    expect(await ctr.ok("task", "metrics", "b")).toContain("memory.usage_in_bytes");
    await using session = ctr.terminal("task", "exec", "-t", "--exec-id", "t", "b", "tty");
    await session.waitFor("/dev/pts/");
    expect(await session.exited).toBe(0);
    await ctr.ok("task", "kill", "-s", "KILL", "b");
    for (let tries = 0; !(await ctr.ok("task", "ls")).includes("STOPPED") && tries < 500; tries++)
      await Bun.sleep(20);
    await ctr.run("task", "rm", "b");
    await ctr.ok("container", "rm", "b");
    expect(await ctr.ok("container", "ls", "-q")).toBe("");
  }, 90_000);
});

describe.skipIf(!has("dockerd"))("docker --add-runtime", () => {
  test("runs, executes, limits, updates, pauses and removes", async () => {
    await using docker = await openDockerd();
    const run = ["run", "--network=none"] as const;
    expect(await docker.ok(...run, "--rm", image, "echo", "hello")).toBe("hello");
    expect((await docker.run(...run, "--rm", image, "sh", "-c", "exit 9")).exitCode).toBe(9);
    const missing = await docker.run(...run, "--rm", image, "nope");
    expect([missing.exitCode, missing.stderr]).toEqual([
      127,
      expect.stringContaining("executable file not found in $PATH"),
    ]);
    await docker.ok(
      ...run,
      "-d",
      "--name=c1",
      "--memory=64m",
      "--pids-limit=40",
      "--cpus=0.5",
      image,
      "sleep",
      "100",
    );
    expect(await docker.ok("exec", "c1", "sh", "-c", "cat /proc/1/cmdline")).toContain("sleep");
    expect([126, 127]).toContain((await docker.run("exec", "c1", "nope")).exitCode);
    await docker.ok("update", "--memory=48m", "--memory-swap=96m", "c1");
    await docker.ok("pause", "c1");
    expect(await docker.ok("inspect", "-f", "{{.State.Status}}", "c1")).toBe("paused");
    await docker.ok("unpause", "c1");
    expect(await docker.ok("top", "c1")).toContain("sleep 100");
    await docker.ok("kill", "c1");
    expect(await docker.ok("wait", "c1")).toBe("137");
    await docker.ok("rm", "c1");
    await using session = docker.terminal(...run, "--rm", "-it", image, "sh");
    session.type("tty; exit 4\n");
    await session.waitFor("/dev/pts/0");
    expect(await session.exited).toBe(4);
  }, 120_000);
});

describe.skipIf(!has("buildah"))("buildah --runtime", () => {
  test("runs the steps of a build", async () => {
    await using buildah = await openBuildah();
    const name = await buildah.ok("from", "scratch");
    await buildah.ok("add", name, `${buildah.directory}/rootfs`, "/");
    const run = ["run", "--runtime", buildah.runtime, name, "--"] as const;
    expect(await buildah.ok(...run, "sh", "-c", "echo built > /made; cat /made; hostname")).toContain(
      "built",
    );
    expect((await buildah.run(...run, "sh", "-c", "exit 6")).exitCode).not.toBe(0);
    expect(await buildah.ok(...run, "cat", "/made")).toBe("built");
    const missing = await buildah.run(...run, "nope");
    expect([missing.exitCode, missing.stderr]).toEqual([
      expect.any(Number),
      expect.stringContaining("executable file not found"),
    ]);
    expect(missing.exitCode).not.toBe(0);
  }, 60_000);
});
