/**
 * The two phases of an OCI start, and hooks around them: what runs where, what waits, what fails. Real kernel, root.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { close, closeQuietly, openat, pipe2 } from "../../ffi/file.ts";
import { AT_FDCWD } from "../../ffi/flags.ts";
import { pidfd_open } from "../../ffi/process.ts";
import type { StartContext } from "../../src/launch/context.ts";
import { planStart } from "../../src/launch/plan-start.ts";
import { joinableNamespaces } from "../../src/runtime/joinable-namespaces.ts";
import { launchFacts } from "../../src/runtime/launch-facts.ts";
import { runHooks } from "../../src/runtime/run-hook.ts";
import { makeGate, openGate } from "../../src/runtime/start-gate.ts";
import { endChild, type StartOptions } from "../../src/runtime/start-process.ts";
import type { SpecHook, SpecHooks } from "../../src/spec/oci.ts";
import {
  contextFor,
  drain,
  failureOf,
  hostMounts,
  isRoot,
  type RunningChild,
  runIn,
  type SpecChanges,
  specFor,
  startPlan,
  type TemporaryRootfs,
  temporaryRootfs,
} from "./launch-fixture.ts";

const state = (pid: number) => JSON.stringify({ ociVersion: "1.2.0", id: "x", status: "creating", pid });
const sh = (script: string, more: Partial<SpecHook> = {}): SpecHook => ({
  path: "/bin/sh",
  args: ["sh", "-c", script],
  env: ["PATH=/usr/bin:/bin"],
  ...more,
});

/** Creates a container that waits at its gate, in the rootfs's `outside` directory. */
async function createIn(
  rootfs: TemporaryRootfs,
  args: readonly string[],
  changes: SpecChanges = {},
  context: Partial<StartContext> = {},
  options: Partial<StartOptions> = {},
): Promise<RunningChild> {
  using gate = makeGate(rootfs.outside);
  const spec = specFor(args, changes);
  const plan = planStart(
    spec,
    contextFor(rootfs.path, spec, { gate: true, dieWithParent: false, ...context }),
  );
  return await startPlan(plan, { ...options, fds: { ...options.fds, ...gate.fds } });
}

const processOf = (args: readonly string[]) =>
  specFor(args).process ?? { user: { uid: 0, gid: 0 }, cwd: "/" };

describe.skipIf(!isRoot)("a gate", () => {
  test("holds the command back until start, once", async () => {
    using rootfs = temporaryRootfs();
    const args = ["sh", "-c", "echo ran; exit 3"];
    const created = await createIn(rootfs, args);
    const { pid } = created.process;
    expect(readFileSync(`/proc/${pid}/cmdline`, "utf8")).toBe("bocker:init\0");
    expect(readFileSync(`/proc/${pid}/status`, "utf8")).toMatch(/NSpid:\t\d+\t1\n/);
    await openGate(rootfs.outside, processOf(args));
    expect(await created.output).toMatchObject({ exit: { exitCode: 3 }, stdout: "ran\n" });
    const again = await failureOf(openGate(rootfs.outside, processOf(args)));
    expect(again.message).toBe("cannot start a container that is already running");
  });

  test("of two starts at once one wins", async () => {
    using rootfs = temporaryRootfs();
    const args = ["sh", "-c", "echo ran"];
    const created = await createIn(rootfs, args);
    const starts = [0, 1].map(() => openGate(rootfs.outside, processOf(args)));
    const results = await Promise.allSettled(starts);
    expect(results.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    expect((await created.output).stdout).toBe("ran\n");
  });

  test("a container whose init was killed meanwhile is told from one that waits", async () => {
    using rootfs = temporaryRootfs();
    const args = ["sleep", "60"];
    const created = await createIn(rootfs, args);
    endChild({ pidfd: pidfd_open(created.process.pid) });
    await created.output.catch(() => {});
    const error = await failureOf(openGate(rootfs.outside, processOf(args)));
    expect(error.message).toBe("cannot start a container that has stopped");
    closeQuietly(created.process.pidfd);
  });

  test("a command that is missing fails the create; one that is no program fails the start", async () => {
    using rootfs = temporaryRootfs();
    const missing = await failureOf(createIn(rootfs, ["nosuch"]));
    expect(missing.message).toEndWith('exec: "nosuch": executable file not found in $PATH');
    expect(missing.exitCode).toBe(127);
    using second = temporaryRootfs();
    expect((await failureOf(createIn(second, ["/etc/passwd"]))).exitCode).toBe(126);
    using third = temporaryRootfs();
    expect((await failureOf(createIn(third, ["/tmp"]))).message).toContain("is a directory");
    using fourth = temporaryRootfs();
    writeFileSync(join(fourth.path, "bin/bad"), "#!/no/such/interpreter\n", { mode: 0o755 });
    const created = await createIn(fourth, ["bad"]);
    const error = await failureOf(openGate(fourth.outside, processOf(["bad"])));
    expect(error.message).toContain("exec /bin/bad: no such file or directory");
    expect(error.exitCode).toBe(127);
    expect((await created.output).exit.exitCode).toBe(127);
  });

  test("holds nothing of the host but its own two fifos and pipes", async () => {
    using rootfs = temporaryRootfs();
    const created = await createIn(rootfs, ["sleep", "0"]);
    const { stdout } = Bun.spawnSync(["ls", "-l", `/proc/${created.process.pid}/fd`]);
    const targets = stdout.toString().match(/-> .*/g) ?? [];
    const known = /^-> (pipe:|\/dev\/null|\/memfd:bocker-tape|.*\/(exec|result)\.fifo)/;
    expect(targets.filter((target) => !known.test(target))).toEqual([]);
    await openGate(rootfs.outside, processOf(["sleep", "0"]));
    expect((await created.output).exit.exitCode).toBe(0);
  });
});

describe.skipIf(!isRoot)("preserved descriptors", () => {
  test.each([
    { gate: false, preserveFds: 1, closeRangeCloexec: true },
    { gate: true, preserveFds: 7, closeRangeCloexec: true },
    { gate: false, preserveFds: 0, closeRangeCloexec: false },
    { gate: true, preserveFds: 2, closeRangeCloexec: false },
    { gate: false, preserveFds: 6, closeRangeCloexec: false },
  ])(
    "become 3 and following, and nothing else does: %o",
    async ({ gate, preserveFds, closeRangeCloexec }) => {
      const kernel = { ...launchFacts().kernel, closeRangeCloexec };
      using rootfs = temporaryRootfs();
      const pipes = Array.from({ length: preserveFds }, () => pipe2());
      const fds = Object.fromEntries(pipes.map(([, write], index) => [`preserve${index}`, write]));
      const last = 2 + preserveFds;
      const args = ["sh", "-c", `echo hello >&${last}; ls /proc/self/fd`];
      const started = gate
        ? await createIn(rootfs, args, {}, { preserveFds, kernel }, { fds })
        : await startPlan(
            planStart(specFor(args), contextFor(rootfs.path, specFor(args), { preserveFds, kernel })),
            {
              fds,
            },
          );
      if (gate) await openGate(rootfs.outside, processOf(args));
      const { stdout } = await started.output;
      for (const [, write] of pipes) close(write);
      const written = pipes.map(([read]) => drain(read)).at(-1) ?? "hello\n";
      expect(written).toBe("hello\n");
      // The last one is what ls itself has opened.
      const seen = stdout
        .trim()
        .split("\n")
        .map(Number)
        .sort((a, b) => a - b);
      expect(seen.slice(0, -1)).toEqual(Array.from({ length: 3 + preserveFds }, (_, index) => index));
    },
  );
});

describe.skipIf(!isRoot)("hooks", () => {
  const run = (
    rootfs: TemporaryRootfs,
    hooks: SpecHooks,
    args: readonly string[],
    changes: SpecChanges = {},
  ) => {
    const spec = { ...specFor(args, changes), hooks };
    return startPlan(planStart(spec, contextFor(rootfs.path, spec)), {
      beforePivot: async (target) => {
        await runHooks("prestart", hooks.prestart, { in: "runtime" }, state(target.pid));
        await runHooks("createRuntime", hooks.createRuntime, { in: "runtime" }, state(target.pid));
        await runHooks("createContainer", hooks.createContainer, { in: "mounts", target }, state(target.pid));
      },
    });
  };

  test("before the pivot: in order, in their namespaces, the container's mounts in place, state on stdin", async () => {
    using rootfs = temporaryRootfs();
    const log = join(rootfs.outside, "log");
    const note = (word: string) =>
      `{ echo ${word}; readlink /proc/self/ns/mnt /proc/self/ns/pid; cat; echo; grep -c ${rootfs.path}/proc /proc/self/mountinfo || true; } >> ${log}`;
    const mount = `mkdir ${rootfs.path}/tmp/hooked && mount -t tmpfs hooked ${rootfs.path}/tmp/hooked && touch ${rootfs.path}/tmp/hooked/here`;
    const hooks = {
      prestart: [sh(note("prestart"))],
      createRuntime: [sh(note("createRuntime"))],
      createContainer: [sh(note("createContainer")), sh(mount)],
    };
    const { process, output } = await run(rootfs, hooks, [
      "sh",
      "-c",
      "ls /tmp/hooked; readlink /proc/self/ns/mnt; ls /",
    ]);
    const { stdout } = await output;
    const lines = readFileSync(log, "utf8").trim().split("\n");
    const own = ["mnt", "pid"].map((name) =>
      Bun.spawnSync(["readlink", `/proc/self/ns/${name}`])
        .stdout.toString()
        .trim(),
    );
    const [here, mnt] = stdout.split("\n");
    expect(lines.slice(0, 5)).toEqual(["prestart", ...own, state(process.pid), "0"]);
    expect(lines.slice(5, 10)).toEqual(["createRuntime", ...own, state(process.pid), "0"]);
    expect(lines[10]).toBe("createContainer");
    expect(lines[11]).toBe(mnt ?? "");
    expect(lines[12]).not.toBe(own[1] ?? "");
    expect(lines.slice(13)).toEqual([state(process.pid), "1"]);
    expect(here).toBe("here");
    expect(stdout).not.toContain("outside");
    expect(hostMounts(rootfs.path)).toEqual([]);
  });

  test("one that fails ends the start with its output, and the rest is not run", async () => {
    using rootfs = temporaryRootfs();
    const mark = join(rootfs.outside, "mark");
    const hooks = { createRuntime: [sh("echo out; echo err >&2; exit 4"), sh(`touch ${mark}`)] };
    const error = await failureOf(run(rootfs, hooks, ["sleep", "60"]));
    expect(error.message).toBe(
      "error running createRuntime hook #0: exit status 4, stdout: out, stderr: err",
    );
    expect(existsSync(mark)).toBe(false);
    const missing = { createContainer: [{ path: "/no/such/hook" }] };
    expect((await failureOf(run(rootfs, missing, ["sleep", "60"]))).message).toContain(
      "no such file or directory",
    );
  });

  test("one that hangs is killed when its time is over", async () => {
    using rootfs = temporaryRootfs();
    const hooks = { prestart: [sh("exec sleep 600", { timeout: 1 })] };
    const error = await failureOf(run(rootfs, hooks, ["sleep", "60"]));
    expect(error.message).toBe("error running prestart hook #0: hook ran past specified timeout of 1s");
  });

  test("startContainer: inside, with the rights of the container's process and no more", async () => {
    using rootfs = temporaryRootfs();
    const user = { uid: 1000, gid: 1000 };
    const created = await createIn(rootfs, ["cat", "/tmp/note"], { process: { user } });
    const { pid } = created.process;
    Bun.spawnSync(["chmod", "1777", join(rootfs.path, "tmp")]);
    const target = { pid, pidfd: created.process.pidfd };
    const process = { ...processOf(["x"]), user };
    const context = {
      ...launchFacts(),
      namespaces: joinableNamespaces(pid),
      chownStdio: [],
      dieWithParent: false,
    };
    const hook = sh("{ id -u; grep CapEff /proc/self/status; cat; echo; echo $$; } > /tmp/note");
    await runHooks("startContainer", [hook], { in: "container", target, process, context }, state(pid));
    expect(statSync(join(rootfs.path, "tmp/note")).uid).toBe(1000);
    await openGate(rootfs.outside, processOf(["cat", "/tmp/note"]));
    const { stdout } = await created.output;
    expect(stdout).toMatch(/^1000\nCapEff:\t0{16}\n\{.*\}\n[2-9]\n$/);
  });

  test("a plan that stops for hooks needs somebody to run them", async () => {
    using rootfs = temporaryRootfs();
    const spec = { ...specFor(["true"]), hooks: { prestart: [sh("true")] } };
    const error = await failureOf(startPlan(planStart(spec, contextFor(rootfs.path, spec))));
    expect(error.message).toContain("nobody runs");
  });
});

test.skipIf(!isRoot)("a host descriptor without a name in the plan stays outside", async () => {
  using rootfs = temporaryRootfs();
  const fd = openat(AT_FDCWD, "/etc/passwd", 0);
  const { stdout } = await runIn(rootfs, ["sh", "-c", "ls /proc/self/fd | wc -l"]);
  close(fd);
  expect(stdout.trim()).toBe("4");
});
